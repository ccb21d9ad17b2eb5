"""Location of the recording index, and how the database searches it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from support.clients.mongodb.client import BasePath


@dataclass(frozen=True)
class StoragePath:
    """The configured storage path: its live entries, and the collections that exist."""

    path: str
    entries: tuple[BasePath, ...]
    collections: frozenset[str]


@dataclass(frozen=True)
class Lookups:
    """The indexes of one collection by name, as the driver describes them."""

    collection: str
    indexes: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Search:
    """Execution of a search by the database: the stages of its plan, and the number of documents it examined."""

    stages: tuple[str, ...]
    documents_examined: int
