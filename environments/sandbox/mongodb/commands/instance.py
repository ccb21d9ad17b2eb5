"""The state that all commands of one server share: its data, its users, its counters and its identity."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from bson import Int64, ObjectId

from environments.sandbox.mongodb.auth.users import Users
from environments.sandbox.mongodb.commands.cursors import Cursors
from environments.sandbox.mongodb.commands.under_way import UnderWay
from environments.sandbox.mongodb.storage.store import Store

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
