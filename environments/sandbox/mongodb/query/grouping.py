"""``$group`` with ``$sum``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from environments.sandbox.mongodb.query.expressions import Scope, compile_expression, root_scope
from environments.sandbox.mongodb.query.numbers import total
from environments.sandbox.mongodb.storage.ordering import MISSING, Key, sort_key
from environments.sandbox.mongodb.wire.errors import MongoError, refused

Accumulator = Callable[[list[Scope]], Any]


_REFUSED = frozenset({
    "$addToSet", "$avg", "$count", "$first", "$firstN", "$last", "$lastN", "$max", "$mergeObjects", "$min", "$push",
    "$stdDevPop", "$stdDevSamp", "$top", "$topN",
})  # fmt: skip


def _accumulator(spec: Any) -> Accumulator:
    """A function of the scopes of one group; error 15952 for an unknown accumulator."""
    if not isinstance(spec, dict) or len(spec) != 1:
        raise MongoError(40234, "The field must be an accumulator object")
    ((name, operand),) = spec.items()
    if name in _REFUSED:
        raise refused(name)
    if name != "$sum":
        raise MongoError(15952, f"unknown group operator '{name}'")
    evaluate = compile_expression(operand)
    return lambda scopes: total(evaluate(scope) for scope in scopes)


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
            value = identity(scope)
            value = None if value is MISSING else value
            groups.setdefault(sort_key(value), (value, []))[1].append(scope)
        for value, scopes in groups.values():
            yield {"_id": value, **{name: accumulate(scopes) for name, accumulate in fields.items()}}

    return group
