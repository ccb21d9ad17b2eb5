"""The database: thin, typed, and without the driver's habit of trying twice."""

from __future__ import annotations

import socket
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC
from typing import Any

import pymongo
from bson.errors import BSONError
from pymongo import MongoClient
from pymongo.errors import ConnectionFailure, OperationFailure, PyMongoError

from support.clients.focus_server.answers import ShapeError
from support.clients.journal import Journal
from support.clients.mongodb.facts import BasePath, ConnectionOutcome, DatabaseError, Document, ServerStatus
from support.clients.mongodb.heartbeat import FirstHeartbeat
from support.clients.mongodb.journal import CommandJournal
from support.clients.mongodb.uri import secrets_in, why_unusable, with_changes
from support.clients.safety import SafetyPolicy
from support.clients.settings import MongoDBSettings
from support.config.errors import ConfigurationError

__all__ = ["BasePath", "ConnectionOutcome", "DatabaseError", "MongoDBClient", "ServerStatus"]

Sort = Sequence[tuple[str, int]]

APPLICATION = "focus-acceptance"
COMMAND_TIMEOUT_S = 15.0
"""For one command, from asking to the last byte of its answer."""
DOCUMENTS_TIMEOUT_S = 60.0
"""For all batches of an answer of documents together."""
CLOSE_TIMEOUT_S = 2.0
_AUTHENTICATION_CODES = (13, 18)
BASE_PATHS = "base_paths"


class MongoDBClient:
    """The configured database. Connects on first use; methods raise :class:`DatabaseError`. Times are aware UTC.

    Whatever is asked has a deadline for the whole of it (:func:`pymongo.timeout`): the driver's own time limits are for
    each message, and a cursor has as many of them as the server likes.
    """

    def __init__(
        self,
        settings: MongoDBSettings,
        journal: Journal,
        safety: SafetyPolicy,
        *,
        command_timeout_s: float | None = None,
    ) -> None:
        self._command_s = COMMAND_TIMEOUT_S if command_timeout_s is None else command_timeout_s
        self._uri = settings.uri.get_secret_value()
        self._timeout_s = settings.connect_timeout_s
        self._journal = journal
        self._safety = safety
        journal.hide(*secrets_in(self._uri))
        self._client = self._open(self._uri)
        self._database = self._client[settings.database]

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the server in use."""
        with self._asking("find the server"):
            address = self._client.address
        if address is None:
            raise DatabaseError("unreachable", "the database has no single address")
        return address[0], int(address[1] or 0)

    def ping_ms(self, n: int = 10) -> list[float]:
        """The durations of ``n`` pings over a connection that is already open."""
        with self._asking("ping"):
            self._client.admin.command("ping")
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
            return list(self._client.list_database_names())

    def collections(self) -> list[str]:
        with self._asking("list the collections"):
            return list(self._database.list_collection_names())

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
            return list(self._database[collection].find(query or {}, projection, sort=sort, limit=limit))

    def count(self, collection: str, query: Mapping[str, Any] | None = None) -> int:
        with self._asking(f"count in {collection}"):
            return self._database[collection].count_documents(query or {})

    def aggregate(self, collection: str, pipeline: Sequence[Mapping[str, Any]]) -> list[Document]:
        with self._asking(f"aggregate {collection}", DOCUMENTS_TIMEOUT_S):
            return list(self._database[collection].aggregate(pipeline))

    def indexes(self, collection: str) -> dict[str, Document]:
        """The indexes by name, as the server describes them (``key`` is a list of pairs)."""
        with self._asking(f"list the indexes of {collection}"):
            return {name: dict(info) for name, info in self._database[collection].index_information().items()}

    def explain(self, collection: str, query: Mapping[str, Any], sort: Sort | None = None) -> Document:
        """How the server would run a find, with execution statistics."""
        command: Document = {"find": collection, "filter": dict(query), **({"sort": dict(sort)} if sort else {})}
        return self.command("explain", command, verbosity="executionStats")

    def command(self, name: str, value: Any = 1, *, admin: bool = False, **arguments: Any) -> Document:
        """Any command, on the configured database or on ``admin``."""
        with self._asking(name):
            database = self._client.admin if admin else self._database
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
            return self._database[collection].insert_one(dict(document)).inserted_id

    def delete_recordings(self, collection: str, uuids: Iterable[str]) -> int:
        """Delete recordings by ``uuid``; answers how many there were."""
        self._safety.require("writes_database", f"delete recordings from {collection}")
        with self._asking(f"delete from {collection}"):
            return self._database[collection].delete_many({"uuid": {"$in": list(uuids)}}).deleted_count

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
            return self._probe(with_changes(uri or self._uri, password, address))
        # Bound but not listening: the port refuses, and nobody else can start to listen on it meanwhile.
        with socket.socket() as reserved:
            reserved.bind(("127.0.0.1", 0))
            return self._probe(with_changes(uri or self._uri, password, f"127.0.0.1:{reserved.getsockname()[1]}"))

    def change(self, command: Mapping[str, Any]) -> Document:
        """Any command that changes what is there: its name comes first, and names the collection."""
        what = " ".join(map(str, next(iter(command.items()))))
        self._safety.require("writes_database", what)
        # As it is, word for word: the driver would write the rest of the deadline into it.
        with self._asking(what), pymongo.timeout(None):
            reply = dict(self._database.command(dict(command)))
        if errors := reply.get("writeErrors"):
            raise DatabaseError(
                "refused", self._journal.redact(f"the database refused to {what}: {errors[0]['errmsg']}")
            )
        return reply

    def answers(self, within_s: float) -> bool:
        """Whether it answers at all, whomever it lets in."""
        started = time.monotonic()
        first = FirstHeartbeat(servers=len(self._client.topology_description.server_descriptions()))
        client = self._open(self._uri, within_s, first)
        try:
            answered = first.answers(within_s)
        finally:
            _close(client)
        self._journal.record("mongodb", "hello", "answered" if answered else "no answer", time.monotonic() - started)
        return answered

    def connect_anew(self) -> None:
        """Forget what is known of the server. The driver looks for one that it has lost only every half second."""
        _close(self._client)
        self._client = self._open(self._uri)
        self._database = self._client[self._database.name]

    def close(self) -> None:
        """Close every connection."""
        _close(self._client)

    def _probe(self, uri: str) -> ConnectionOutcome:
        self._journal.hide(*secrets_in(uri))
        started = time.monotonic()
        client = self._open(uri)
        try:
            with self._asking("connect", client=client):
                client.admin.command("ping")
        except DatabaseError as error:
            if error.kind == "refused":
                raise
            return ConnectionOutcome(error.kind, str(error), time.monotonic() - started)
        finally:
            _close(client)
        return ConnectionOutcome("ok", "connected", time.monotonic() - started)

    def _open(
        self, uri: str, within_s: float | None = None, heartbeat: FirstHeartbeat | None = None
    ) -> MongoClient[Document]:
        """It connects on first use, or at once where a heartbeat is wanted."""
        listeners = (CommandJournal(self._journal), *([heartbeat] if heartbeat else []))
        timeout_ms = int((within_s or self._timeout_s) * 1000)
        try:
            # The driver warns of an option that it does not know, and goes on without it.
            with warnings.catch_warnings(action="error", category=UserWarning):
                return MongoClient(
                    uri,
                    appname=APPLICATION,
                    connect=heartbeat is not None,
                    serverSelectionTimeoutMS=timeout_ms,
                    connectTimeoutMS=timeout_ms,
                    socketTimeoutMS=int((within_s or self._command_s) * 1000),
                    retryReads=False,
                    retryWrites=False,
                    tz_aware=True,
                    tzinfo=UTC,
                    # Data under test may hold what Python's types do not: a scenario names it, none breaks on it.
                    datetime_conversion="DATETIME_AUTO",
                    unicode_decode_error_handler="replace",
                    event_listeners=listeners,
                )
        # A port that is none is a ValueError of the driver, a certificate file that cannot be read an OSError. Their
        # words may hold a part of the URI.
        except (PyMongoError, ValueError, OSError, UserWarning) as error:
            raise ConfigurationError(f"mongodb.uri: {why_unusable(uri)}") from error

    def _ping_ms(self) -> float:
        started = time.perf_counter()
        self._client.admin.command("ping")
        return (time.perf_counter() - started) * 1000

    @contextmanager
    def _asking(
        self, what: str, within_s: float | None = None, client: MongoClient[Document] | None = None
    ) -> Iterator[None]:
        """The one way to the driver: a server is found within the time for connecting, and the rest done within
        ``within_s``, by default the time for a command."""
        within_s = self._command_s if within_s is None else within_s
        started = time.monotonic()
        try:
            with pymongo.timeout(min(self._timeout_s, within_s)):
                _find_server(client or self._client)
            with pymongo.timeout(within_s):
                yield
        except (BSONError, OverflowError) as error:
            message = self._journal.redact(f"the database was asked to {what}: a document cannot be read: {error}")
            raise DatabaseError("refused", message) from error
        except PyMongoError as error:
            # The driver appends a description of the whole topology after a comma.
            reason = self._journal.redact(str(error).partition(", Timeout:")[0].partition(", full error:")[0])
            took_s = time.monotonic() - started
            if error.timeout and took_s >= within_s:
                reason = f"it was not done within {within_s:g} s ({reason})"
            if isinstance(error, ConnectionFailure) or error.timeout:
                self._journal.record("mongodb", what, f"no answer: {reason}", took_s)
                raise DatabaseError("unreachable", f"the database could not be asked to {what}: {reason}") from error
            denied = isinstance(error, OperationFailure) and error.code in _AUTHENTICATION_CODES
            kind = "authentication_failed" if denied else "refused"
            raise DatabaseError(kind, f"the database refused to {what}: {reason}") from error


def _find_server(client: MongoClient[Document]) -> None:
    """Wait until the driver knows a server that takes commands; at once when it does."""
    _ = client.is_primary


def _close(client: MongoClient[Document]) -> None:
    """The driver takes its leave of the server, which may not answer."""
    with pymongo.timeout(CLOSE_TIMEOUT_S):
        client.close()


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
