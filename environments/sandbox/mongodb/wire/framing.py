"""MongoDB's message framing: OP_MSG, and OP_QUERY for the first hello of older drivers.

An invalid frame ends the connection, with the reason in the log: no driver sends one.
"""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass
from datetime import UTC
from typing import Any

import bson
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.errors import InvalidBSON

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
"""The number of levels that are decoded, and the minimum bytes of each: type, end of name, and the document itself."""


class ProtocolError(Exception):
    """The peer violates the protocol; the connection is closed."""


@dataclass
class Message:
    """One request: its command document, with the document sequences inserted at their fields."""

    request_id: int
    opcode: int
    body: dict[str, Any]
    wants_reply: bool = True

    @property
    def command(self) -> str:
        return next(iter(self.body), "")


async def read_message(reader: asyncio.StreamReader) -> Message | None:
    """The next request, or ``None`` if the peer has closed, even in the middle of a frame."""
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
    if opcode == OP_QUERY:
        return Message(request_id, opcode, _greeting(payload))
    flags = _int(payload, 0) & 0xFFFFFFFF
    if flags & 0xFFFF & ~(_CHECKSUM_PRESENT | _MORE_TO_COME):
        raise ProtocolError(f"unknown required flag bits {flags:#x}")
    sections = payload[_INT.size : len(payload) - (_INT.size if flags & _CHECKSUM_PRESENT else 0)]
    return Message(request_id, opcode, _command(sections), not flags & _MORE_TO_COME)


def _command(sections: bytes) -> dict[str, Any]:
    """The body, which comes first, combined with the sequences that follow it."""
    body: dict[str, Any] | None = None
    position = 0
    while position < len(sections):
        kind, size = sections[position], _int(sections, position + 1)
        section = sections[position + 1 : position + 1 + size]
        if not _LEAST_BSON_BYTES <= size == len(section):
            raise ProtocolError(f"section of {size} bytes in a message of {len(sections)} bytes")
        if kind == 0 and body is None:
            body = _decode(section)
        elif kind == 1 and body is not None:
            name, documents = _sequence(section)
            if name in body:
                raise ProtocolError(f"the field {name} stands twice")
            body[name] = documents
        else:
            raise ProtocolError(f"a section of kind {kind} where none may be")
        position += 1 + size
    if body is None:
        raise ProtocolError("a message without a body")
    return body


def _sequence(section: bytes) -> tuple[str, list[dict[str, Any]]]:
    name_end = section.find(b"\0", _INT.size)
    if name_end < 0:
        raise ProtocolError("document sequence without the end of its name")
    documents, position = [], name_end + 1
    while position < len(section):
        size = _int(section, position)
        if size < _LEAST_BSON_BYTES:
            raise ProtocolError(f"document of {size} bytes in a document sequence")
        documents.append(_decode(section[position : position + size]))
        position += size
    return section[_INT.size : name_end].decode(errors="replace"), documents


def _greeting(payload: bytes) -> dict[str, Any]:
    """Parse an OP_QUERY: flags, namespace, two numbers, command."""
    name_end = payload.find(b"\0", _INT.size)
    if name_end < 0:
        raise ProtocolError("OP_QUERY without the end of its namespace")
    database, _, collection = payload[_INT.size : name_end].decode(errors="replace").partition(".")
    start = name_end + 1 + 2 * _INT.size
    body = _decode(payload[start : start + max(0, _int(payload, start))])
    if collection != "$cmd" or next(iter(body), "") not in _GREETINGS:
        raise ProtocolError("OP_QUERY of something else than a greeting")
    return {**body, "$db": database}


def _int(data: bytes, position: int) -> int:
    if len(data) < position + _INT.size:
        raise ProtocolError(f"message ends within the number at byte {position}")
    number: int = _INT.unpack_from(data, position)[0]
    return number


def _decode(data: bytes) -> dict[str, Any]:
    try:
        document = bson.decode(data, CODEC)
    except InvalidBSON as error:
        raise ProtocolError(f"invalid BSON: {error}") from error
    if len(data) > _DEEPEST * _LEAST_LEVEL_BYTES and _is_too_deep(document):
        raise ProtocolError(f"invalid BSON: nested in more than {_DEEPEST} levels")
    return document


def _is_too_deep(document: dict[str, Any]) -> bool:
    """Whether the document is nested too deeply. Python 3.14 decodes all that its stack has room for; older versions
    stop at a thousand levels."""
    level: list[Any] = [document]
    for _ in range(_DEEPEST):
        inner = [each.values() if isinstance(each, dict) else each for each in level]
        level = [value for values in inner for value in values if isinstance(value, dict | list)]
        if not level:
            return False
    return True


def encode_reply(message: Message, reply: dict[str, Any], reply_id: int) -> bytes:
    """The bytes of the answer, in the same message format as the request."""
    body = bson.encode(reply)
    if message.opcode == OP_QUERY:
        content = struct.pack("<iqii", 8, 0, 0, 1) + body
        return _HEADER.pack(_HEADER.size + len(content), reply_id, message.request_id, OP_REPLY) + content
    content = b"\0\0\0\0\0" + body
    return _HEADER.pack(_HEADER.size + len(content), reply_id, message.request_id, OP_MSG) + content
