"""The client of the database: thin, typed, and without the driver's automatic retries."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pymongo

from support.clients.focus_server.answers import ShapeError
from support.clients.journal import Journal
from support.clients.mongodb.connection import MongoDBConnection
from support.clients.mongodb.facts import BasePath, ConnectionOutcome, DatabaseError, Document, ServerStatus
from support.clients.mongodb.uri import with_changes
from support.clients.safety import SafetyPolicy
from support.clients.settings import MongoDBSettings

__all__ = ["BasePath", "ConnectionOutcome", "DatabaseError", "MongoDBClient", "ServerStatus"]

Sort = Sequence[tuple[str, int]]

DOCUMENTS_TIMEOUT_S = 60.0
"""The limit for all batches of documents of one answer together."""
BASE_PATHS = "base_paths"


class MongoDBClient:
    """The configured database. Connects on first use. Methods raise :class:`DatabaseError`. Times are aware, in UTC."""

    def __init__(
        self,
        settings: MongoDBSettings,
        journal: Journal,
        safety: SafetyPolicy,
        *,
        command_timeout_s: float | None = None,
    ) -> None:
        self._uri = settings.uri.get_secret_value()
        self._journal = journal
        self._safety = safety
        self._connection = MongoDBConnection(
            self._uri, settings.database, settings.connect_timeout_s, command_timeout_s, journal
        )
        self._asking = self._connection.asking

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the server in use."""
        with self._asking("find the server"):
            address = self._connection.client.address
        if address is None:
            raise DatabaseError("unreachable", "the database has no single address")
        return address[0], int(address[1] or 0)

    def ping_ms(self, n: int = 10) -> list[float]:
        """Return the durations of ``n`` pings in milliseconds, over a connection that is already open."""
        with self._asking("ping"):
            self._connection.client.admin.command("ping")
            return [self._ping_ms() for _ in range(n)]

    def server_status(self) -> ServerStatus:
        """Return the server's status. Raises :class:`~support.clients.focus_server.answers.ShapeError` if a field is
        missing."""
        status = self.command("serverStatus", admin=True)
        connections = status.get("connections")
        connections = connections if isinstance(connections, Mapping) else {}
        return ServerStatus(
            host=_text(status, "host", "serverStatus"),
            version=_text(status, "version", "serverStatus"),
            connections_current=_count(connections, "current"),
            total_created=_count(connections, "totalCreated"),
        )

    def databases(self) -> list[str]:
        with self._asking("list the databases"):
            return list(self._connection.client.list_database_names())

    def collections(self) -> list[str]:
        with self._asking("list the collections"):
            return list(self._connection.database.list_collection_names())

    def authenticated_user(self) -> tuple[str, str]:
        """Return the user we are logged in as and its database; both are empty if the server requires no login."""
        info = self.command("connectionStatus", admin=True).get("authInfo")
        users = info.get("authenticatedUsers") if isinstance(info, Mapping) else None
        if not isinstance(users, list):
            raise ShapeError("connectionStatus has no list authInfo.authenticatedUsers")
        return (str(users[0].get("user")), str(users[0].get("db"))) if users else ("", "")

    def base_paths(self) -> list[BasePath]:
        """Return all storage paths in the database, archives included, in stored order."""
        return [
            BasePath(
                base_path=_text(raw, "base_path", BASE_PATHS),
                guid=_text(raw, "guid", BASE_PATHS),
                is_archive=raw.get("is_archive") is True,
                raw=raw,
            )
            for raw in self.find(BASE_PATHS)
        ]

    def recordings_collection(self, base_path: str | None = None) -> str:
        """Return the collection of the first live entry of ``base_path``, or of the first live entry at all."""
        for entry in self.base_paths():
            if not entry.is_archive and base_path in (None, entry.base_path):
                return entry.guid
        raise DatabaseError("refused", f"{BASE_PATHS} has no live entry for {base_path or 'any path'}")

    def find(
        self,
        collection: str,
        query: Mapping[str, Any] | None = None,
        *,
        projection: Mapping[str, Any] | None = None,
        sort: Sort | None = None,
        limit: int = 0,
    ) -> list[Document]:
        """Return all matching documents. A ``limit`` of 0 means no limit."""
        with self._asking(f"find in {collection}", DOCUMENTS_TIMEOUT_S):
            return list(self._connection.database[collection].find(query or {}, projection, sort=sort, limit=limit))

    def count(self, collection: str, query: Mapping[str, Any] | None = None) -> int:
        with self._asking(f"count in {collection}"):
            return self._connection.database[collection].count_documents(query or {})

    def aggregate(self, collection: str, pipeline: Sequence[Mapping[str, Any]]) -> list[Document]:
        with self._asking(f"aggregate {collection}", DOCUMENTS_TIMEOUT_S):
            return list(self._connection.database[collection].aggregate(pipeline))

    def indexes(self, collection: str) -> dict[str, Document]:
        """Return the indexes by name, as the server describes them (``key`` is a list of pairs)."""
        with self._asking(f"list the indexes of {collection}"):
            return {
                name: dict(info) for name, info in self._connection.database[collection].index_information().items()
            }

    def explain(self, collection: str, query: Mapping[str, Any], sort: Sort | None = None) -> Document:
        """Return the server's plan for a find, with execution statistics."""
        command: Document = {"find": collection, "filter": dict(query), **({"sort": dict(sort)} if sort else {})}
        return self.command("explain", command, verbosity="executionStats")

    def command(self, name: str, value: Any = 1, *, admin: bool = False, **arguments: Any) -> Document:
        """Run any command on the configured database or on ``admin``."""
        with self._asking(name):
            database = self._connection.client.admin if admin else self._connection.database
            return dict(database.command(name, value, **arguments))

    def timed_latest_recordings(self, base_path: str, limit: int = 100) -> tuple[int, float]:
        """Find the latest recordings. Returns their number and the duration in milliseconds."""
        collection = self.recordings_collection(base_path)
        started = time.perf_counter()
        found = self.find(collection, {"deleted": False}, sort=[("start_time", -1)], limit=limit)
        return len(found), (time.perf_counter() - started) * 1000

    def insert_recording(self, collection: str, document: Mapping[str, Any]) -> Any:
        """Add one recording and return its ``_id``."""
        self._safety.require("writes_database", f"insert a recording into {collection}")
        with self._asking(f"insert into {collection}"):
            return self._connection.database[collection].insert_one(dict(document)).inserted_id

    def delete_recordings(self, collection: str, uuids: Iterable[str]) -> int:
        """Delete recordings by ``uuid`` and return the number deleted."""
        self._safety.require("writes_database", f"delete recordings from {collection}")
        with self._asking(f"delete from {collection}"):
            return self._connection.database[collection].delete_many({"uuid": {"$in": list(uuids)}}).deleted_count

    def probe(
        self,
        uri: str | None = None,
        *,
        password: str | None = None,
        address: str | None = None,
        port_without_server: bool = False,
    ) -> ConnectionOutcome:
        """Open a new login and ping once, as configured or with another URI, password or address (``host:port``).

        ``port_without_server`` selects a port of this machine that no server listens on.
        """
        if not port_without_server:
            return self._connection.probe(with_changes(uri or self._uri, password, address))
        # Bound but not listening: the port refuses connections, and no other program can listen on it meanwhile.
        with socket.socket() as reserved:
            reserved.bind(("127.0.0.1", 0))
            return self._connection.probe(
                with_changes(uri or self._uri, password, f"127.0.0.1:{reserved.getsockname()[1]}")
            )

    def change(self, command: Mapping[str, Any]) -> Document:
        """Run any command that changes data. Its first entry is the command's name with the collection."""
        what = " ".join(map(str, next(iter(command.items()))))
        self._safety.require("writes_database", what)
        # Send the command unchanged: the driver would add the remaining time of the deadline to it.
        with self._asking(what), pymongo.timeout(None):
            reply = dict(self._connection.database.command(dict(command)))
        if errors := reply.get("writeErrors"):
            raise DatabaseError(
                "refused", self._journal.redact(f"the database refused to {what}: {errors[0]['errmsg']}")
            )
        return reply

    def answers(self, within_s: float) -> bool:
        """Whether the server answers at all, with or without a valid login."""
        return self._connection.answers(within_s)

    def connect_anew(self) -> None:
        """Reconnect with a new driver client: the old one looks for a lost server only every half second."""
        self._connection.open_anew()

    def close(self) -> None:
        """Close every connection."""
        self._connection.close()

    def _ping_ms(self) -> float:
        started = time.perf_counter()
        self._connection.client.admin.command("ping")
        return (time.perf_counter() - started) * 1000


def _text(body: Mapping[str, Any], name: str, where: str) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        raise ShapeError(f"{name} of {where} should be a string but is {type(value).__name__} {value!r}")
    return value


def _count(connections: Mapping[str, Any], name: str) -> int:
    value = connections.get(name)
    if not isinstance(value, int | float):
        raise ShapeError(f"connections.{name} of serverStatus should be a number but is {value!r}")
    return int(value)
