"""Queries for commands that have to be examined for passwords."""

from __future__ import annotations

from typing import Any

from support.model.commands import MOST_LEVELS

URL_WITH_PASSWORD = r"[A-Za-z][A-Za-z0-9+.-]*://[^/@\s:\"']*:[^@/\s\"']+@[^/\s\"'?]*"
MOST_DOCUMENTS = 50
_PATHS = tuple("fiber_metadata" + ".parent" * level for level in range(MOST_LEVELS))


def suspects() -> dict[str, Any]:
    """Return the query for recordings with such a URL in the command of any level, or with more than
    ``MOST_LEVELS``."""
    found = [{f"{path}.cmd": {"$regex": URL_WITH_PASSWORD}} for path in _PATHS]
    return {"$or": [*found, {f"{_PATHS[-1]}.parent": {"$type": "object"}}]}


def with_a_command() -> dict[str, Any]:
    """Return the query for recordings with a command in any level."""
    return {"$or": [{f"{path}.cmd": {"$type": "string"}} for path in _PATHS]}
