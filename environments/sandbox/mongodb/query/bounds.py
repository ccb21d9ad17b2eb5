"""The conditions of a filter on single fields, as points and ranges of index keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bson import Regex

from environments.sandbox.mongodb.query.matching import is_operator_document
from environments.sandbox.mongodb.storage.ordering import NULL_KEY, Key, bracket, sort_key

_LOWEST: Key = (0.0,)
_HIGHEST: Key = (998.0,)


@dataclass(frozen=True)
class Bounds:
    """Either ``points`` (sorted, distinct) or the range from ``low`` to ``high``."""

    points: tuple[Key, ...] | None = None
    low: Key = _LOWEST
    low_included: bool = True
    high: Key = _HIGHEST
    high_included: bool = True

    @property
    def may_be_null(self) -> bool:
        """Whether a document without the field could satisfy the bounds."""
        return NULL_KEY in self.points if self.points is not None else self.low <= NULL_KEY <= self.high


@dataclass
class Constraints:
    """The bounds per field that the whole filter requires; ``complete`` if the filter has no other condition."""

    fields: dict[str, Bounds]
    complete: bool


def analyse(query: Mapping[str, Any]) -> Constraints:
    """The constraints that an index can use; all other conditions are left to the filter."""
    result = Constraints({}, True)
    _collect(query, result)
    return result


def _collect(query: Mapping[str, Any], result: Constraints) -> None:
    for name, operand in query.items():
        if name == "$and":
            for part in operand:
                _collect(part, result)
        elif name.startswith("$"):
            result.complete = result.complete and name == "$comment"
        elif not is_operator_document(operand):
            _add(name, "$eq", operand, result)
        else:
            for op, value in operand.items():
                _add(name, op, value, result)


def _add(name: str, op: str, operand: Any, result: Constraints) -> None:
    found = _bounds(op, operand)
    if found is None:
        result.complete = False
    elif name not in result.fields:
        result.fields[name] = found
    else:
        merged = _intersect(result.fields[name], found)
        if merged is None:
            result.complete = False
        else:
            result.fields[name] = merged


def _bounds(op: str, operand: Any) -> Bounds | None:
    if isinstance(operand, Regex):
        return None
    if op == "$eq":
        return None if isinstance(operand, list) else Bounds((sort_key(operand),))
    if op == "$in":
        if any(isinstance(item, (Regex, list)) for item in operand):
            return None
        return Bounds(tuple(sorted({sort_key(item) for item in operand})))
    key = sort_key(operand) if op in ("$gt", "$gte", "$lt", "$lte") else NULL_KEY
    if key == NULL_KEY or isinstance(operand, (list, dict)) or key[0] in (1.0, 127.0) or operand != operand:
        return None
    below, above = bracket(key)
    if round(key[0]) == 10:
        below = (9.65,)  # NaN sorts below all numbers and does not match
    if op in ("$gt", "$gte"):
        return Bounds(low=key, low_included=op == "$gte", high=above, high_included=False)
    return Bounds(low=below, low_included=False, high=key, high_included=op == "$lte")


def _intersect(first: Bounds, second: Bounds) -> Bounds | None:
    if first.points is not None or second.points is not None:
        return None
    low, low_included = max((first.low, first.low_included), (second.low, second.low_included), key=_lower_limit)
    high, high_included = min((first.high, first.high_included), (second.high, second.high_included), key=_upper_limit)
    return Bounds(None, low, low_included, high, high_included)


def _lower_limit(limit: tuple[Key, bool]) -> tuple[Key, int]:
    return limit[0], int(not limit[1])


def _upper_limit(limit: tuple[Key, bool]) -> tuple[Key, int]:
    return limit[0], int(limit[1])
