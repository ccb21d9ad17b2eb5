"""Arithmetic of aggregation expressions: the wider of two number types is kept, dates take part in + and -."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from bson import Decimal128, Int64

from environments.sandbox.mongodb.conversions import milliseconds
from environments.sandbox.mongodb.errors import MongoError
from environments.sandbox.mongodb.expressions import nullish
from environments.sandbox.mongodb.modifiers import add_numbers, multiply_numbers
from environments.sandbox.mongodb.ordering import NUMERIC_TYPES, sort_key, type_name

Function = Callable[..., Any]


def _require_numbers(name: str, values: tuple[Any, ...]) -> None:
    for value in values:
        if type_name(value) not in NUMERIC_TYPES:
            raise MongoError(14, f"{name} only supports numeric types, not {type_name(value)}")


def add(*values: Any) -> Any:
    dates = [value for value in values if isinstance(value, datetime)]
    if len(dates) > 1:
        raise MongoError(16612, "only one date allowed in an $add expression")
    numbers = [value for value in values if not isinstance(value, datetime)]
    _require_numbers("$add", tuple(numbers))
    total = functools.reduce(add_numbers, numbers, 0)
    return dates[0] + timedelta(milliseconds=float(_plain(total))) if dates else total


def subtract(first: Any, second: Any) -> Any:
    if isinstance(first, datetime):
        if isinstance(second, datetime):
            return Int64(milliseconds(first) - milliseconds(second))
        _require_numbers("$subtract", (second,))
        return first - timedelta(milliseconds=float(_plain(second)))
    _require_numbers("$subtract", (first, second))
    return add_numbers(first, multiply_numbers(second, -1))


def _plain(value: Any) -> Any:
    return value.to_decimal() if isinstance(value, Decimal128) else value


def multiply(*values: Any) -> Any:
    _require_numbers("$multiply", values)
    return functools.reduce(multiply_numbers, values, 1)


def divide(first: Any, second: Any) -> Any:
    _require_numbers("$divide", (first, second))
    if _plain(second) == 0:
        raise MongoError(2, "can't $divide by zero")
    if isinstance(first, Decimal128) or isinstance(second, Decimal128):
        return Decimal128(Decimal(_plain(first)) / Decimal(_plain(second)))
    return first / second


def mod(first: Any, second: Any) -> Any:
    _require_numbers("$mod", (first, second))
    if _plain(second) == 0:
        raise MongoError(16610, "can't $mod by zero")
    result = math.fmod(_plain(first), _plain(second))
    return result if isinstance(first, float) or isinstance(second, float) else _same_kind(int(result), first, second)


def _same_kind(value: int, *origins: Any) -> Any:
    return Int64(value) if any(isinstance(origin, Int64) for origin in origins) or abs(value) >= 2**31 else value


def rounded(how: Callable[[Decimal], Decimal]) -> Function:
    def function(value: Any, place: Any = 0) -> Any:
        _require_numbers("$round", (value, place))
        if isinstance(value, float) and not math.isfinite(value):
            return value
        exact = how(Decimal(str(_plain(value))).scaleb(int(place))).scaleb(-int(place))
        if isinstance(value, Decimal128):
            return Decimal128(exact)
        return float(exact) if isinstance(value, float) else _same_kind(int(exact), value)

    return function


def floating(function: Callable[..., float]) -> Function:
    def evaluate(*values: Any) -> Any:
        _require_numbers("a mathematical function", values)
        try:
            return function(*(float(_plain(value)) for value in values))
        except (ValueError, OverflowError) as error:
            raise MongoError(28714, f"argument out of range: {error}") from None

    return evaluate


def power(base: Any, exponent: Any) -> Any:
    _require_numbers("$pow", (base, exponent))
    if isinstance(base, int) and isinstance(exponent, int) and exponent >= 0:
        return _same_kind(base**exponent, base, exponent)
    return float(_plain(base)) ** float(_plain(exponent))


def absolute(value: Any) -> Any:
    _require_numbers("$abs", (value,))
    return multiply_numbers(value, -1) if _plain(value) < 0 else value


def values_of(values: tuple[Any, ...]) -> list[Any]:
    """The arguments of ``$sum`` and its like: a single array stands for its elements."""
    items = values[0] if len(values) == 1 and isinstance(values[0], list) else values
    return list(items)


def total(values: list[Any]) -> Any:
    """The sum of the numbers among ``values``; everything else is ignored."""
    return functools.reduce(add_numbers, [v for v in values if type_name(v) in NUMERIC_TYPES], 0)


def mean(values: list[Any]) -> Any:
    numbers = [value for value in values if type_name(value) in NUMERIC_TYPES]
    return divide(total(numbers), len(numbers)) if numbers else None


def extreme(choose: Callable[..., Any]) -> Callable[[list[Any]], Any]:
    """The least or the greatest in BSON order; null when there is none."""

    def function(values: list[Any]) -> Any:
        return choose((value for value in values if not nullish(value)), key=sort_key, default=None)

    return function
