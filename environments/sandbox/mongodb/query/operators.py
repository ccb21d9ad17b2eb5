"""The query operators that test one value."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from bson import Regex

from environments.sandbox.mongodb.storage.ordering import (
    MISSING,
    TYPE_NAMES,
    TYPE_NUMBERS,
    Key,
    bracket,
    sort_key,
    type_name,
)
from environments.sandbox.mongodb.wire.errors import Code, MongoError, refused

ValueTest = Callable[[Any], bool]
Factory = Callable[[Any], ValueTest]


def equals(operand: Any) -> ValueTest:
    """Equality by BSON value: numbers of different types are equal, null equals a missing field."""
    wanted = sort_key(operand)
    kind = type(operand)
    if kind in (bool, str):
        return lambda value: type(value) is kind and value == operand
    return lambda value: sort_key(value) == wanted


def _comparison(compare: Callable[[Key, Key], bool], inclusive: bool) -> Factory:
    def factory(operand: Any) -> ValueTest:
        wanted = sort_key(operand)
        if wanted[0] in (1.0, 127.0):
            return lambda value: compare(sort_key(value), wanted)
        low, high = bracket(wanted)
        if type(operand) is float and operand != operand:
            return lambda value: inclusive and sort_key(value) == wanted
        # NaN does not compare with numbers.
        floor = (round(wanted[0]) - 0.35,) if round(wanted[0]) == 10 else low

        def test(value: Any) -> bool:
            key = sort_key(value)
            return floor < key < high and compare(key, wanted)

        return test

    return factory


def _in(operand: Any) -> ValueTest:
    if not isinstance(operand, list):
        raise MongoError(Code.BadValue, "$in needs an array")
    if any(isinstance(item, dict) and item and next(iter(item)).startswith("$") for item in operand):
        raise MongoError(Code.BadValue, "cannot nest $ under $in")
    if any(isinstance(item, Regex) for item in operand):
        raise refused("a regular expression under $in")
    wanted = {sort_key(item) for item in operand}
    return lambda value: sort_key(value) in wanted


def _regex(operand: Any) -> ValueTest:
    """Compile a BSON regular expression or its text."""
    source, flags = (operand.pattern, operand.flags) if isinstance(operand, Regex) else (operand, 0)
    if not isinstance(source, str):
        raise MongoError(Code.BadValue, "$regex has to be a string")
    try:
        search = re.compile(source, flags & ~re.UNICODE).search
    except re.error as error:
        raise MongoError(51091, f"Regular expression is invalid: {error}") from error
    wanted = sort_key(operand) if isinstance(operand, Regex) else None
    return lambda value: (
        (type(value) is str and search(value) is not None) or (isinstance(value, Regex) and sort_key(value) == wanted)
    )


def _type(operand: Any) -> ValueTest:
    """Test the type, given by names or numbers."""
    given = operand if isinstance(operand, list) else [operand]
    names = [TYPE_NUMBERS.get(each, each) if isinstance(each, int | float) else each for each in given]
    for name in names:
        if name not in TYPE_NAMES.values():
            raise MongoError(Code.BadValue, f"Unknown type name alias: {name}")
    return lambda value: value is not MISSING and type_name(value) in names


OPERATORS: Mapping[str, Factory] = {
    "$eq": equals,
    "$gt": _comparison(operator.gt, inclusive=False),
    "$gte": _comparison(operator.ge, inclusive=True),
    "$lt": _comparison(operator.lt, inclusive=False),
    "$lte": _comparison(operator.le, inclusive=True),
    "$in": _in,
    "$regex": _regex,
    "$type": _type,
}
