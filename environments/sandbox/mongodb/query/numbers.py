"""The arithmetic of BSON numbers, as ``$inc`` and ``$sum`` need it."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from bson import Decimal128, Int64

from environments.sandbox.mongodb.storage.ordering import NUMERIC_TYPES, type_name
from environments.sandbox.mongodb.wire.errors import Code, MongoError


def is_number(value: Any) -> bool:
    return type_name(value) in NUMERIC_TYPES


def add_numbers(first: Any, second: Any) -> Any:
    """The sum, in the wider of both types."""
    try:
        if isinstance(first, Decimal128) or isinstance(second, Decimal128):
            return Decimal128(_exact(first) + _exact(second))
        result = first + second
    except ArithmeticError:
        raise MongoError(Code.BadValue, f"{first} and {second} cannot be added") from None
    if isinstance(result, int) and (isinstance(first, Int64) or isinstance(second, Int64) or abs(result) >= 2**31):
        if abs(result) >= 2**63:
            raise MongoError(Code.BadValue, "Failed to apply the operation: it would overflow a 64-bit integer")
        return Int64(result)
    return result


def _exact(value: Any) -> Decimal:
    return value.to_decimal() if isinstance(value, Decimal128) else Decimal(value)


def total(values: Iterable[Any]) -> Any:
    """The sum of the numbers among ``values``; other values are ignored."""
    return functools.reduce(add_numbers, filter(is_number, values), 0)
