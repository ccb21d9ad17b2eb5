"""The progress of an index build, if the database reports it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from support.clients.mongodb.client import DatabaseError
from support.clients.mongodb.facts import Document

_WHOSE: tuple[Mapping[str, Any], ...] = ({}, {"$ownOps": True})
"""Filters of currentOp, tried in order. The thread that builds belongs to no user. A user who may not see it sees only
their own operations."""


class BusyDatabase(Protocol):
    """The part of the MongoDB client that is used here."""

    def command(self, name: str, value: Any = 1, *, admin: bool = False, **arguments: Any) -> Document: ...


def build_progress(database: BusyDatabase) -> str | None:
    """Describe the progress in one line; None if the database reports none. The build's own answer gives its result."""
    for whose in _WHOSE:
        try:
            operations = database.command("currentOp", admin=True, **whose).get("inprog", ())
        except DatabaseError:
            continue
        lines = [line for operation in operations if (line := _line(operation)) is not None]
        if lines:
            return max(lines, key=len)
    return None


def _line(operation: Mapping[str, Any]) -> str | None:
    command, progress = operation.get("command"), operation.get("progress")
    if not isinstance(command, Mapping) or "createIndexes" not in command:
        return None
    if isinstance(progress, Mapping) and progress.get("total"):
        done, total = int(progress.get("done", 0)), int(progress["total"])
        return f"{done} of {total} documents, {done / total:.0%}"
    seconds = operation.get("secs_running")
    return f"for {seconds} s" if isinstance(seconds, int) and seconds else None
