"""The expression operators that are functions of their arguments: name to (function, least, most arguments)."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import bson

from environments.sandbox.mongodb.arithmetic import (
    Function,
    absolute,
    add,
    divide,
    extreme,
    floating,
    mean,
    mod,
    multiply,
    power,
    rounded,
    subtract,
    total,
    values_of,
)
from environments.sandbox.mongodb.conversions import convert
from environments.sandbox.mongodb.errors import MongoError
from environments.sandbox.mongodb.expressions import nullish, truthy
from environments.sandbox.mongodb.ordering import MISSING, NUMERIC_TYPES, sort_key, type_name


def _null_safe(function: Function) -> Function:
    @functools.wraps(function)
    def safe(*values: Any) -> Any:
        return None if any(nullish(value) for value in values) else function(*values)

    return safe


def _compare(decide: Callable[[int], Any]) -> Function:
    def function(first: Any, second: Any) -> Any:
        left, right = (_compared(value) for value in (first, second))
        return decide((left > right) - (left < right))

    return function


def _compared(value: Any) -> Any:
    return (4.0,) if value is MISSING else sort_key(value)


def _text(name: str, *values: Any) -> None:
    for value in values:
        if not isinstance(value, str):
            raise MongoError(16702, f"{name} only supports strings, not {type_name(value)}")


def _length(name: str, measure: Callable[[str], int]) -> Function:
    def function(value: Any) -> int:
        _text(name, value)
        return measure(value)

    return function


def _concat(*values: Any) -> Any:
    _text("$concat", *values)
    return "".join(values)


def _case(change: Callable[[str], str]) -> Function:
    return lambda value: "" if nullish(value) else change(convert(value, "string"))


def _substring(value: Any, start: Any, length: Any) -> str:
    text = "" if nullish(value) else convert(value, "string")
    return str(text[int(start) :] if length < 0 else text[int(start) : int(start) + int(length)])


def _index_of(text: Any, wanted: Any, start: Any = 0, end: Any = None) -> Any:
    if nullish(text):
        return None
    _text("$indexOfCP", text, wanted)
    return text.find(wanted, start, end)


def _list(name: str, value: Any, code: int = 17124) -> list[Any]:
    if not isinstance(value, list):
        raise MongoError(code, f"The argument to {name} must be an array, but was of type: {type_name(value)}")
    return value


def _element(array: Any, position: Any) -> Any:
    items = _list("$arrayElemAt", array, 28689)
    return items[int(position)] if -len(items) <= position < len(items) else MISSING


def _slice(array: Any, *limits: Any) -> Any:
    items = _list("$slice", array, 28724)
    if len(limits) == 1:
        count = int(limits[0])
        return items[:count] if count >= 0 else items[count:]
    start = int(limits[0]) if limits[0] >= 0 else max(0, len(items) + int(limits[0]))
    return items[start : start + int(limits[1])]


def _contains(value: Any, array: Any) -> bool:
    wanted = sort_key(value)
    return any(sort_key(item) == wanted for item in _list("$in", array, 40081))


def _range(start: Any, end: Any, step: Any = 1) -> list[int]:
    if step == 0:
        raise MongoError(34449, "$range requires a non-zero step value")
    return list(range(int(start), int(end), int(step)))


def _merge(*documents: Any) -> Any:
    merged: dict[str, Any] = {}
    for document in documents:
        if not nullish(document):
            merged.update(document)
    return merged


def _distinct(items: list[Any]) -> dict[Any, Any]:
    return {sort_key(item): item for item in reversed(items)}


def _union(*arrays: Any) -> Any:
    return list(dict(sorted(_distinct([item for array in arrays for item in array]).items())).values())


def _intersection(*arrays: Any) -> Any:
    kept = _distinct(arrays[0])
    for array in arrays[1:]:
        other = _distinct(array)
        kept = {key: item for key, item in kept.items() if key in other}
    return list(dict(sorted(kept.items())).values())


def _difference(first: Any, second: Any) -> Any:
    other = _distinct(second)
    return [item for item in first if sort_key(item) not in other]


def _from_pairs(array: Any) -> Any:
    return {(p["k"] if isinstance(p, dict) else p[0]): (p["v"] if isinstance(p, dict) else p[1]) for p in array}


def _of_values(function: Callable[[list[Any]], Any]) -> Function:
    return lambda *values: function(values_of(values))


def _type_of(value: Any) -> str:
    return type_name(value)


_HALF_EVEN = rounded(lambda value: value.quantize(Decimal(1), ROUND_HALF_EVEN))

FUNCTIONS: Mapping[str, tuple[Function, int, int]] = {
    "$add": (_null_safe(add), 1, 0),
    "$subtract": (_null_safe(subtract), 2, 2),
    "$multiply": (_null_safe(multiply), 1, 0),
    "$divide": (_null_safe(divide), 2, 2),
    "$mod": (_null_safe(mod), 2, 2),
    "$abs": (_null_safe(absolute), 1, 1),
    "$round": (_null_safe(_HALF_EVEN), 1, 2),
    "$trunc": (_null_safe(rounded(lambda value: Decimal(int(value)))), 1, 2),
    "$floor": (_null_safe(rounded(lambda value: Decimal(math.floor(value)))), 1, 1),
    "$ceil": (_null_safe(rounded(lambda value: Decimal(math.ceil(value)))), 1, 1),
    "$sqrt": (_null_safe(floating(math.sqrt)), 1, 1),
    "$exp": (_null_safe(floating(math.exp)), 1, 1),
    "$ln": (_null_safe(floating(math.log)), 1, 1),
    "$log10": (_null_safe(floating(math.log10)), 1, 1),
    "$log": (_null_safe(floating(math.log)), 2, 2),
    "$pow": (_null_safe(power), 2, 2),
    "$cmp": (_compare(lambda order: order), 2, 2),
    "$eq": (_compare(lambda order: order == 0), 2, 2),
    "$ne": (_compare(lambda order: order != 0), 2, 2),
    "$gt": (_compare(lambda order: order > 0), 2, 2),
    "$gte": (_compare(lambda order: order >= 0), 2, 2),
    "$lt": (_compare(lambda order: order < 0), 2, 2),
    "$lte": (_compare(lambda order: order <= 0), 2, 2),
    "$not": (lambda value: not truthy(value), 1, 1),
    "$concat": (_null_safe(_concat), 0, 0),
    "$toLower": (_case(str.lower), 1, 1),
    "$toUpper": (_case(str.upper), 1, 1),
    "$substr": (_substring, 3, 3),
    "$substrCP": (_substring, 3, 3),
    "$substrBytes": (_substring, 3, 3),
    "$strLenCP": (_length("$strLenCP", len), 1, 1),
    "$strLenBytes": (_length("$strLenBytes", lambda text: len(text.encode())), 1, 1),
    "$split": (_null_safe(lambda text, by: text.split(by)), 2, 2),
    "$indexOfCP": (_index_of, 2, 4),
    "$size": (lambda value: len(_list("$size", value)), 1, 1),
    "$arrayElemAt": (_null_safe(_element), 2, 2),
    "$first": (_null_safe(lambda array: _element(array, 0)), 1, 1),
    "$last": (_null_safe(lambda array: _element(array, -1)), 1, 1),
    "$slice": (_null_safe(_slice), 2, 3),
    "$in": (_contains, 2, 2),
    "$isArray": (lambda value: isinstance(value, list), 1, 1),
    "$isNumber": (lambda value: type_name(value) in NUMERIC_TYPES, 1, 1),
    "$concatArrays": (_null_safe(lambda *arrays: functools.reduce(operator.add, arrays, [])), 0, 0),
    "$reverseArray": (_null_safe(lambda array: array[::-1]), 1, 1),
    "$range": (_range, 2, 3),
    "$mergeObjects": (_merge, 1, 0),
    "$objectToArray": (_null_safe(lambda document: [{"k": k, "v": v} for k, v in document.items()]), 1, 1),
    "$arrayToObject": (_null_safe(_from_pairs), 1, 1),
    "$setUnion": (_null_safe(_union), 1, 0),
    "$setIntersection": (_null_safe(_intersection), 1, 0),
    "$setDifference": (_null_safe(_difference), 2, 2),
    "$setEquals": (lambda first, second: _distinct(first).keys() == _distinct(second).keys(), 2, 2),
    "$setIsSubset": (lambda first, second: _distinct(first).keys() <= _distinct(second).keys(), 2, 2),
    "$sum": (_of_values(total), 1, 0),
    "$avg": (_of_values(mean), 1, 0),
    "$min": (_of_values(extreme(min)), 1, 0),
    "$max": (_of_values(extreme(max)), 1, 0),
    "$type": (_type_of, 1, 1),
    "$bsonSize": (_null_safe(lambda document: len(bson.encode(document))), 1, 1),
    "$toString": (lambda value: convert(value, "string"), 1, 1),
    "$toInt": (lambda value: convert(value, "int"), 1, 1),
    "$toLong": (lambda value: convert(value, "long"), 1, 1),
    "$toDouble": (lambda value: convert(value, "double"), 1, 1),
    "$toDecimal": (lambda value: convert(value, "decimal"), 1, 1),
    "$toBool": (lambda value: None if nullish(value) else truthy(value), 1, 1),
    "$toDate": (lambda value: convert(value, "date"), 1, 1),
    "$toObjectId": (lambda value: convert(value, "objectId"), 1, 1),
}
