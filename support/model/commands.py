"""The commands that made recordings, as their metadata keep them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MOST_LEVELS = 12
"""Metadata nested deeper are not looked into by the search, so they are an offence themselves; three are usual."""


@dataclass(frozen=True)
class Commands:
    """The recordings the query for suspects found: ``uuid`` and ``fiber_metadata`` of each.

    ``there_are_some``: whether any recording has a command at all; without one, no suspect is no good sign.
    """

    documents: tuple[Mapping[str, Any], ...]
    collection: str
    there_are_some: bool
