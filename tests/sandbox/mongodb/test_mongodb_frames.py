"""Malformed messages close the connection; well-formed but invalid ones are answered with an error.

Neither leaves a traceback in the log or disturbs another client.
"""

from __future__ import annotations

import random
import socket
import struct
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import bson
import pytest
from bson import Int64, ObjectId, Regex
from pymongo.errors import OperationFailure

from environments.sandbox.mongodb.commands.dispatch import MODULES
from environments.sandbox.mongodb.commands.registry import COMMANDS
from tests.sandbox.mongodb.conftest import Connect
from tests.sandbox.process_runner import RunningProcess

OP_QUERY, OP_MSG, OP_COMPRESSED, OP_INSERT = 2004, 2013, 2012, 2002
PING = bson.encode({"ping": 1, "$db": "admin"})
CLOSED = None
"""The expected code if the server closes the connection without an answer."""


def frame(payload: bytes, opcode: int = OP_MSG, length: int | None = None) -> bytes:
    """A message with this payload; ``length`` replaces the true length in its header."""
    return struct.pack("<iiii", len(payload) + 16 if length is None else length, 7, 0, opcode) + payload


def message(*sections: bytes, flags: int = 0) -> bytes:
    return frame(struct.pack("<I", flags) + b"".join(sections))


def body(document: bytes = PING) -> bytes:
    return b"\0" + document


def sequence(name: bytes, *documents: bytes, size: int | None = None) -> bytes:
    content = name + b"".join(documents)
    return b"\1" + struct.pack("<i", len(content) + 4 if size is None else size) + content


def query(document: bytes, namespace: bytes = b"admin.$cmd\0") -> bytes:
    return frame(struct.pack("<i", 0) + namespace + struct.pack("<ii", 0, -1) + document, OP_QUERY)


def nested(depth: int) -> bytes:
    """A document with ``depth`` levels, built by hand because the driver's encoder refuses it."""
    document = b"\5\0\0\0\0"
    for _ in range(depth):
        document = struct.pack("<i", len(document) + 8) + b"\3a\0" + document + b"\0"
    return document


BROKEN = PING[:8] + b"\xff" + PING[9:]
FRAMES: dict[str, tuple[bytes, int | None]] = {
    "nothing": (b"", CLOSED),
    "half a header": (b"\x10\0\0\0\1\0", CLOSED),
    "length 0": (frame(b"", length=0), CLOSED),
    "length 15": (frame(b"", length=15), CLOSED),
    "negative length": (frame(b"", length=-1), CLOSED),
    "longer than 48 MB": (frame(b"", length=48_000_001), CLOSED),
    "longest number": (frame(b"", length=2**31 - 1), CLOSED),
    "cut off in its payload": (message(body())[:-3], CLOSED),
    "HTTP": (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", CLOSED),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64), CLOSED),
    "opcode 0": (frame(body(), opcode=0), CLOSED),
    "OP_INSERT": (frame(bytes(20), opcode=OP_INSERT), CLOSED),
    "OP_COMPRESSED": (frame(struct.pack("<iiB", OP_MSG, 20, 2) + bytes(20), opcode=OP_COMPRESSED), CLOSED),
    "no flags": (frame(b""), CLOSED),
    "unknown required flag": (message(body(), flags=1 << 5), CLOSED),
    "no section": (message(), CLOSED),
    "two bodies": (message(body(), body()), CLOSED),
    "unknown section": (message(b"\7" + PING), CLOSED),
    "only a sequence": (message(sequence(b"documents\0", PING)), CLOSED),
    "the same sequence twice": (message(body(), *[sequence(b"documents\0", PING)] * 2), CLOSED),
    "a sequence named like a field": (message(body(), sequence(b"ping\0", PING)), CLOSED),
    "sequence without the end of its name": (message(body(), sequence(b"documents")), CLOSED),
    "sequence longer than the message": (message(body(), sequence(b"documents\0", PING, size=9999)), CLOSED),
    "sequence of negative size": (message(body(), sequence(b"documents\0", PING, size=-5)), CLOSED),
    "garbage in a sequence": (message(body(), sequence(b"documents\0", b"\x05\0\0\0\1")), CLOSED),
    "document of size 0 in a sequence": (message(body(), sequence(b"documents\0", bytes(8))), CLOSED),
    "section cut within its size": (message(b"\0\5\0"), CLOSED),
    "document longer than the message": (message(b"\0" + struct.pack("<i", 9999) + PING[4:]), CLOSED),
    "document shorter than any": (message(b"\0" + struct.pack("<i", 4) + PING[4:]), CLOSED),
    "document of negative size": (message(b"\0" + struct.pack("<i", -1) + PING[4:]), CLOSED),
    "unknown BSON type": (message(body(PING[:4] + b"\x7e" + PING[5:])), CLOSED),
    "text that is no UTF-8": (message(body(BROKEN)), CLOSED),
    "document without its end": (message(body(PING[:-1] + b"\1")), CLOSED),
    "bytes that are no BSON": (message(body(b"\x20\0\0\0" + bytes(range(27)) + b"\0")), CLOSED),
    "nested too deeply": (message(body(nested(5000))), CLOSED),
    "nested more deeply than is decoded": (message(body(nested(901))), CLOSED),
    "empty command": (message(body(bson.encode({}))), 40571),
    "no database": (message(body(bson.encode({"ping": 1}))), 40571),
    "database of a wrong type": (message(body(bson.encode({"ping": 1, "$db": 1}))), 40571),
    "database only": (message(body(bson.encode({"$db": "admin"}))), 59),
    "unknown command": (message(body(bson.encode({"brew": 1, "$db": "admin"}))), 59),
    "time limit of a wrong type": (message(body(bson.encode({"ping": 1, "$db": "a", "maxTimeMS": "1"}))), 9),
    "wait of a wrong type": (message(body(bson.encode(
        {"hello": 1, "$db": "a", "topologyVersion": {}, "maxAwaitTimeMS": "1"}))), 9),
    "OP_QUERY of a collection": (query(PING, b"prisma.base_paths\0"), CLOSED),
    "OP_QUERY of another command": (query(PING), CLOSED),
    "OP_QUERY without the end of its namespace": (frame(bytes(4) + b"admin", OP_QUERY), CLOSED),
    "OP_QUERY without a command": (frame(bytes(4) + b"admin.$cmd\0", OP_QUERY), CLOSED),
    "OP_QUERY with garbage": (query(b"\x08\0\0\0garb"), CLOSED),
    "SCRAM of another kind": (message(body(bson.encode(
        {"saslStart": 1, "mechanism": "PLAIN", "payload": b"x", "$db": "admin"}))), 2),
    "SCRAM that is none": (message(body(bson.encode(
        {"saslStart": 1, "mechanism": "SCRAM-SHA-256", "payload": b"\xff\0", "$db": "admin"}))), 18),
    "SCRAM without a name": (message(body(bson.encode(
        {"saslStart": 1, "mechanism": "SCRAM-SHA-256", "payload": b"n,,r=x", "$db": "admin"}))), 0),
    "SCRAM that was not begun": (message(body(bson.encode(
        {"saslContinue": 1, "conversationId": 1, "payload": b"x", "$db": "admin"}))), 17),
}  # fmt: skip
"""Frames, each with the code of its answer; 0 means no error."""


@pytest.fixture
def quiet(mongodb: RunningProcess) -> Iterator[RunningProcess]:
    """The server. Afterwards its log must have no new traceback, and it must still answer."""
    before = mongodb.log_file.stat().st_size
    yield mongodb
    assert code_of(mongodb, message(body())) == 0
    log = mongodb.log_file.read_bytes()[before:].decode()
    assert "Traceback" not in log and " ERROR " not in log, log[-3000:]


def answer(server: RunningProcess, data: bytes) -> bytes:
    """Send the data and return the answer, up to its first frame or the close."""
    with socket.create_connection(("127.0.0.1", server.ready["port"]), timeout=60) as raw:
        raw.sendall(data)
        raw.shutdown(socket.SHUT_WR)
        received = b""
        while part := raw.recv(1 << 16):
            received += part
    return received


def code_of(server: RunningProcess, data: bytes) -> int | None:
    """The error code of the answer; 0 for success, ``None`` if the connection was closed without one."""
    received = answer(server, data)
    if not received:
        return CLOSED
    (opcode,) = struct.unpack_from("<i", received, 12)
    code = bson.decode(received[36 if opcode == 1 else 21 :]).get("code", 0)
    assert isinstance(code, int)
    return code


@pytest.mark.parametrize("name", FRAMES)
def test_a_malformed_frame(quiet: RunningProcess, name: str) -> None:
    data, code = FRAMES[name]
    assert code_of(quiet, data) == code


@pytest.mark.parametrize("name", [name for name, (_, code) in FRAMES.items() if code is CLOSED])
def test_after_a_good_frame_a_malformed_one_closes_the_connection(quiet: RunningProcess, name: str) -> None:
    assert code_of(quiet, message(body()) + FRAMES[name][0]) == 0


def test_an_error_does_not_end_the_connection(quiet: RunningProcess) -> None:
    received = answer(quiet, message(body(bson.encode({"brew": 1, "$db": "admin"}))) + message(body()))
    (first,) = struct.unpack_from("<i", received)
    assert bson.decode(received[21:first])["code"] == 59 and bson.decode(received[first + 21 :])["ok"] == 1.0


def test_random_changes_of_good_frames(quiet: RunningProcess) -> None:
    """With a fixed seed. Each message is answered, or the connection is closed."""
    chance = random.Random(4)
    find = bson.encode({"find": "base_paths", "filter": {"a": {"$in": [1, "b", {"c": None}]}}, "$db": "prisma"})
    insert = message(body(find), sequence(b"documents\0", PING, PING))
    good = [message(body()), insert, query(bson.encode({"hello": 1}))]
    for _ in range(500):
        data = bytearray(chance.choice(good))
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        assert code_of(quiet, bytes(data[: chance.randint(1, len(data))] if chance.random() < 0.2 else data)) != 1


def test_a_query_that_is_nested_too_deeply(quiet: RunningProcess, connect: Connect) -> None:
    query: dict[str, Any] = {"a": 1}
    for _ in range(400):
        query = {"$and": [query]}
    with pytest.raises(OperationFailure, match="maximum nested object depth") as failure:
        connect().prisma.base_paths.find_one(query)
    assert failure.value.code == 15


VALUES: list[Any] = [
    1, -1, 1.5, float("nan"), float("inf"), 2**62, True, "text", "", {}, {"a": 1}, {"$brew": 1}, {"a": {"$in": 1}}, [],
    [1], [{}], [{"q": 1, "u": 1}], [{"$match": 1}], None, b"x", datetime(2026, 1, 1), ObjectId(), Regex("("), Int64(5),
]  # fmt: skip
NEEDED: dict[str, dict[str, Any]] = {
    "aggregate": {"pipeline": [], "cursor": {}}, "createIndexes": {"indexes": [{"key": {"a": 1}}]},
    "distinct": {"key": "a"}, "dropIndexes": {"index": "*"}, "getMore": {"collection": "things"},
    "insert": {"documents": [{}]}, "killCursors": {"cursors": []},
    "update": {"updates": [{"q": {}, "u": {"$set": {"a": 1}}}]}, "delete": {"deletes": [{"q": {}, "limit": 1}]},
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_command_of_wrong_values_is_refused_and_not_a_defect(
    quiet: RunningProcess, connect: Connect, name: str
) -> None:
    assert MODULES, "they register the commands"
    database = connect().prisma
    of_hello = ("topologyVersion", "maxAwaitTimeMS", "saslSupportedMechs", "speculativeAuthenticate")
    fields = COMMANDS[name].fields
    own = {name: "things" if name not in ("getMore", "endSessions", "explain") else 1}
    for field in [name, *(of_hello if fields is None else fields), "lsid", "readConcern", "writeConcern", "collation"]:
        of_driver = field in ("documents", "updates", "deletes")  # the driver itself interprets these fields
        for value in [[], [{}], [{"q": 1, "u": 1}], [{"q": {}, "u": 1}]] if of_driver else VALUES:
            try:
                database.command({**own, **NEEDED.get(name, {}), field: value})
            except OperationFailure as error:
                assert error.code != 1, (field, value, error.details)
    connect().prisma.things.drop()


STAGES = [
    "match", "project", "group", "sort", "limit", "skip", "count", "collStats", "unionWith",
]  # fmt: skip


@pytest.mark.parametrize("stage", [f"${name}" for name in STAGES])
def test_a_stage_of_wrong_values_is_refused_and_not_a_defect(
    quiet: RunningProcess, connect: Connect, stage: str
) -> None:
    things = connect().prisma.base_paths
    computed = [{"_id": "$guid", "a": {name: value}} for name in ("$literal", "$add", "$sum") for value in VALUES]
    filters = [{"guid": {name: value}} for name in ("$gt", "$regex", "$type", "$in") for value in VALUES]
    for operand in [*VALUES, *computed, *filters]:
        try:
            list(things.aggregate([{stage: operand}]))
        except OperationFailure as error:
            assert error.code != 1, (operand, error.details)


@pytest.mark.parametrize("modifier", ["$set", "$setOnInsert", "$unset", "$inc"])
def test_an_update_of_wrong_values_is_refused_and_not_a_defect(
    quiet: RunningProcess, connect: Connect, modifier: str
) -> None:
    things = connect().prisma.things
    things.insert_one({"_id": 1, "text": "t", "list": [1, "a"], "n": 1})
    for path in ("_id", "text", "text.a", "list", "list.0", "list.9", "n", "new.deep", "", ".", "$", "a.$[]"):
        for value in VALUES:
            try:
                things.database.command("update", "things", updates=[{"q": {}, "u": {modifier: {path: value}}}])
            except OperationFailure as error:
                assert error.code != 1, (path, value, error.details)
    things.drop()
