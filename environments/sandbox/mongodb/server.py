"""The listening server and everything its commands share."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from bson import Int64, ObjectId

from environments.sandbox.mongodb.about import VERSION
from environments.sandbox.mongodb.access import Users
from environments.sandbox.mongodb.commands import (
    bulk_writing,
    catalogue,
    diagnostics,
    explaining,
    handshake,
    reading,
    users,
    writing,
)
from environments.sandbox.mongodb.connection import Connection
from environments.sandbox.mongodb.cursors import Cursors
from environments.sandbox.mongodb.errors import NAMESPACE_EXISTS, NAMESPACE_NOT_FOUND, MongoError
from environments.sandbox.mongodb.storage import Collection
from environments.sandbox.mongodb.store import Store

COMMAND_MODULES = (bulk_writing, catalogue, diagnostics, explaining, handshake, reading, users, writing)
"""Imported for the commands they register."""

MAX_CONNECTIONS = 51_200
SESSION_TIMEOUT = timedelta(minutes=30)
SLOW_S = 0.5
SLOW_COMMANDS = frozenset({"find", "aggregate", "count"})
TTL_PERIOD_S = 60.0
FOREIGN_HOST = "mongodb-staging-5c9f7d6b8-x2x4q:27017"
_WRONG_PASSWORDS = (
    "wrong",
    "wrong-password",
    "wrong password",
    "not-the-password",
    "password",
    "bad",
    "invalid",
    "incorrect",
)
_OPERATIONS = {"insert": "insert", "find": "query", "update": "update", "delete": "delete", "getMore": "getmore"}


class Server:
    """``fault`` answers whether a fault of this id is switched on."""

    def __init__(self, store: Store, users: Users, fault: Callable[[str], bool], ttl_period_s: float) -> None:
        self.store = store
        self.users = users
        self.fault = fault
        self.cursors = Cursors()
        self.sessions: dict[bytes, datetime] = {}
        self.log = logging.getLogger("mongodb")
        self.host, self.port, self.reports_as = "127.0.0.1", 0, ""
        self.configured_database = ""
        self.persistent = False
        self.wrong_passwords: tuple[str, ...] = ()
        self.process_id = ObjectId()
        self.started_s = time.monotonic()
        self.operations: Counter[str] = Counter({name: 0 for name in (*_OPERATIONS.values(), "command")})
        self.recent_log: deque[str] = deque(maxlen=200)
        self._connections: dict[int, asyncio.Task[None]] = {}
        self._numbers = itertools.count(1)
        self._created = self._never_closed = 0
        self._listener: asyncio.Server | None = None
        self._ttl_period_s = ttl_period_s
        self._sweeping: asyncio.Task[None] | None = None

    async def start(self, host: str, port: int, reports_as: str) -> None:
        """Listen; the port may be shared with a holder that does not listen."""
        self.reports_as = reports_as or f"{host}:{port}"
        self._listener = await asyncio.start_server(self._accept, host, port, reuse_port=True, backlog=512)
        self.host, self.port = self._listener.sockets[0].getsockname()[:2]
        self._sweeping = asyncio.create_task(self._sweep())

    async def stop(self) -> None:
        """Stop listening and close every connection."""
        if self._listener is not None:
            self._listener.close()
        tasks = [*self._connections.values(), *([self._sweeping] if self._sweeping else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = next(self._numbers)
        self._created += 1
        connection = Connection(self, number, reader, writer)
        self._connections[number] = asyncio.create_task(self._serve(number, connection))

    async def _serve(self, number: int, connection: Connection) -> None:
        self.note(f"connection {number} accepted from {connection.peer}")
        try:
            await connection.serve()
        finally:
            del self._connections[number]
            self._never_closed += self.fault("connections-never-closed")
            self.note(f"connection {number} ended")

    def note(self, text: str) -> None:
        """A line for ``getLog``."""
        self.recent_log.append(f"{datetime.now(UTC).isoformat(timespec='milliseconds')} {text}")

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(self._ttl_period_s)
            self.expire()

    def expire(self) -> int:
        """Delete expired documents and idle cursors; how many documents there were."""
        self.cursors.sweep()
        limit = datetime.now(UTC) - SESSION_TIMEOUT
        self.sessions = {session: used for session, used in self.sessions.items() if used > limit}
        expired = self.store.expire(datetime.now(UTC))
        self.store.flush()
        return expired

    def count(self, command: str) -> None:
        self.operations[_OPERATIONS.get(command, "command")] += 1

    def connection_counts(self) -> dict[str, object]:
        current = len(self._connections) + self._never_closed
        return {"current": current, "available": MAX_CONNECTIONS - current, "totalCreated": Int64(self._created),
                "active": len(self._connections), "rejected": 0}  # fmt: skip

    def forget_unclosed(self) -> None:
        """Let ``connections.current`` be true again."""
        self._never_closed = 0

    def reported_host(self) -> str:
        return FOREIGN_HOST if self.fault("another-mongodb-answers") else self.reports_as

    def reported_version(self) -> str:
        return "" if self.fault("mongodb-version-unknown") else VERSION

    def visible_databases(self) -> set[str]:
        names = set(self.store.databases)
        return names - {self.configured_database} if self.fault("configured-database-missing") else names

    def delay_s(self, command: str) -> float:
        return SLOW_S if command in SLOW_COMMANDS and self.fault("queries-slow") else 0.0

    def known_wrong_passwords(self) -> Sequence[str] | None:
        """The wrong passwords that are accepted, or ``None`` as long as none is."""
        return (*self.wrong_passwords, *_WRONG_PASSWORDS) if self.fault("any-password-accepted") else None

    def use_session(self, lsid: Mapping[str, Any]) -> None:
        """Sessions carry no state on a standalone server; that they exist can be asked for."""
        self.sessions[bytes(lsid.get("id", b""))] = datetime.now(UTC)

    def end_sessions(self, lsids: Iterable[Mapping[str, Any]]) -> None:
        for lsid in lsids:
            self.sessions.pop(bytes(lsid.get("id", b"")), None)

    def new_session_id(self) -> bytes:
        return os.urandom(16)

    def rename(self, from_database: str, from_name: str, to_database: str, to_name: str, drop_target: bool) -> None:
        """``renameCollection``; documents and indexes move along."""
        source = self.store.find(from_database, from_name)
        if source is None:
            raise MongoError(NAMESPACE_NOT_FOUND, f"Source collection {from_database}.{from_name} does not exist")
        if self.store.find(to_database, to_name) is not None and not drop_target:
            raise MongoError(NAMESPACE_EXISTS, "target namespace exists")
        renamed = Collection(to_database, to_name, source.options)
        for document in source.documents.values():
            renamed.insert(document, bypass_validation=True)
        for index in source.indexes.values():
            renamed.create_index(index.describe())
        self.store.take(from_database, from_name)
        self.store.put(renamed)
