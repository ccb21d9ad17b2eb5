"""Aggregation expressions: compiled once into a function of a scope (the document and the variables).

References, objects, arrays and ``$literal``; every operator that computes is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from environments.sandbox.mongodb.storage import paths
from environments.sandbox.mongodb.storage.ordering import MISSING
from environments.sandbox.mongodb.wire.errors import Code, MongoError

Scope = Mapping[str, Any]
"""Variables by name: ROOT, CURRENT and NOW."""
Evaluate = Callable[[Scope], Any]


def now_milliseconds() -> datetime:
    """Now, with the millisecond resolution of BSON."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def root_scope(document: Any, now: datetime | None = None) -> Scope:
    """``now`` is the moment of the command; a filter needs none."""
    return {"ROOT": document, "CURRENT": document, "NOW": now or now_milliseconds()}


def compile_expression(expression: Any) -> Evaluate:
    """A function of a scope; error 168 for an operator this server does not have."""
    if isinstance(expression, str) and expression.startswith("$"):
        return _reference(expression)
    if isinstance(expression, dict):
        if len(expression) == 1 and next(iter(expression)).startswith("$"):
            ((name, operand),) = expression.items()
            if name != "$literal":
                raise MongoError(Code.InvalidPipelineOperator, f"Unrecognized expression '{name}'")
            return lambda _: operand
        if any(name.startswith("$") for name in expression):
            text = f"an object representing an expression must have exactly one field: {expression}"
            raise MongoError(15983, text)
        return _object(expression)
    if isinstance(expression, list):
        items = [compile_expression(item) for item in expression]
        return lambda scope: [None if (value := item(scope)) is MISSING else value for item in items]
    return lambda _: expression


def _reference(text: str) -> Evaluate:
    if text.startswith("$$"):
        name, *parts = text[2:].split(".")
        if name not in ("ROOT", "CURRENT", "NOW"):
            raise MongoError(17276, f"Use of undefined variable: {name}")
        return lambda scope: paths.get(scope[name], parts)
    if text == "$":
        raise MongoError(16872, "'$' by itself is not a valid FieldPath")
    parts = text[1:].split(".")
    if "" in parts:
        raise MongoError(15998, f"FieldPath field names may not be empty strings: {text}")
    return lambda scope: paths.get(scope["CURRENT"], parts)


def _object(expression: Mapping[str, Any]) -> Evaluate:
    fields = [(name, compile_expression(value)) for name, value in expression.items()]
    return lambda scope: {name: value for name, field in fields if (value := field(scope)) is not MISSING}
