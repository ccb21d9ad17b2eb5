"""The conditions of a filter on single fields, as ranges of index keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bson import Regex

from environments.sandbox.mongodb.query.matching import is_operator_document
from environments.sandbox.mongodb.storage.indexes import TOP
from environments.sandbox.mongodb.storage.ordering import NULL_KEY, Key, bracket, sort_key

Range = tuple[tuple[Any, ...], tuple[Any, ...]]
"""The entries of an index from one search key to before another. ``((key,),)`` is before all entries that begin with
the key, ``((key, TOP),)`` after them."""


@dataclass
class Constraints:
    """The ranges per field that the whole filter requires, sorted and apart from each other. ``complete`` if the filter
    has no other condition."""

    fields: dict[str, list[Range]]
    complete: bool


def analyse(query: Mapping[str, Any]) -> Constraints:
    """The constraints that an index can use; all other conditions are left to the filter."""
    result = Constraints({}, True)
    _collect(query, result)
    return result


def may_be_null(ranges: list[Range]) -> bool:
    """Whether a document without the field could be in the ranges."""
    return any(low <= ((NULL_KEY,),) < high for low, high in ranges)


def _collect(query: Mapping[str, Any], result: Constraints) -> None:
    for name, operand in query.items():
        if name == "$and":
            for part in operand:
                _collect(part, result)
        elif name.startswith("$"):
            result.complete = result.complete and name == "$comment"
        else:
            conditions = operand if is_operator_document(operand) else {"$eq": operand}
            for op, value in conditions.items():
                _add(name, _ranges(op, value), result)


def _add(name: str, found: list[Range] | None, result: Constraints) -> None:
    known = result.fields.get(name)
    if found is None or (known is not None and (len(known) != 1 or len(found) != 1)):
        result.complete = False
    elif known is None:
        result.fields[name] = found
    else:
        (low, high), (other_low, other_high) = known[0], found[0]
        result.fields[name] = [(max(low, other_low), min(high, other_high))]


def _at(key: Key) -> Range:
    return ((key,),), ((key, TOP),)


def _ranges(op: str, operand: Any) -> list[Range] | None:
    """The ranges of a condition; None if no index can tell what meets it."""
    if isinstance(operand, Regex):
        return None
    if op == "$eq":
        return None if isinstance(operand, list) else [_at(sort_key(operand))]
    if op == "$in":
        if any(isinstance(item, Regex | list) for item in operand):
            return None
        return [_at(key) for key in sorted({sort_key(item) for item in operand})]
    key = sort_key(operand) if op in ("$gt", "$gte", "$lt", "$lte") else NULL_KEY
    if key == NULL_KEY or isinstance(operand, (list, dict)) or key[0] in (1.0, 127.0) or operand != operand:
        return None
    below, above = bracket(key)
    if round(key[0]) == 10:
        below = (9.65,)  # NaN sorts below all numbers and does not match
    before, after = _at(key)
    if op in ("$gt", "$gte"):
        return [(before if op == "$gte" else after, ((above,),))]
    return [(((below, TOP),), after if op == "$lte" else before)]
