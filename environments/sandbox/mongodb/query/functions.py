"""The expression operators that are functions of their values, and the arithmetic of BSON numbers."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from bson import Decimal128, Int64

from environments.sandbox.mongodb.storage.ordering import MISSING, NUMERIC_TYPES, sort_key, type_name
from environments.sandbox.mongodb.wire.errors import Code, MongoError

Function = Callable[..., Any]


def nullish(value: Any) -> bool:
    """Null or missing."""
    return value is None or value is MISSING


def is_number(value: Any) -> bool:
    return type_name(value) in NUMERIC_TYPES


def add_numbers(first: Any, second: Any) -> Any:
    """The sum in the wider of both types."""
    return _in_wider_type(first, second, operator.add)


def _in_wider_type(first: Any, second: Any, combine: Callable[[Any, Any], Any]) -> Any:
    try:
        if isinstance(first, Decimal128) or isinstance(second, Decimal128):
            return Decimal128(combine(_exact(first), _exact(second)))
        result = combine(first, second)
    except ArithmeticError:
        raise MongoError(Code.BadValue, f"{first} and {second} cannot be combined") from None
    if isinstance(result, int) and (isinstance(first, Int64) or isinstance(second, Int64) or abs(result) >= 2**31):
        if abs(result) >= 2**63:
            raise MongoError(Code.BadValue, "Failed to apply the operation: it would overflow a 64-bit integer")
        return Int64(result)
    return result


def _exact(value: Any) -> Decimal:
    return value.to_decimal() if isinstance(value, Decimal128) else Decimal(value)


def total(values: Iterable[Any]) -> Any:
    """The sum of the numbers among ``values``; everything else is ignored."""
    return functools.reduce(add_numbers, filter(is_number, values), 0)


def mean(values: Iterable[Any]) -> Any:
    """Of the numbers among ``values``; null when there is none."""
    numbers = list(filter(is_number, values))
    return _divide(total(numbers), len(numbers)) if numbers else None


def _null_safe(function: Function) -> Function:
    return lambda *values: None if any(map(nullish, values)) else function(*values)


def _of_all(name: str, combine: Function, initial: int) -> Function:
    """From left to right, in the wider of the types."""

    def function(*values: Any) -> Any:
        _check_numbers(name, values)
        return functools.reduce(lambda a, b: _in_wider_type(a, b, combine), values, initial)

    return _null_safe(function)


def _check_numbers(name: str, values: Iterable[Any]) -> None:
    for value in values:
        if not is_number(value):
            raise MongoError(Code.TypeMismatch, f"{name} only supports numeric types, not {type_name(value)}")


def _subtract(first: Any, second: Any) -> Any:
    """Also of dates: in milliseconds."""
    if isinstance(first, datetime) and isinstance(second, datetime):
        return Int64((first - second) // timedelta(milliseconds=1))
    _check_numbers("$subtract", (first, second))
    return _in_wider_type(first, second, operator.sub)


def _divide(first: Any, second: Any) -> Any:
    _check_numbers("$divide", (first, second))
    if _exact(second) == 0:
        raise MongoError(Code.BadValue, "can't $divide by zero")
    return _in_wider_type(first, second, operator.truediv)


def _mod(first: Any, second: Any) -> Any:
    _check_numbers("$mod", (first, second))
    if _exact(second) == 0:
        raise MongoError(16610, "can't $mod by zero")
    return _in_wider_type(first, second, lambda a, b: abs(a) % abs(b) * (1 if a >= 0 else -1))


def _compare(decide: Callable[[int], Any]) -> Function:
    def function(first: Any, second: Any) -> Any:
        left, right = ((4.0,) if value is MISSING else sort_key(value) for value in (first, second))
        return decide((left > right) - (left < right))

    return function


def _size(value: Any) -> int:
    if not isinstance(value, list):
        raise MongoError(17124, f"The argument to $size must be an array, but was of type: {type_name(value)}")
    return len(value)


FUNCTIONS: Mapping[str, tuple[Function, int | None]] = {
    "$add": (_of_all("$add", operator.add, 0), None),
    "$subtract": (_null_safe(_subtract), 2),
    "$multiply": (_of_all("$multiply", operator.mul, 1), None),
    "$divide": (_null_safe(_divide), 2),
    "$mod": (_null_safe(_mod), 2),
    "$cmp": (_compare(lambda order: order), 2),
    "$eq": (_compare(lambda order: order == 0), 2),
    "$ne": (_compare(lambda order: order != 0), 2),
    "$gt": (_compare(lambda order: order > 0), 2),
    "$gte": (_compare(lambda order: order >= 0), 2),
    "$lt": (_compare(lambda order: order < 0), 2),
    "$lte": (_compare(lambda order: order <= 0), 2),
    "$size": (_size, 1),
    "$type": (type_name, 1),
}
"""Name to the function and its number of arguments, if that is fixed."""
