"""Commands that created recordings, as kept in their metadata."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MOST_LEVELS = 12
"""Deepest level of metadata that the search examines. Deeper ones are an offence themselves; three are usual."""


@dataclass(frozen=True)
class Commands:
    """Recordings that the query for suspects found: ``uuid`` and ``fiber_metadata`` of each.

    ``there_are_some`` is whether any recording has a command at all; if none has, finding no suspect proves nothing.
    """

    documents: tuple[Mapping[str, Any], ...]
    collection: str
    there_are_some: bool
