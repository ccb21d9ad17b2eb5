"""MongoDB's message framing: OP_MSG, and OP_QUERY for the first hello of older drivers.

A frame whose length, opcode or required flags are wrong ends the connection, as mongod ends it. A frame that is whole
and holds a wrong section or document is answered with an error.
"""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any

import bson
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.errors import InvalidBSON

from environments.sandbox.mongodb.wire.errors import Code, MongoError

OP_REPLY, OP_QUERY, OP_MSG = 1, 2004, 2013
MAX_MESSAGE_BYTES = 48_000_000
CODEC: CodecOptions[dict[str, Any]] = CodecOptions(
    dict, tz_aware=True, tzinfo=UTC, datetime_conversion=DatetimeConversion.DATETIME_AUTO
)

_HEADER = struct.Struct("<iiii")
_INT = struct.Struct("<i")
_CHECKSUM_PRESENT, _MORE_TO_COME = 1, 2
_GREETINGS = ("hello", "isMaster", "ismaster")
_LEAST_BSON_BYTES = 5
_DEEPEST, _LEAST_LEVEL_BYTES = 900, 7
"""Levels that are decoded, and bytes of each: its type, the end of its name, and the document's own."""


class ProtocolError(Exception):
    """The peer does not speak the protocol; the connection is closed."""


@dataclass
class Message:
    """One request: its command document with any document sequences put in their places.

    ``defect`` is what is wrong with it, when it can be answered with an error.
    """

    request_id: int
    opcode: int
    body: dict[str, Any] = field(default_factory=dict)
    wants_reply: bool = True
    defect: MongoError | None = None

    @property
    def command(self) -> str:
        return next(iter(self.body), "")


async def read_message(reader: asyncio.StreamReader) -> Message | None:
    """The next request, or ``None`` when the peer has closed, also in the middle of a frame."""
    try:
        header = await reader.readexactly(_HEADER.size)
        length, request_id, _, opcode = _HEADER.unpack(header)
        if not _HEADER.size <= length <= MAX_MESSAGE_BYTES:
            raise ProtocolError(f"message of {length} bytes")
        if opcode not in (OP_MSG, OP_QUERY):
            raise ProtocolError(f"opcode {opcode} is not supported")
        payload = await reader.readexactly(length - _HEADER.size)
    except (asyncio.IncompleteReadError, OSError):
        return None
    message = Message(request_id, opcode)
    try:
        if opcode == OP_MSG:
            _fill(message, payload)
        else:
            _fill_greeting(message, payload)
    except MongoError as error:
        message.defect = error
    return message


def _fill(message: Message, payload: bytes) -> None:
    flags = _int(payload, 0) & 0xFFFFFFFF
    if flags & 0xFFFF & ~(_CHECKSUM_PRESENT | _MORE_TO_COME):
        raise ProtocolError(f"unknown required flag bits {flags:#x}")
    message.wants_reply = not flags & _MORE_TO_COME
    end = len(payload) - (_INT.size if flags & _CHECKSUM_PRESENT else 0)
    body: dict[str, Any] | None = None
    sequences: dict[str, list[dict[str, Any]]] = {}
    position = _INT.size
    while position < end:
        kind, size = payload[position], _int(payload, position + 1)
        section = payload[position + 1 : position + 1 + size]
        if size < _LEAST_BSON_BYTES or position + 1 + size > end:
            raise MongoError(Code.InvalidBSON, f"section of {size} bytes in a message of {len(payload)} bytes")
        if kind == 0:
            if body is not None:
                raise MongoError(40430, "Multiple body sections in message")
            body = _decode(section)
        elif kind == 1:
            name, documents = _sequence(section)
            if name in sequences:
                raise MongoError(40431, f"Duplicate document sequence: {name}")
            sequences[name] = documents
        else:
            raise MongoError(40432, f"Unknown section kind {kind}")
        position += 1 + size
    if body is None:
        raise MongoError(40587, "OP_MSG messages must have a body")
    twice = next((name for name in sequences if name in body), None)
    if twice is not None:
        raise MongoError(40433, f"Duplicate field between body and document sequence {twice}")
    message.body = {**body, **sequences}


def _sequence(section: bytes) -> tuple[str, list[dict[str, Any]]]:
    name_end = section.find(b"\0", _INT.size)
    if name_end < 0:
        raise MongoError(Code.InvalidBSON, "document sequence without the end of its name")
    documents, position = [], name_end + 1
    while position < len(section):
        size = _int(section, position)
        if size < _LEAST_BSON_BYTES:
            raise MongoError(Code.InvalidBSON, f"document of {size} bytes in a document sequence")
        documents.append(_decode(section[position : position + size]))
        position += size
    return section[_INT.size : name_end].decode(errors="replace"), documents


def _fill_greeting(message: Message, payload: bytes) -> None:
    """OP_QUERY: its flags, the namespace, two numbers, the command."""
    name_end = payload.find(b"\0", _INT.size)
    if name_end < 0:
        raise ProtocolError("OP_QUERY without the end of its namespace")
    database, _, collection = payload[_INT.size : name_end].decode(errors="replace").partition(".")
    if collection != "$cmd":
        text = "OP_QUERY is no longer supported. The client driver may require an upgrade."
        raise MongoError(Code.UnsupportedOpQueryCommand, text)
    start = name_end + 1 + 2 * _INT.size
    body = _decode(payload[start : start + max(0, _int(payload, start))])
    name = next(iter(body), "")
    if name not in _GREETINGS:
        text = f"Unsupported OP_QUERY command: {name}. The client driver may require an upgrade."
        raise MongoError(Code.UnsupportedOpQueryCommand, text)
    message.body = {**body, "$db": database}


def _int(data: bytes, position: int) -> int:
    if len(data) < position + _INT.size:
        raise ProtocolError(f"message ends within the number at byte {position}")
    number: int = _INT.unpack_from(data, position)[0]
    return number


def _decode(data: bytes) -> dict[str, Any]:
    try:
        document = bson.decode(data, CODEC)
    except InvalidBSON as error:
        raise MongoError(Code.InvalidBSON, f"invalid BSON: {error}") from error
    if len(data) > _DEEPEST * _LEAST_LEVEL_BYTES and _is_too_deep(document):
        raise MongoError(Code.InvalidBSON, f"invalid BSON: nested in more than {_DEEPEST} levels")
    return document


def _is_too_deep(document: dict[str, Any]) -> bool:
    """Python 3.14 decodes whatever its stack has room for, those before it a thousand levels at most."""
    level: list[Any] = [document]
    for _ in range(_DEEPEST):
        inner = [each.values() if isinstance(each, dict) else each for each in level]
        level = [value for values in inner for value in values if isinstance(value, dict | list)]
        if not level:
            return False
    return True


def encode_reply(message: Message, reply: dict[str, Any], reply_id: int) -> bytes:
    """The bytes that answer ``message`` in the form it was asked."""
    body = bson.encode(reply)
    if message.opcode == OP_QUERY:
        content = struct.pack("<iqii", 8, 0, 0, 1) + body
        return _HEADER.pack(_HEADER.size + len(content), reply_id, message.request_id, OP_REPLY) + content
    content = b"\0\0\0\0\0" + body
    return _HEADER.pack(_HEADER.size + len(content), reply_id, message.request_id, OP_MSG) + content
