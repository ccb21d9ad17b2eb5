"""Query filters: compiled once into a function of a document."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bson import Regex

from environments.sandbox.mongodb import paths
from environments.sandbox.mongodb.errors import BAD_VALUE, NOT_SUPPORTED, MongoError
from environments.sandbox.mongodb.operators import OPERATORS, ValueTest, equals
from environments.sandbox.mongodb.ordering import MISSING

Predicate = Callable[[Any], bool]

_REFUSED = {"$where", "$text", "$near", "$nearSphere", "$geoWithin", "$geoIntersects", "$function"}


def compile_filter(query: Mapping[str, Any], variables: Mapping[str, Any] | None = None) -> Predicate:
    """A predicate for ``query``; :class:`MongoError` when the query is not valid or needs what is not there."""
    tests = [_clause(name, operand, variables or {}) for name, operand in query.items()]
    return _all(tests)


def _all(tests: list[Predicate]) -> Predicate:
    if not tests:
        return lambda _: True
    if len(tests) == 1:
        return tests[0]
    if len(tests) == 2:
        first, second = tests
        return lambda document: first(document) and second(document)
    return lambda document: all(test(document) for test in tests)


def _clause(name: str, operand: Any, variables: Mapping[str, Any]) -> Predicate:
    if not name.startswith("$"):
        return _field(name, operand, variables)
    if name in ("$and", "$or", "$nor"):
        return _logical(name, operand, variables)
    if name == "$expr":
        return _expression(operand, variables)
    if name == "$jsonSchema":
        from environments.sandbox.mongodb.validation import schema_test

        return schema_test(operand)
    if name == "$comment":
        return lambda _: True
    if name in ("$alwaysTrue", "$alwaysFalse"):
        return lambda _: name == "$alwaysTrue"
    if name in _REFUSED:
        raise MongoError(NOT_SUPPORTED, f"{name} is not supported by this server")
    raise MongoError(BAD_VALUE, f"unknown top level operator: {name}. If you have a field name that starts with a '$' "
                                "symbol, consider using $getField or $setField.")  # fmt: skip


def _logical(name: str, operand: Any, variables: Mapping[str, Any]) -> Predicate:
    if not isinstance(operand, list):
        raise MongoError(BAD_VALUE, f"{name} must be an array")
    if not operand:
        raise MongoError(BAD_VALUE, "$and/$or/$nor must be a nonempty array")
    if not all(isinstance(part, dict) for part in operand):
        raise MongoError(BAD_VALUE, "$or/$and/$nor entries need to be full objects")
    tests = [compile_filter(part, variables) for part in operand]
    if name == "$and":
        return _all(tests)
    if name == "$or":
        return lambda document: any(test(document) for test in tests)
    return lambda document: not any(test(document) for test in tests)


def _expression(operand: Any, variables: Mapping[str, Any]) -> Predicate:
    from environments.sandbox.mongodb.expressions import compile_expression, root_scope, truthy

    evaluate = compile_expression(operand)
    return lambda document: truthy(evaluate(root_scope(document, variables)))


def is_operator_document(value: Any) -> bool:
    """Whether ``{field: value}`` asks for operators and not for equality with a document."""
    return isinstance(value, dict) and bool(value) and next(iter(value)).startswith("$") and not _is_reference(value)


def _is_reference(value: Mapping[str, Any]) -> bool:
    return next(iter(value)) in ("$ref", "$id", "$db")


def _field(name: str, operand: Any, variables: Mapping[str, Any]) -> Predicate:
    parts = paths.split(name)
    if not is_operator_document(operand):
        if isinstance(operand, Regex):
            return _any_value(parts, OPERATORS["$regex"](operand, {}))
        return _any_value(parts, equals(operand))
    tests = [_operator(parts, op, value, operand, variables) for op, value in operand.items() if op != "$options"]
    if "$options" in operand and "$regex" not in operand:
        raise MongoError(BAD_VALUE, "$options needs a $regex")
    return _all(tests)


def _operator(
    parts: tuple[str, ...], op: str, operand: Any, siblings: Mapping[str, Any], variables: Mapping[str, Any]
) -> Predicate:
    if op in _REFUSED:
        raise MongoError(NOT_SUPPORTED, f"{op} is not supported by this server")
    if op == "$not":
        return _not(parts, operand, variables)
    if op == "$ne":
        return _negated(_any_value(parts, equals(operand)))
    if op == "$nin":
        return _negated(_any_value(parts, OPERATORS["$in"](operand, siblings)))
    if op == "$all":
        return _all_of(parts, operand, variables)
    if op == "$elemMatch":
        return _element(parts, operand, variables)
    if op == "$exists":
        return _exists(parts, bool(operand))
    if op not in OPERATORS:
        raise MongoError(BAD_VALUE, f"unknown operator: {op}")
    test = OPERATORS[op](operand, siblings)
    return _leaf(parts, test) if op == "$size" else _any_value(parts, test)


def _not(parts: tuple[str, ...], operand: Any, variables: Mapping[str, Any]) -> Predicate:
    if isinstance(operand, Regex):
        return _negated(_any_value(parts, OPERATORS["$regex"](operand, {})))
    if not is_operator_document(operand):
        raise MongoError(BAD_VALUE, "$not needs a regex or a document")
    inner = [(op, value) for op, value in operand.items() if op != "$options"]
    return _negated(_all([_operator(parts, op, value, operand, variables) for op, value in inner]))


def _exists(parts: tuple[str, ...], wanted: bool) -> Predicate:
    return lambda document: any(leaf is not MISSING for leaf in paths.leaves(document, parts)) == wanted


def _negated(test: Predicate) -> Predicate:
    return lambda document: not test(document)


def _leaf(parts: tuple[str, ...], test: ValueTest) -> Predicate:
    return lambda document: any(test(leaf) for leaf in paths.leaves(document, parts))


def _any_value(parts: tuple[str, ...], test: ValueTest) -> Predicate:
    """The value itself or, when it is an array, one of its elements."""
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


def _element(parts: tuple[str, ...], operand: Any, variables: Mapping[str, Any]) -> Predicate:
    if not isinstance(operand, dict):
        raise MongoError(BAD_VALUE, "$elemMatch needs an Object")
    if is_operator_document(operand) and next(iter(operand)) not in ("$and", "$or", "$nor", "$expr"):
        value_test = _field("value", operand, variables)
        return _leaf(parts, lambda leaf: type(leaf) is list and any(value_test({"value": item}) for item in leaf))
    document_test = compile_filter(operand, variables)
    return _leaf(
        parts,
        lambda leaf: type(leaf) is list and any(isinstance(item, dict) and document_test(item) for item in leaf),
    )


def _all_of(parts: tuple[str, ...], operand: Any, variables: Mapping[str, Any]) -> Predicate:
    if not isinstance(operand, list):
        raise MongoError(BAD_VALUE, "$all needs an array")
    if not operand:
        return lambda _: False
    tests: list[Predicate] = []
    for item in operand:
        if isinstance(item, dict) and "$elemMatch" in item:
            tests.append(_element(parts, item["$elemMatch"], variables))
        elif isinstance(item, Regex):
            tests.append(_any_value(parts, OPERATORS["$regex"](item, {})))
        else:
            tests.append(_any_value(parts, equals(item)))
    return _all(tests)
