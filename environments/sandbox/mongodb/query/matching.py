"""Query filters, compiled into a function of a document."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bson import Regex

from environments.sandbox.mongodb.query.operators import OPERATORS, ValueTest, equals
from environments.sandbox.mongodb.storage import paths
from environments.sandbox.mongodb.storage.ordering import MISSING
from environments.sandbox.mongodb.wire.errors import Code, MongoError

Predicate = Callable[[Any], bool]


def compile_filter(query: Mapping[str, Any]) -> Predicate:
    """A predicate for ``query``; raises :class:`MongoError` if the query is invalid or not supported."""
    return _all([_clause(name, operand) for name, operand in query.items()])


def _all(tests: list[Predicate]) -> Predicate:
    if not tests:
        return lambda _: True
    if len(tests) == 1:
        return tests[0]
    if len(tests) == 2:
        first, second = tests
        return lambda document: first(document) and second(document)
    return lambda document: all(test(document) for test in tests)


def _clause(name: str, operand: Any) -> Predicate:
    if not name.startswith("$"):
        return _field(name, operand)
    if name in ("$and", "$or"):
        return _logical(name, operand)
    if name == "$comment":
        return lambda _: True
    text = "If you have a field name that starts with a '$' symbol, consider using $getField or $setField."
    raise MongoError(Code.BadValue, f"unknown top level operator: {name}. {text}")


def _logical(name: str, operand: Any) -> Predicate:
    if not isinstance(operand, list):
        raise MongoError(Code.BadValue, f"{name} must be an array")
    if not operand:
        raise MongoError(Code.BadValue, "$and/$or/$nor must be a nonempty array")
    if not all(isinstance(part, dict) for part in operand):
        raise MongoError(Code.BadValue, "$or/$and/$nor entries need to be full objects")
    tests = [compile_filter(part) for part in operand]
    if name == "$and":
        return _all(tests)
    return lambda document: any(test(document) for test in tests)


def is_operator_document(value: Any) -> bool:
    """Whether ``{field: value}`` applies operators instead of comparing with a document."""
    if not isinstance(value, dict) or not value:
        return False
    first = next(iter(value))
    return first.startswith("$") and first not in ("$ref", "$id", "$db")


def _field(name: str, operand: Any) -> Predicate:
    parts = paths.split(name)
    if not is_operator_document(operand):
        if isinstance(operand, Regex):
            return _any_value(parts, OPERATORS["$regex"](operand))
        return _any_value(parts, equals(operand))
    return _all([_operator(parts, op, value) for op, value in operand.items()])


def _operator(parts: tuple[str, ...], op: str, operand: Any) -> Predicate:
    if op == "$ne":
        return _negated(_any_value(parts, equals(operand)))
    if op == "$nin":
        return _negated(_any_value(parts, OPERATORS["$in"](operand)))
    if op == "$exists":
        wanted = bool(operand)
        return lambda document: any(leaf is not MISSING for leaf in paths.leaves(document, parts)) == wanted
    if op not in OPERATORS:
        raise MongoError(Code.BadValue, f"unknown operator: {op}")
    return _any_value(parts, OPERATORS[op](operand))


def _negated(test: Predicate) -> Predicate:
    return lambda document: not test(document)


def _any_value(parts: tuple[str, ...], test: ValueTest) -> Predicate:
    """Test the value itself or, if it is an array, each of its elements."""
    if len(parts) == 1:
        name = parts[0]

        def simple(document: Any) -> bool:
            value = document.get(name, MISSING) if type(document) is dict else MISSING
            return test(value) or (type(value) is list and any(map(test, value)))

        return simple

    def nested(document: Any) -> bool:
        return any(
            test(leaf) or (type(leaf) is list and any(map(test, leaf))) for leaf in paths.leaves(document, parts)
        )

    return nested
