"""Requests kubectl sends as protobuf whatever the server offers: reviews, ``drain``, every ``kubectl create KIND``.

The messages are in :mod:`protobuf_kinds`. What is not described there is refused, never dropped.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from environments.sandbox.kubernetes.http.protobuf_kinds import BODIES, Field, Message, TypeMeta
from environments.sandbox.kubernetes.store.errors import ApiError, bad_request

CONTENT_TYPE = "application/vnd.kubernetes.protobuf"

_MAGIC = b"k8s\x00"
_LENGTH_DELIMITED, _VARINT = 2, 0


def decode(body: bytes) -> dict[str, Any]:
    """The object as JSON would have it; 400 when it is broken, 415 for a kind or a field that is not described."""
    if not body.startswith(_MAGIC):
        raise bad_request("the body of the request is not a Kubernetes protobuf message")
    envelope = dict(_fields(body[len(_MAGIC) :]))
    type_meta = _message(envelope.get(1, b""), TypeMeta)
    kind = type_meta.get("kind", "")
    if kind not in BODIES:
        raise ApiError(415, "UnsupportedMediaType", f"{kind} must be sent as application/json")
    return {**type_meta, **_message(envelope.get(2, b""), BODIES[kind])}


def _message(data: bytes, described: Message) -> dict[str, Any]:
    message: dict[str, Any] = {}
    for number, value in _fields(data):
        field = described.fields.get(number)
        if field is not None:
            _put(message, field, value)
        elif not _is_empty(value):
            raise ApiError(
                415, "UnsupportedMediaType", f"field {number} of {described.name} must be sent as application/json"
            )
    return message


def _put(message: dict[str, Any], field: Field, value: Any) -> None:
    """Go writes every field that is no pointer: what is empty there is absent in JSON."""
    if field.dropped:
        return
    if field.is_map:
        entry = dict(_fields(value))
        message.setdefault(field.name, {})[entry.get(1, b"").decode()] = _value(field, entry.get(2, b""))
    elif field.many:
        message.setdefault(field.name, []).append(_value(field, value))
    elif field.kept_when_empty or not _is_empty(value):
        message[field.name] = _value(field, value)


def _value(field: Field, value: Any) -> Any:
    inner = _message(value, field.message) if field.message is not None else value
    return field.read(inner)


def _is_empty(value: Any) -> bool:
    """Nothing, or a message of nothing but empty fields."""
    if isinstance(value, int):
        return value == 0
    try:
        return all(_is_empty(inner) for _, inner in _fields(value))
    except ApiError:
        return False


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """Number and value, an int or bytes, of every field."""
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
