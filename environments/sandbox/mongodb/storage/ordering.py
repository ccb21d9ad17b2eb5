"""The total order of BSON: a comparable, hashable key for each value; ``1``, ``1.0`` and ``Int64(1)`` have the same."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from bson import Binary, Code, DBRef, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS
from bson.raw_bson import RawBSONDocument

Key = tuple[Any, ...]


class _Missing:
    def __repr__(self) -> str:
        return "<missing>"

    def __bool__(self) -> bool:
        return False

    def __deepcopy__(self, memo: dict[int, Any]) -> _Missing:
        return self


MISSING: Final = _Missing()
"""The value of a field that does not exist."""

MIN, NULL, NUMBER, STRING, OBJECT, ARRAY, BINARY = 1.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0
OBJECT_ID, BOOL, DATE, TIMESTAMP, REGEX, DBREF, CODE, MAX = 35.0, 40.0, 45.0, 47.0, 50.0, 55.0, 60.0, 127.0
_BRACKET = 0.45
_FAR = 0.3

NULL_KEY: Key = (NULL,)


def _number(value: float) -> Key:
    return (NUMBER, value) if value == value else (NUMBER - 0.4, 0)  # NaN sorts before all numbers


def _decimal(value: Decimal128) -> Key:
    exact = value.to_decimal()
    return (NUMBER - 0.4, 0) if exact.is_nan() else (NUMBER, exact)


def _far_date(value: DatetimeMS) -> Key:
    milliseconds = int(value)
    return (DATE + math.copysign(_FAR, milliseconds), milliseconds)


def _object(value: Mapping[str, Any]) -> Key:
    fields = []
    for name, inner in value.items():
        key = sort_key(inner)
        fields.append((round(key[0]), name, key))
    return (OBJECT, tuple(fields))


def _pattern(value: Regex[Any] | re.Pattern[Any]) -> Key:
    return (REGEX, str(value.pattern), int(value.flags))


def _binary(value: bytes) -> Key:
    subtype = value.subtype if isinstance(value, Binary) else 0
    return (BINARY, len(value), subtype, bytes(value))


_KEYS: dict[type, Callable[[Any], Key]] = {
    type(None): lambda _: NULL_KEY,
    _Missing: lambda _: NULL_KEY,
    bool: lambda value: (BOOL, value),
    int: lambda value: (NUMBER, value),
    Int64: lambda value: (NUMBER, int(value)),
    float: _number,
    Decimal128: _decimal,
    str: lambda value: (STRING, value),
    datetime: lambda value: (DATE, value),
    DatetimeMS: _far_date,
    ObjectId: lambda value: (OBJECT_ID, value.binary),
    dict: _object,
    RawBSONDocument: _object,
    list: lambda value: (ARRAY, tuple(map(sort_key, value))),
    tuple: lambda value: (ARRAY, tuple(map(sort_key, value))),
    bytes: _binary,
    Binary: _binary,
    Timestamp: lambda value: (TIMESTAMP, value.time, value.inc),
    Regex: _pattern,
    DBRef: lambda value: (DBREF, str(value.collection), sort_key(value.id)),
    Code: lambda value: (CODE, str(value)),
    MinKey: lambda _: (MIN,),
    MaxKey: lambda _: (MAX,),
}


def sort_key(value: Any) -> Key:
    """The position of ``value`` in BSON order; a missing field is equal to null."""
    return _KEYS[type(value)](value)


def bracket(key: Key) -> tuple[Key, Key]:
    """The open interval of keys of the same type: a range query never leaves the type of its operand."""
    rank = round(key[0])
    return (rank - _BRACKET,), (rank + _BRACKET,)


TYPE_NAMES: Mapping[type, str] = {
    type(None): "null", _Missing: "missing", bool: "bool", int: "int", Int64: "long", float: "double",
    Decimal128: "decimal", str: "string", datetime: "date", DatetimeMS: "date", ObjectId: "objectId", dict: "object",
    list: "array", bytes: "binData", Binary: "binData", Timestamp: "timestamp", Regex: "regex", DBRef: "dbPointer",
    Code: "javascript", MinKey: "minKey", MaxKey: "maxKey",
}  # fmt: skip
TYPE_NUMBERS: Mapping[float, str] = {
    1: "double", 2: "string", 3: "object", 4: "array", 5: "binData", 7: "objectId", 8: "bool", 9: "date", 10: "null",
    11: "regex", 12: "dbPointer", 13: "javascript", 16: "int", 17: "timestamp", 18: "long", 19: "decimal",
    -1: "minKey", 127: "maxKey",
}  # fmt: skip
NUMERIC_TYPES = frozenset({"int", "long", "double", "decimal"})


def type_name(value: Any) -> str:
    """MongoDB's name of the type of ``value``, as in ``$type``."""
    if type(value) is int and not -(2**31) <= value < 2**31:
        return "long"
    return TYPE_NAMES[type(value)]
