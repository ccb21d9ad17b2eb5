"""The commands in progress: ``currentOp`` shows them, and dropping an index aborts its build."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from environments.sandbox.mongodb.wire.errors import Code, MongoError

_numbers = itertools.count(1)
Owner = tuple[str, str] | None


class Operation:
    """One command in progress. ``documents`` is the number that an index build reads; 0 for any other command."""

    def __init__(self, namespace: str, command: Mapping[str, Any], owner: Owner, documents: int) -> None:
        self.number = next(_numbers)
        self.namespace, self.command, self.owner, self.documents = namespace, command, owner, documents
        self._began_s = time.monotonic()
        self._lasts_s = 0.0
        self._given_up = asyncio.Event()

    @property
    def builds(self) -> set[str]:
        """The names of the indexes that it builds."""
        specs = self.command.get("indexes", ()) if "createIndexes" in self.command else ()
        return {str(spec.get("name")) for spec in specs if isinstance(spec, dict)}

    async def last(self, seconds: float) -> None:
        """Remain in progress for this time; raises error 276 if it is aborted meanwhile."""
        self._lasts_s = seconds
        try:
            await asyncio.wait_for(self._given_up.wait(), seconds)
        except TimeoutError:
            return
        raise MongoError(Code.IndexBuildAborted, "Index build aborted: drop of the index was requested")

    def give_up(self) -> None:
        self._given_up.set()

    def describe(self) -> dict[str, Any]:
        """The document that ``currentOp`` shows."""
        running_s = time.monotonic() - self._began_s
        command = {key: value for key, value in self.command.items() if key != "lsid"}
        shown: dict[str, Any] = {
            "type": "op", "active": True, "opid": self.number, "ns": self.namespace, "op": "command",
            "secs_running": int(running_s), "command": command,
        }  # fmt: skip
        if self.builds:
            share = min(running_s / self._lasts_s, 1.0) if self._lasts_s else 0.0
            shown["msg"] = "Index Build: scanning collection"
            shown["progress"] = {"done": int(share * self.documents), "total": self.documents}
        return shown


class UnderWay:
    """All operations in progress."""

    def __init__(self) -> None:
        self._operations: dict[int, Operation] = {}

    @contextmanager
    def noted(self, operation: Operation) -> Iterator[Operation]:
        self._operations[operation.number] = operation
        try:
            yield operation
        finally:
            del self._operations[operation.number]

    def of(self, owner: Owner, *, everybody: bool) -> list[Operation]:
        return [each for each in self._operations.values() if everybody or each.owner == owner]

    def give_up_builds(self, namespace: str, names: Iterable[str]) -> set[str]:
        """Abort the builds of these indexes; return those that were in progress."""
        wanted, found = set(names), set()
        for each in list(self._operations.values()):
            if each.namespace == namespace and (ended := each.builds & wanted):
                found |= ended
                each.give_up()
        return found
