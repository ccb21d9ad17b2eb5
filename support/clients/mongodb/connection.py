"""The connection to the database: without the driver's automatic retries, and with a deadline for each request."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC

import pymongo
from bson.errors import BSONError
from pymongo import MongoClient
from pymongo.errors import ConnectionFailure, OperationFailure, PyMongoError

from support.clients.journal import Journal
from support.clients.mongodb.facts import ConnectionOutcome, DatabaseError, Document
from support.clients.mongodb.heartbeat import FirstHeartbeat
from support.clients.mongodb.journal import CommandJournal
from support.clients.mongodb.uri import secrets_in, why_unusable
from support.config.errors import ConfigurationError
from support.waits import Stopwatch

APPLICATION = "focus-acceptance"
COMMAND_TIMEOUT_S = 15.0
"""The limit for one command, from the request to the last byte of the answer."""
CLOSE_TIMEOUT_S = 2.0
_NOBODY_TO_TELL_S = 1e-6
"""The same limit while the driver knows no server: over before the driver looks for one, for half a second at a time,
in order to end its sessions. They expire by themselves."""
_AUTHENTICATION_CODES = (13, 18)


class MongoDBConnection:
    """The requests to one URI. Connects on first use. Methods raise :class:`DatabaseError`.

    Each request has a deadline as a whole (:func:`pymongo.timeout`): the driver's own time limits apply to each
    message, and the server decides how many messages a cursor needs. ``timeout_s`` is the limit for connecting.
    """

    def __init__(
        self, uri: str, database: str, timeout_s: float, command_timeout_s: float | None, journal: Journal
    ) -> None:
        self._uri = uri
        self._timeout_s = timeout_s
        self._command_s = COMMAND_TIMEOUT_S if command_timeout_s is None else command_timeout_s
        self._journal = journal
        journal.hide(*secrets_in(uri))
        self.client = self._open(uri)
        self.database = self.client[database]

    @contextmanager
    def asking(
        self, what: str, within_s: float | None = None, client: MongoClient[Document] | None = None
    ) -> Iterator[None]:
        """Apply deadlines and error handling to the calls of the driver in the ``with`` block; all calls go this way.

        A server must be found within the time for connecting, and the rest done within ``within_s``, by default the
        time for a command.
        """
        within_s = self._command_s if within_s is None else within_s
        started = time.monotonic()
        try:
            with pymongo.timeout(min(self._timeout_s, within_s)):
                _find_server(client or self.client)
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

    def answers(self, within_s: float) -> bool:
        """Whether the server answers at all, with or without a valid login."""
        started = time.monotonic()
        first = FirstHeartbeat(servers=len(self.client.topology_description.server_descriptions()))
        client = self._open(self._uri, within_s, first)
        try:
            answered = first.answers(within_s)
        finally:
            _close(client)
        self._journal.record("mongodb", "hello", "answered" if answered else "no answer", time.monotonic() - started)
        return answered

    def open_anew(self) -> None:
        """Reconnect with a new driver client: the old one looks for a lost server only every half second."""
        _close(self.client)
        self.client = self._open(self._uri)
        self.database = self.client[self.database.name]

    def close(self) -> None:
        """Close every connection."""
        _close(self.client)

    def probe(self, uri: str) -> ConnectionOutcome:
        """Open a new login with this URI and ping once."""
        self._journal.hide(*secrets_in(uri))
        watch = Stopwatch()
        client = self._open(uri)
        try:
            with self.asking("connect", client=client):
                client.admin.command("ping")
        except DatabaseError as error:
            if error.kind == "refused":
                raise
            return ConnectionOutcome(error.kind, str(error), watch.given_s())
        finally:
            _close(client)
        return ConnectionOutcome("ok", "connected", watch.given_s())

    def _open(
        self, uri: str, within_s: float | None = None, heartbeat: FirstHeartbeat | None = None
    ) -> MongoClient[Document]:
        """Create a driver client. It connects on first use, or at once if ``heartbeat`` is given."""
        listeners = (CommandJournal(self._journal), *([heartbeat] if heartbeat else []))
        timeout_ms = int((within_s or self._timeout_s) * 1000)
        try:
            # The driver only warns of an unknown option and ignores it; here it is an error.
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
                    # Data under test may hold values that Python's types cannot represent. A scenario reports them;
                    # reading them must not fail.
                    datetime_conversion="DATETIME_AUTO",
                    unicode_decode_error_handler="replace",
                    event_listeners=listeners,
                )
        # The driver raises ValueError for an invalid port and OSError for an unreadable certificate file. Their
        # messages may hold a part of the URI.
        except (PyMongoError, ValueError, OSError, UserWarning) as error:
            raise ConfigurationError(f"mongodb.uri: {why_unusable(uri)}") from error


def _find_server(client: MongoClient[Document]) -> None:
    """Wait until the driver knows a server that takes commands. Returns at once if it knows one already."""
    _ = client.is_primary


def _close(client: MongoClient[Document]) -> None:
    """Close a driver client within a time limit: closing sends a request to the server, which may not answer."""
    is_lost = not client.topology_description.known_servers
    with pymongo.timeout(_NOBODY_TO_TELL_S if is_lost else CLOSE_TIMEOUT_S):
        client.close()
