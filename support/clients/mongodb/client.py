"""The database: thin, typed, and without the driver's habit of trying twice."""

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
"""For all batches of an answer of documents together."""
BASE_PATHS = "base_paths"


class MongoDBClient:
    """The configured database. Connects on first use; methods raise :class:`DatabaseError`. Times are aware UTC."""

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
        """The durations of ``n`` pings over a connection that is already open."""
        with self._asking("ping"):
            self._connection.client.admin.command("ping")
            return [self._ping_ms() for _ in range(n)]

    def server_status(self) -> ServerStatus:
        """Raises :class:`~support.clients.focus_server.answers.ShapeError` when something is missing from it."""
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
        """Who the server says we are, and the database that knows us; both empty when it let us in without asking."""
        info = self.command("connectionStatus", admin=True).get("authInfo")
        users = info.get("authenticatedUsers") if isinstance(info, Mapping) else None
        if not isinstance(users, list):
            raise ShapeError("connectionStatus has no list authInfo.authenticatedUsers")
        return (str(users[0].get("user")), str(users[0].get("db"))) if users else ("", "")

    def base_paths(self) -> list[BasePath]:
        """Every storage path the database knows, archives included, in stored order."""
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
        """The collection of the first live entry of ``base_path``, or of the first live entry at all."""
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
        """All matching documents; ``limit`` 0 means no limit."""
        with self._asking(f"find in {collection}", DOCUMENTS_TIMEOUT_S):
            return list(self._connection.database[collection].find(query or {}, projection, sort=sort, limit=limit))

    def count(self, collection: str, query: Mapping[str, Any] | None = None) -> int:
        with self._asking(f"count in {collection}"):
            return self._connection.database[collection].count_documents(query or {})

    def aggregate(self, collection: str, pipeline: Sequence[Mapping[str, Any]]) -> list[Document]:
        with self._asking(f"aggregate {collection}", DOCUMENTS_TIMEOUT_S):
            return list(self._connection.database[collection].aggregate(pipeline))

    def indexes(self, collection: str) -> dict[str, Document]:
        """The indexes by name, as the server describes them (``key`` is a list of pairs)."""
        with self._asking(f"list the indexes of {collection}"):
            return {
                name: dict(info) for name, info in self._connection.database[collection].index_information().items()
            }

    def explain(self, collection: str, query: Mapping[str, Any], sort: Sort | None = None) -> Document:
        """How the server would run a find, with execution statistics."""
        command: Document = {"find": collection, "filter": dict(query), **({"sort": dict(sort)} if sort else {})}
        return self.command("explain", command, verbosity="executionStats")

    def command(self, name: str, value: Any = 1, *, admin: bool = False, **arguments: Any) -> Document:
        """Any command, on the configured database or on ``admin``."""
        with self._asking(name):
            database = self._connection.client.admin if admin else self._connection.database
            return dict(database.command(name, value, **arguments))

    def timed_latest_recordings(self, base_path: str, limit: int = 100) -> tuple[int, float]:
        """How many of the latest recordings were found, and in how many milliseconds."""
        collection = self.recordings_collection(base_path)
        started = time.perf_counter()
        found = self.find(collection, {"deleted": False}, sort=[("start_time", -1)], limit=limit)
        return len(found), (time.perf_counter() - started) * 1000

    def insert_recording(self, collection: str, document: Mapping[str, Any]) -> Any:
        """Add one recording; answers its ``_id``."""
        self._safety.require("writes_database", f"insert a recording into {collection}")
        with self._asking(f"insert into {collection}"):
            return self._connection.database[collection].insert_one(dict(document)).inserted_id

    def delete_recordings(self, collection: str, uuids: Iterable[str]) -> int:
        """Delete recordings by ``uuid``; answers how many there were."""
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
        """Log in afresh and ping once, as configured or with another URI, password or address (``host:port``).

        ``port_without_server`` means a port of this machine that nobody listens on.
        """
        if not port_without_server:
            return self._connection.probe(with_changes(uri or self._uri, password, address))
        # Bound but not listening: the port refuses, and nobody else can start to listen on it meanwhile.
        with socket.socket() as reserved:
            reserved.bind(("127.0.0.1", 0))
            return self._connection.probe(
                with_changes(uri or self._uri, password, f"127.0.0.1:{reserved.getsockname()[1]}")
            )

    def change(self, command: Mapping[str, Any]) -> Document:
        """Any command that changes what is there: its name comes first, and names the collection."""
        what = " ".join(map(str, next(iter(command.items()))))
        self._safety.require("writes_database", what)
        # As it is, word for word: the driver would write the rest of the deadline into it.
        with self._asking(what), pymongo.timeout(None):
            reply = dict(self._connection.database.command(dict(command)))
        if errors := reply.get("writeErrors"):
            raise DatabaseError(
                "refused", self._journal.redact(f"the database refused to {what}: {errors[0]['errmsg']}")
            )
        return reply

    def answers(self, within_s: float) -> bool:
        """Whether it answers at all, whomever it lets in."""
        return self._connection.answers(within_s)

    def connect_anew(self) -> None:
        """Forget what is known of the server. The driver looks for one that it has lost only every half second."""
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
