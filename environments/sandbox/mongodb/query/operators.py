"""The query operators that look at one value."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from bson import Regex

from environments.sandbox.mongodb.storage.ordering import (
    MISSING,
    NULL_KEY,
    NUMERIC_TYPES,
    TYPE_NAMES,
    TYPE_NUMBERS,
    Key,
    bracket,
    sort_key,
    type_name,
)
from environments.sandbox.mongodb.wire.errors import Code, MongoError

ValueTest = Callable[[Any], bool]
Factory = Callable[[Any, Mapping[str, Any]], ValueTest]

_FLAGS = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL, "x": re.VERBOSE, "u": 0}


def equals(operand: Any) -> ValueTest:
    """Equality by BSON value: numbers of different types are equal, null equals a missing field."""
    wanted = sort_key(operand)
    kind = type(operand)
    if kind in (bool, str):
        return lambda value: type(value) is kind and value == operand
    return lambda value: sort_key(value) == wanted


def _comparison(compare: Callable[[Key, Key], bool], inclusive: bool) -> Factory:
    def factory(operand: Any, _: Mapping[str, Any]) -> ValueTest:
        wanted = sort_key(operand)
        if wanted[0] in (1.0, 127.0):
            return lambda value: compare(sort_key(value), wanted)
        if wanted == NULL_KEY:
            return lambda value: inclusive and sort_key(value) == NULL_KEY
        low, high = bracket(wanted)
        if type(operand) is float and operand != operand:
            return lambda value: inclusive and sort_key(value) == wanted
        floor = (
            (round(wanted[0]) - 0.35,) if round(wanted[0]) == 10 else low
        )  # not-a-number is no number to compare with

        def test(value: Any) -> bool:
            key = sort_key(value)
            return floor < key < high and compare(key, wanted)

        return test

    return factory


def _in(operand: Any, _: Mapping[str, Any]) -> ValueTest:
    if not isinstance(operand, list):
        raise MongoError(Code.BadValue, "$in needs an array")
    if any(isinstance(item, dict) and item and next(iter(item)).startswith("$") for item in operand):
        raise MongoError(Code.BadValue, "cannot nest $ under $in")
    patterns = [_regex(item, {}) for item in operand if isinstance(item, Regex)]
    wanted = {sort_key(item) for item in operand if not isinstance(item, Regex)}
    if not patterns:
        return lambda value: sort_key(value) in wanted
    return lambda value: sort_key(value) in wanted or any(test(value) for test in patterns)


def regex_flags(options: str) -> int:
    """Python's flags for MongoDB's option letters."""
    flags = 0
    for letter in options:
        if letter not in _FLAGS:
            raise MongoError(51108, f"invalid flag in regex options: {letter}")
        flags |= _FLAGS[letter]
    return flags


def compile_regex(pattern: Any, options: str | None = None) -> re.Pattern[str]:
    """A Python pattern from a BSON regular expression or its text."""
    source = pattern.pattern if isinstance(pattern, Regex) else pattern
    if not isinstance(source, str):
        raise MongoError(Code.BadValue, "$regex has to be a string")
    flags = regex_flags(options) if options is not None else (pattern.flags if isinstance(pattern, Regex) else 0)
    try:
        return re.compile(source, flags & ~re.UNICODE)
    except re.error as error:
        raise MongoError(51091, f"Regular expression is invalid: {error}") from error


def _regex(operand: Any, siblings: Mapping[str, Any]) -> ValueTest:
    search = compile_regex(operand, siblings.get("$options")).search
    wanted = sort_key(operand) if isinstance(operand, Regex) else None
    return lambda value: (
        (type(value) is str and search(value) is not None) or (isinstance(value, Regex) and sort_key(value) == wanted)
    )


def type_names(operand: Any) -> frozenset[str]:
    """The type names a ``$type`` operand stands for."""
    names: set[str] = set()
    for item in operand if isinstance(operand, list) else [operand]:
        if isinstance(item, str):
            known = item == "number" or item in TYPE_NAMES.values() or item in TYPE_NUMBERS.values()
            if not known:
                raise MongoError(Code.BadValue, f"Unknown type name alias: {item}")
            names |= NUMERIC_TYPES if item == "number" else {item}
        elif isinstance(item, (int, float)) and item in TYPE_NUMBERS:
            names.add(TYPE_NUMBERS[int(item)])
        else:
            raise MongoError(Code.BadValue, f"Invalid numerical type code: {item}")
    return frozenset(names)


def _type(operand: Any, _: Mapping[str, Any]) -> ValueTest:
    names = type_names(operand)
    return lambda value: value is not MISSING and type_name(value) in names


OPERATORS: Mapping[str, Factory] = {
    "$eq": lambda operand, _: equals(operand),
    "$gt": _comparison(operator.gt, inclusive=False),
    "$gte": _comparison(operator.ge, inclusive=True),
    "$lt": _comparison(operator.lt, inclusive=False),
    "$lte": _comparison(operator.le, inclusive=True),
    "$in": _in,
    "$regex": _regex,
    "$type": _type,
}
