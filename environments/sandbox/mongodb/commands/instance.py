"""The state that all commands of one server share: data, users, counters, identity, and the commands in progress."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from bson import Int64, ObjectId

from environments.sandbox.mongodb.auth.users import Users
from environments.sandbox.mongodb.commands.cursors import Cursors
from environments.sandbox.mongodb.storage.store import Store
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


VERSION = "8.0.5"
VERSION_ARRAY = (8, 0, 5, 0)
WIRE_VERSION = 25

_MAX_CONNECTIONS = 51_200
_OPERATIONS = {"insert": "insert", "find": "query", "update": "update", "delete": "delete", "getMore": "getmore"}

Alteration = Callable[..., Any]
"""(the value or behaviour of a healthy server, keyword facts about the moment) -> the replacement."""


class Instance:
    """One server. ``alterations`` maps a point to the alteration of a fault; it is empty while no fault is on."""

    def __init__(self, store: Store, users: Users, database: str, reports_as: str) -> None:
        self.store = store
        self.users = users
        self.database = database
        self.cursors = Cursors()
        self.under_way = UnderWay()
        self.alterations: Mapping[str, Alteration] = {}
        self.port = 0
        self.process_id = ObjectId()
        self.operations: Counter[str] = Counter({name: 0 for name in (*_OPERATIONS.values(), "command")})
        self._reports_as = reports_as
        self._started_s = time.monotonic()
        self._open = self._created = self._never_closed = 0

    def at(self, point: str, value: Any, **facts: Any) -> Any:
        """``value``, unless a fault acts at this point."""
        alter = self.alterations.get(point)
        return value if alter is None else alter(value, **facts)

    @property
    def uptime_s(self) -> float:
        return time.monotonic() - self._started_s

    @property
    def host(self) -> str:
        return str(self.at("host", self._reports_as))

    @property
    def version(self) -> str:
        return str(self.at("version", VERSION))

    def visible_databases(self) -> set[str]:
        names: set[str] = self.at("databases", set(self.store.databases), configured=self.database)
        return names

    def count(self, command: str) -> None:
        """Count an operation for ``opcounters``."""
        self.operations[_OPERATIONS.get(command, "command")] += 1

    def connection_opened(self) -> None:
        self._open += 1
        self._created += 1

    def connection_closed(self) -> None:
        self._open -= 1
        self._never_closed += self.at("ended connections still counted", 0)

    def forget_unclosed(self) -> None:
        """Make ``connections.current`` correct again."""
        self._never_closed = 0

    def connection_counts(self) -> dict[str, int]:
        current = self._open + self._never_closed
        return {"current": current, "available": _MAX_CONNECTIONS - current, "totalCreated": Int64(self._created),
                "active": self._open, "rejected": 0}  # fmt: skip
