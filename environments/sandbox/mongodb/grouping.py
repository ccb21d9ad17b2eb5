"""``$group`` and its accumulators."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from environments.sandbox.mongodb.arithmetic import extreme, mean, total
from environments.sandbox.mongodb.errors import MongoError
from environments.sandbox.mongodb.expressions import Evaluate, Scope, compile_expression, root_scope
from environments.sandbox.mongodb.ordering import MISSING, NUMERIC_TYPES, Key, sort_key, type_name
from environments.sandbox.mongodb.sorting import check_sort, sort_documents

Accumulator = Callable[[list[Scope]], Any]


def _present(value: Any) -> Any:
    return None if value is MISSING else value


def _deviation(function: Callable[..., float], least: int) -> Callable[[list[Any]], Any]:
    def evaluate(values: list[Any]) -> Any:
        numbers = [float(value) for value in values if type_name(value) in NUMERIC_TYPES - {"decimal"}]
        return function(numbers) if len(numbers) >= least else None

    return evaluate


def _unique(values: list[Any]) -> list[Any]:
    return list({sort_key(value): value for value in values if value is not MISSING}.values())


def _merged(values: list[Any]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for value in values:
        if isinstance(value, dict):
            merged.update(value)
    return merged


OF_VALUES: Mapping[str, Callable[[list[Any]], Any]] = {
    "$sum": total,
    "$avg": mean,
    "$min": extreme(min),
    "$max": extreme(max),
    "$first": lambda values: _present(values[0]) if values else None,
    "$last": lambda values: _present(values[-1]) if values else None,
    "$push": lambda values: [value for value in values if value is not MISSING],
    "$addToSet": _unique,
    "$mergeObjects": _merged,
    "$stdDevPop": _deviation(statistics.pstdev, 1),
    "$stdDevSamp": _deviation(statistics.stdev, 2),
}


def compile_accumulator(spec: Any) -> Accumulator:
    """A function of the scopes of one group; error 15952 for an unknown accumulator."""
    if not isinstance(spec, dict) or len(spec) != 1:
        raise MongoError(40234, "The field must be an accumulator object")
    ((name, operand),) = spec.items()
    if name == "$count":
        return len
    if name in ("$top", "$bottom", "$topN", "$bottomN", "$firstN", "$lastN"):
        return _ranked(name, operand)
    if name not in OF_VALUES:
        raise MongoError(15952, f"unknown group operator '{name}'")
    function, evaluate = OF_VALUES[name], compile_expression(operand)
    return lambda scopes: function([evaluate(scope) for scope in scopes])


def _ranked(name: str, operand: Mapping[str, Any]) -> Accumulator:
    source = compile_expression(operand["output"] if "sortBy" in operand else operand["input"])
    sort = check_sort(operand.get("sortBy", {}))
    count = compile_expression(operand.get("n", 1))

    def accumulate(scopes: list[Scope]) -> Any:
        ordered = sort_documents(scopes, sort, lambda scope: scope["ROOT"])
        values = [_present(source(scope)) for scope in ordered]
        if not name.endswith("N"):
            return values[0 if name == "$top" else -1] if values else None
        number = int(count(scopes[0])) if scopes else 0
        return values[:number] if name in ("$topN", "$firstN") else values[-number:]

    return accumulate


def compile_group(operand: Any, variables: Mapping[str, Any]) -> Callable[[Iterable[Any]], Iterable[Any]]:
    """The ``$group`` stage; groups come in the order in which their first documents came."""
    if not isinstance(operand, dict) or "_id" not in operand:
        raise MongoError(15955, "a group specification must include an _id")
    identity: Evaluate = compile_expression(operand["_id"])
    fields = {name: compile_accumulator(spec) for name, spec in operand.items() if name != "_id"}

    def group(documents: Iterable[Any]) -> Iterable[Any]:
        groups: dict[Key, tuple[Any, list[Scope]]] = {}
        for document in documents:
            scope = root_scope(document, variables)
            value = _present(identity(scope))
            groups.setdefault(sort_key(value), (value, []))[1].append(scope)
        for value, scopes in groups.values():
            yield {"_id": value, **{name: accumulate(scopes) for name, accumulate in fields.items()}}

    return group
