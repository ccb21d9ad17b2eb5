"""The requests kubectl sends as protobuf whatever the server offers: SelfSubject*Reviews and ``drain``'s DeleteOptions.

Field numbers are those of ``generated.proto`` in k8s.io/api and apimachinery. Anything else in protobuf is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from environments.sandbox.kubernetes.errors import ApiError, bad_request

CONTENT_TYPE = "application/vnd.kubernetes.protobuf"

_MAGIC = b"k8s\x00"
_LENGTH_DELIMITED, _VARINT = 2, 0

Schema = Mapping[int, "tuple[str, Schema | None]"]

_NAMES = ("namespace", "verb", "group", "version", "resource", "subresource", "name")
_RESOURCE: Schema = {number: (name, None) for number, name in enumerate(_NAMES, start=1)}
_PATH: Schema = {1: ("path", None), 2: ("verb", None)}
_ACCESS_SPEC: Schema = {1: ("resourceAttributes", _RESOURCE), 2: ("nonResourceAttributes", _PATH)}
_PRECONDITIONS: Schema = {1: ("uid", None), 2: ("resourceVersion", None)}
_TYPE_META: Schema = {1: ("apiVersion", None), 2: ("kind", None)}
_BODIES: Mapping[str, Schema] = {
    "SelfSubjectAccessReview": {2: ("spec", _ACCESS_SPEC)},
    "SelfSubjectRulesReview": {2: ("spec", {1: ("namespace", None)})},
    "SelfSubjectReview": {},
    "DeleteOptions": {
        1: ("gracePeriodSeconds", None), 2: ("preconditions", _PRECONDITIONS), 3: ("orphanDependents", None),
        4: ("propagationPolicy", None),
    },
}  # fmt: skip


def decode(body: bytes) -> dict[str, Any]:
    """The object as JSON would have it; 400 when it is broken, 415 for a kind that is not one of the above."""
    if not body.startswith(_MAGIC):
        raise bad_request("the body of the request is not a Kubernetes protobuf message")
    envelope = dict(_fields(body[len(_MAGIC) :]))
    type_meta = _message(envelope.get(1, b""), _TYPE_META)
    schema = _BODIES.get(type_meta.get("kind", ""))
    if schema is None:
        raise ApiError(415, "UnsupportedMediaType", f"{type_meta.get('kind')} must be sent as application/json")
    return {**type_meta, **_message(envelope.get(2, b""), schema)}


def _message(data: bytes, schema: Schema) -> dict[str, Any]:
    message: dict[str, Any] = {}
    for number, value in _fields(data):
        if number in schema:
            name, inner = schema[number]
            message[name] = _value(value, inner)
    return message


def _value(value: Any, inner: Schema | None) -> Any:
    if isinstance(value, int):
        return value
    return value.decode() if inner is None else _message(value, inner)


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
