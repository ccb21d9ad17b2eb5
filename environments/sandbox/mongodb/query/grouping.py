"""``$group`` and its accumulators."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from environments.sandbox.mongodb.query.expressions import Scope, compile_expression, root_scope
from environments.sandbox.mongodb.query.functions import mean, nullish, total
from environments.sandbox.mongodb.storage.ordering import MISSING, Key, sort_key
from environments.sandbox.mongodb.wire.errors import MongoError

Accumulator = Callable[[list[Scope]], Any]


def _present(value: Any) -> Any:
    return None if value is MISSING else value


def _extreme(choose: Callable[..., Any]) -> Callable[[list[Any]], Any]:
    """The least or the greatest in BSON order; null when there is none."""
    return lambda values: choose((value for value in values if not nullish(value)), key=sort_key, default=None)


_ACCUMULATORS: Mapping[str, Callable[[list[Any]], Any]] = {
    "$sum": total,
    "$avg": mean,
    "$min": _extreme(min),
    "$max": _extreme(max),
    "$first": lambda values: _present(values[0]),
    "$last": lambda values: _present(values[-1]),
    "$push": lambda values: [value for value in values if value is not MISSING],
    "$addToSet": lambda values: list({sort_key(value): value for value in values if value is not MISSING}.values()),
}


def _accumulator(spec: Any) -> Accumulator:
    """A function of the scopes of one group; error 15952 for an unknown accumulator."""
    if not isinstance(spec, dict) or len(spec) != 1:
        raise MongoError(40234, "The field must be an accumulator object")
    ((name, operand),) = spec.items()
    if name == "$count":
        return len
    if name not in _ACCUMULATORS:
        raise MongoError(15952, f"unknown group operator '{name}'")
    function, evaluate = _ACCUMULATORS[name], compile_expression(operand)
    return lambda scopes: function([evaluate(scope) for scope in scopes])


def compile_group(operand: Any, now: datetime) -> Callable[[Iterable[Any]], Iterable[Any]]:
    """The ``$group`` stage; groups come in the order in which their first documents came."""
    if not isinstance(operand, dict) or "_id" not in operand:
        raise MongoError(15955, "a group specification must include an _id")
    identity = compile_expression(operand["_id"])
    fields = {name: _accumulator(spec) for name, spec in operand.items() if name != "_id"}

    def group(documents: Iterable[Any]) -> Iterable[Any]:
        groups: dict[Key, tuple[Any, list[Scope]]] = {}
        for document in documents:
            scope = root_scope(document, now)
            value = _present(identity(scope))
            groups.setdefault(sort_key(value), (value, []))[1].append(scope)
        for value, scopes in groups.values():
            yield {"_id": value, **{name: accumulate(scopes) for name, accumulate in fields.items()}}

    return group
