"""How far the database is with the index that it builds, where it tells so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from support.clients.mongodb.client import DatabaseError
from support.clients.mongodb.facts import Document

_WHOSE: tuple[Mapping[str, Any], ...] = ({}, {"$ownOps": True})
"""The thread that builds is nobody's; a user who may not see it sees what he asked for himself."""


class BusyDatabase(Protocol):
    """What is used of the MongoDB client."""

    def command(self, name: str, value: Any = 1, *, admin: bool = False, **arguments: Any) -> Document: ...


def build_progress(database: BusyDatabase) -> str | None:
    """One line; None where the database tells nothing. Whether the build succeeds, its own answer says."""
    for whose in _WHOSE:
        try:
            operations = database.command("currentOp", admin=True, **whose).get("inprog", ())
        except DatabaseError:
            continue
        told = [line for operation in operations if (line := _line(operation)) is not None]
        if told:
            return max(told, key=len)
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
