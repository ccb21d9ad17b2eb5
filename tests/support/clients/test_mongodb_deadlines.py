"""A time limit covers the whole MongoDB operation, no matter what it consists of and how its answer comes."""

from __future__ import annotations

import itertools
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import bson
import pytest
from client_doubles import MongoDBAt
from pydantic import SecretStr

from support.clients.journal import Journal
from support.clients.mongodb import client as mongodb
from support.clients.mongodb import connection as mongodb_connection
from support.clients.mongodb.client import DatabaseError, MongoDBClient
from support.clients.safety import SafetyPolicy
from support.waits import Stopwatch

LIMIT_S = 0.5
LONGEST_S = 3.0
PIECE_EVERY_S = 0.1
HELLO = {
    "isWritablePrimary": True,
    "ismaster": True,
    "helloOk": True,
    "maxBsonObjectSize": 16_777_216,
    "maxMessageSizeBytes": 48_000_000,
    "maxWriteBatchSize": 100_000,
    "minWireVersion": 0,
    "maxWireVersion": 25,
    "ok": 1.0,
}


class Endless:
    """A server with enough of MongoDB's protocol for a driver to log in; its answers to later commands never end.

    ``how``: ``silence``, ``bytes`` (a byte of the answer now and then), ``batches`` (a cursor that always has another
    one). With ``from_the_start`` the answer to the greeting is endless, too.
    """

    def __init__(self, how: str, from_the_start: bool = False) -> None:
        self._how, self._from_the_start = how, from_the_start
        self._stopped = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while not self._stopped.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as reader:
            try:
                while header := reader.read(16):
                    length, asked, _, _ = struct.unpack("<iiii", header)
                    body = reader.read(length - 16)[5:]  # in an insertion, the documents follow it
                    self._answer(connection, asked, bson.decode(body[: struct.unpack_from("<i", body)[0]]))
            except (OSError, struct.error, bson.errors.BSONError):
                return

    def _answer(self, connection: socket.socket, asked: int, body: dict[str, Any]) -> None:
        command = next(iter(body))
        greeting = command.lower() in ("hello", "ismaster")
        if greeting and not self._from_the_start:
            connection.sendall(message(asked, HELLO))
        elif self._how == "batches":
            self._stopped.wait(PIECE_EVERY_S)
            batch = "nextBatch" if command == "getMore" else "firstBatch"
            cursor = {"id": bson.Int64(7), "ns": "prisma.x", batch: [{"n": 1, "name": "x", "key": {"x": 1}}]}
            connection.sendall(message(asked, {"cursor": cursor, "ok": 1.0}))
        elif self._how == "bytes":
            for byte in message(asked, {"ok": 1.0, "more": "x" * 200}):
                connection.sendall(bytes([byte]))
                if self._stopped.wait(PIECE_EVERY_S):
                    return
        else:
            self._stopped.wait()


_numbers = itertools.count(1)


def message(asked: int, document: dict[str, Any]) -> bytes:
    """An OP_MSG as the answer to the request ``asked``."""
    body = struct.pack("<ib", 0, 0) + bson.encode(document)
    return struct.pack("<iiii", 16 + len(body), next(_numbers), asked, 2013) + body


@contextmanager
def endless(how: str, from_the_start: bool = False) -> Iterator[MongoDBClient]:
    server = Endless(how, from_the_start)
    settings = MongoDBAt(SecretStr(f"mongodb://127.0.0.1:{server.port}/"), connect_timeout_s=LIMIT_S)
    client = MongoDBClient(settings, Journal(), SafetyPolicy("sandbox", True, True, True))
    try:
        yield client
    finally:
        watch = Stopwatch()
        client.close()
        closing_s = watch.given_s()
        server.stop()
        assert closing_s < LONGEST_S


@pytest.fixture(autouse=True)
def short_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mongodb, "DOCUMENTS_TIMEOUT_S", LIMIT_S)
    for name in ("COMMAND_TIMEOUT_S", "CLOSE_TIMEOUT_S"):
        monkeypatch.setattr(mongodb_connection, name, LIMIT_S)


CALLS: dict[str, Callable[[MongoDBClient], object]] = {
    "ping": lambda client: client.ping_ms(2),
    "serverStatus": lambda client: client.server_status(),
    "databases": lambda client: client.databases(),
    "collections": lambda client: client.collections(),
    "user": lambda client: client.authenticated_user(),
    "base_paths": lambda client: client.base_paths(),
    "find": lambda client: client.find("x"),
    "count": lambda client: client.count("x"),
    "aggregate": lambda client: client.aggregate("x", []),
    "indexes": lambda client: client.indexes("x"),
    "explain": lambda client: client.explain("x", {}),
    "latest": lambda client: client.timed_latest_recordings("/x"),
    "insert": lambda client: client.insert_recording("x", {"uuid": "1"}),
    "delete": lambda client: client.delete_recordings("x", ["1"]),
}
WITH_BATCHES = ("collections", "base_paths", "find", "aggregate", "indexes", "latest")


def is_given_up(call: Callable[[MongoDBClient], object], client: MongoDBClient) -> str:
    watch = Stopwatch()
    with pytest.raises(DatabaseError) as raised:
        call(client)
    assert watch.given_s() < LONGEST_S
    assert raised.value.kind == "unreachable"
    return str(raised.value)


@pytest.mark.parametrize("how", ["silence", "bytes"])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_an_answer_that_does_not_end_is_given_up(call: Callable[[MongoDBClient], object], how: str) -> None:
    with endless(how) as client:
        assert "not done within 0.5 s" in is_given_up(call, client)


@pytest.mark.parametrize("name", WITH_BATCHES)
def test_a_cursor_that_does_not_end_is_given_up(name: str) -> None:
    """Each batch of the cursor arrives in time."""
    with endless("batches") as client:
        assert "not done within 0.5 s" in is_given_up(CALLS[name], client)


@pytest.mark.parametrize("how", ["silence", "bytes"])
def test_a_greeting_that_does_not_end_is_given_up(how: str) -> None:
    with endless(how, from_the_start=True) as client:
        is_given_up(CALLS["ping"], client)


@pytest.mark.parametrize("how", ["silence", "bytes"])
@pytest.mark.parametrize("from_the_start", [True, False])
def test_whether_it_answers_at_all_has_a_patience_of_its_own(how: str, from_the_start: bool) -> None:
    with endless(how, from_the_start) as client:
        watch = Stopwatch()
        assert client.answers(within_s=0.2) is not from_the_start
        assert watch.given_s() < LONGEST_S
