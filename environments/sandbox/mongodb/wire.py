"""MongoDB's message framing: OP_MSG, and OP_QUERY for the first hello of older drivers."""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any

import bson
from bson.codec_options import CodecOptions, DatetimeConversion

OP_REPLY, OP_QUERY, OP_MSG = 1, 2004, 2013
MAX_MESSAGE_BYTES = 48_000_000
CODEC: CodecOptions[dict[str, Any]] = CodecOptions(
    dict, tz_aware=True, tzinfo=UTC, datetime_conversion=DatetimeConversion.DATETIME_AUTO
)

_HEADER = struct.Struct("<iiii")
_CHECKSUM_PRESENT, _MORE_TO_COME = 1, 2


class ProtocolError(Exception):
    """The peer does not speak the protocol; the connection is closed."""


@dataclass
class Message:
    """One request: its command document with any document sequences put in their places."""

    request_id: int
    opcode: int
    body: dict[str, Any]
    wants_reply: bool = True
    sequences: set[str] = field(default_factory=set)

    @property
    def command(self) -> str:
        return next(iter(self.body), "")


async def read_message(reader: asyncio.StreamReader) -> Message | None:
    """The next request, or ``None`` when the peer has closed."""
    try:
        header = await reader.readexactly(_HEADER.size)
        length, request_id, _, opcode = _HEADER.unpack(header)
        if not _HEADER.size <= length <= MAX_MESSAGE_BYTES:
            raise ProtocolError(f"message of {length} bytes")
        payload = await reader.readexactly(length - _HEADER.size)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    if opcode == OP_MSG:
        return _message(request_id, payload)
    if opcode == OP_QUERY:
        return _query(request_id, payload)
    raise ProtocolError(f"opcode {opcode} is not supported")


def _message(request_id: int, payload: bytes) -> Message:
    (flags,) = struct.unpack_from("<I", payload)
    if flags & 0xFFFF & ~(_CHECKSUM_PRESENT | _MORE_TO_COME):
        raise ProtocolError(f"unknown required flag bits {flags:#x}")
    end = len(payload) - (4 if flags & _CHECKSUM_PRESENT else 0)
    message = Message(request_id, OP_MSG, {}, wants_reply=not flags & _MORE_TO_COME)
    position = 4
    sequences: dict[str, list[dict[str, Any]]] = {}
    while position < end:
        kind = payload[position]
        (size,) = struct.unpack_from("<i", payload, position + 1)
        section = payload[position + 1 : position + 1 + size]
        if kind == 0:
            message.body = _decode(section)
        elif kind == 1:
            name_end = section.index(b"\0", 4)
            sequences[section[4:name_end].decode()] = _decode_all(section[name_end + 1 :])
        else:
            raise ProtocolError(f"section kind {kind}")
        position += 1 + size
    message.body.update(sequences)
    message.sequences = set(sequences)
    return message


def _query(request_id: int, payload: bytes) -> Message:
    name_end = payload.index(b"\0", 4)
    database, _, collection = payload[4:name_end].decode().partition(".")
    if collection != "$cmd":
        raise ProtocolError("OP_QUERY is supported for commands only")
    start = name_end + 1 + 8
    (size,) = struct.unpack_from("<i", payload, start)
    body = _decode(payload[start : start + size])
    body.setdefault("$db", database)
    return Message(request_id, OP_QUERY, body)


def _decode(data: bytes) -> dict[str, Any]:
    try:
        return bson.decode(data, CODEC)
    except bson.errors.InvalidBSON as error:
        raise ProtocolError(f"invalid BSON: {error}") from error


def _decode_all(data: bytes) -> list[dict[str, Any]]:
    try:
        return bson.decode_all(data, CODEC)
    except bson.errors.InvalidBSON as error:
        raise ProtocolError(f"invalid BSON: {error}") from error


def encode_reply(message: Message, reply: dict[str, Any], reply_id: int) -> bytes:
    """The bytes that answer ``message`` in the form it was asked."""
    body = bson.encode(reply)
    if message.opcode == OP_QUERY:
        content = struct.pack("<iqii", 8, 0, 0, 1) + body
        return _HEADER.pack(_HEADER.size + len(content), reply_id, message.request_id, OP_REPLY) + content
    content = b"\0\0\0\0\0" + body
    return _HEADER.pack(_HEADER.size + len(content), reply_id, message.request_id, OP_MSG) + content
