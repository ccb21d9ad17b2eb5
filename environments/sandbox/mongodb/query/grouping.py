"""``$group`` with ``$sum``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from environments.sandbox.mongodb.query.expressions import compile_expression
from environments.sandbox.mongodb.query.numbers import total
from environments.sandbox.mongodb.storage.ordering import MISSING, Key, sort_key
from environments.sandbox.mongodb.wire.errors import MongoError

Accumulator = Callable[[list[Any]], Any]


def _accumulator(spec: Any, now: datetime) -> Accumulator:
    """Compile an accumulator into a function of the documents of one group; an unknown accumulator is error 15952."""
    if not isinstance(spec, dict) or len(spec) != 1:
        raise MongoError(40234, "The field must be an accumulator object")
    ((name, operand),) = spec.items()
    if name != "$sum":
        raise MongoError(15952, f"unknown group operator '{name}'")
    evaluate = compile_expression(operand, now)
    return lambda documents: total(map(evaluate, documents))


def compile_group(operand: Any, now: datetime) -> Callable[[Iterable[Any]], Iterable[Any]]:
    """Compile a ``$group`` stage; groups are in the order of their first documents."""
    if not isinstance(operand, dict) or "_id" not in operand:
        raise MongoError(15955, "a group specification must include an _id")
    identity = compile_expression(operand["_id"], now)
    fields = {name: _accumulator(spec, now) for name, spec in operand.items() if name != "_id"}

    def group(documents: Iterable[Any]) -> Iterable[Any]:
        groups: dict[Key, tuple[Any, list[Any]]] = {}
        for document in documents:
            value = identity(document)
            value = None if value is MISSING else value
            groups.setdefault(sort_key(value), (value, []))[1].append(document)
        for value, members in groups.values():
            yield {"_id": value, **{name: accumulate(members) for name, accumulate in fields.items()}}

    return group
