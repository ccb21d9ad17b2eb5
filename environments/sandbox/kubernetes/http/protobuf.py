"""Decoder for the requests that kubectl always sends as protobuf: reviews, ``drain`` and ``kubectl create KIND``.

``protobuf.toml`` describes the messages and its own notation. Kinds and fields that it does not describe are refused.
"""

from __future__ import annotations

import base64
import functools
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from environments.sandbox.kubernetes.store.errors import ApiError, bad_request

CONTENT_TYPE = "application/vnd.kubernetes.protobuf"

_MAGIC = b"k8s\x00"
_LENGTH_DELIMITED, _VARINT = 2, 0
_DROPPED = "-"
_FIELD = re.compile(r"(?P<name>\w+) (?P<form>\[\]|map\[|\*)?(?P<type>\w+)\]?")
_READ: Mapping[str, Callable[[Any], Any]] = {
    "string": bytes.decode,
    "int": lambda value: value - 2**64 if value >= 2**63 else value,
    "bool": bool,
    "bytes": lambda value: base64.b64encode(value).decode(),
}
_AS_JSON: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "Quantity": lambda value: value.get("string", "0"),
    "IntOrString": lambda value: value.get("string", "") if value.get("type") else value.get("int", 0),
}
"""Messages that are plain values in JSON, not objects."""


class _Field(NamedTuple):
    """One field of a message. ``form`` is ``[]``, ``map[``, ``*`` or empty."""

    name: str
    form: str
    type: str


@functools.cache
def _messages() -> Mapping[str, Mapping[int, _Field | None]]:
    """Return the fields of each message by number; None for a field that is ignored."""
    described = tomllib.loads(Path(__file__).with_name("protobuf.toml").read_text(encoding="utf-8"))
    return {name: {int(number): _field(text) for number, text in fields.items()} for name, fields in described.items()}


def _field(text: str) -> _Field | None:
    if text == _DROPPED:
        return None
    match = _FIELD.fullmatch(text)
    assert match is not None, text
    return _Field(match["name"], match["form"] or "", match["type"])


def decode(body: bytes) -> dict[str, Any]:
    """Return the object as in JSON. Raises 400 if the body is malformed, 415 for a kind or field not described."""
    if not body.startswith(_MAGIC):
        raise bad_request("the body of the request is not a Kubernetes protobuf message")
    envelope = dict(_fields(body[len(_MAGIC) :]))
    type_meta = _message(envelope.get(1, b""), "TypeMeta")
    kind = type_meta.get("kind", "")
    if kind not in _messages():
        raise ApiError(415, "UnsupportedMediaType", f"{kind} must be sent as application/json")
    return {**type_meta, **_message(envelope.get(2, b""), kind)}


def _message(data: bytes, kind: str) -> dict[str, Any]:
    message: dict[str, Any] = {}
    fields = _messages()[kind]
    for number, value in _fields(data):
        field = fields.get(number)
        if field is not None:
            _put(message, field, value)
        elif number not in fields and not _is_empty(value):
            raise ApiError(415, "UnsupportedMediaType", f"field {number} of {kind} must be sent as application/json")
    return message


def _put(message: dict[str, Any], field: _Field, value: Any) -> None:
    if field.form == "map[":
        entry = dict(_fields(value))
        message.setdefault(field.name, {})[entry.get(1, b"").decode()] = _value(field.type, entry.get(2, b""))
    elif field.form == "[]":
        message.setdefault(field.name, []).append(_value(field.type, value))
    elif field.form == "*" or not _is_empty(value):
        message[field.name] = _value(field.type, value)


def _value(kind: str, value: Any) -> Any:
    if kind in _READ:
        return _READ[kind](value)
    inner = _message(value, kind)
    return _AS_JSON[kind](inner) if kind in _AS_JSON else inner


def _is_empty(value: Any) -> bool:
    """Whether the value is zero, empty, or a message that contains only empty fields."""
    if isinstance(value, int):
        return value == 0
    try:
        return all(_is_empty(inner) for _, inner in _fields(value))
    except ApiError:
        return False


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """Yield the number and the value (int or bytes) of each field."""
    position = 0
    while position < len(data):
        key, position = _varint(data, position)
        if key & 7 == _VARINT:
            value, position = _varint(data, position)
            yield key >> 3, value
        elif key & 7 == _LENGTH_DELIMITED:
            length, position = _varint(data, position)
            if position + length > len(data):
                raise bad_request("the protobuf message ends too early")
            yield key >> 3, data[position : position + length]
            position += length
        else:
            raise bad_request(f"unexpected protobuf wire type {key & 7}")


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while position < len(data):
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, position
    raise bad_request("the protobuf message ends too early")
