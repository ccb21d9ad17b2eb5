"""Type conversions: ``$convert`` and its short forms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from bson import Decimal128, Int64, ObjectId
from bson.errors import InvalidId

from environments.sandbox.mongodb.dates import as_date, date_to_string, parse_date
from environments.sandbox.mongodb.errors import FAILED_TO_PARSE, MongoError
from environments.sandbox.mongodb.expressions import nullish, truthy
from environments.sandbox.mongodb.ordering import TYPE_NUMBERS, type_name

CONVERSION_FAILURE = 241
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def milliseconds(date: datetime) -> int:
    """Milliseconds since 1970."""
    return (date - _EPOCH) // timedelta(milliseconds=1)


def _unsupported(value: Any, to: str) -> MongoError:
    return MongoError(CONVERSION_FAILURE, f"Unsupported conversion from {type_name(value)} to {to} in $convert")


def _number(value: Any, to: str) -> Any:
    if isinstance(value, Decimal128):
        return value.to_decimal()
    if isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, datetime) and to in ("long", "double", "decimal"):
        return milliseconds(value)
    if isinstance(value, str):
        try:
            return Decimal(value) if to in ("double", "decimal") else int(value)
        except (InvalidOperation, ValueError):
            raise MongoError(CONVERSION_FAILURE, f"Failed to parse number '{value}' in $convert") from None
    raise _unsupported(value, to)


def _whole(value: Any, to: str, limit: int, kind: type) -> Any:
    number = _number(value, to)
    if number != number or not -limit <= number < limit:
        raise MongoError(CONVERSION_FAILURE, f"Conversion would overflow target type in $convert: {value}")
    return kind(int(number))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return str(date_to_string(value))
    if isinstance(value, float):
        return str(int(value)) if value == value // 1 and abs(value) < 1e15 else repr(value)
    if isinstance(value, (str, int, ObjectId, Decimal128)):
        return str(value)
    raise _unsupported(value, "string")


def _date(value: Any) -> datetime:
    if isinstance(value, str):
        return parse_date(value)
    if isinstance(value, bool):
        raise _unsupported(value, "date")
    if isinstance(value, (Int64, int, float, Decimal128)):
        return _EPOCH + timedelta(milliseconds=int(_number(value, "date")))
    return as_date(value)


def _object_id(value: Any) -> ObjectId:
    if not isinstance(value, (str, ObjectId)):
        raise _unsupported(value, "objectId")
    try:
        return ObjectId(value)
    except InvalidId:
        raise MongoError(CONVERSION_FAILURE, f"Failed to parse objectId '{value}' in $convert") from None


_CONVERTERS: Mapping[str, Callable[[Any], Any]] = {
    "string": _text,
    "int": lambda value: _whole(value, "int", 2**31, int),
    "long": lambda value: _whole(value, "long", 2**63, Int64),
    "double": lambda value: float(_number(value, "double")),
    "decimal": lambda value: Decimal128(Decimal(_number(value, "decimal"))),
    "bool": truthy,
    "date": _date,
    "objectId": _object_id,
}


def convert(value: Any, to: Any) -> Any:
    """``value`` as the BSON type of this name or number; error 241 when it cannot be."""
    name = to if isinstance(to, str) else TYPE_NUMBERS.get(to, str(to))
    if name not in _CONVERTERS:
        raise MongoError(FAILED_TO_PARSE, f"$convert to {name} is not supported by this server")
    return None if nullish(value) else _CONVERTERS[name](value)
