"""Aggregation expressions, compiled into a function of a document.

Supported are references, ``$$NOW``, ``$literal`` and constants; expressions that compute or compose are refused.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from environments.sandbox.mongodb.storage import paths
from environments.sandbox.mongodb.wire.errors import Code, MongoError, refused

Evaluate = Callable[[Any], Any]


def now_milliseconds() -> datetime:
    """The present time with the millisecond resolution of BSON."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def compile_expression(expression: Any, now: datetime) -> Evaluate:
    """Compile an expression. ``now`` is the time of the command; an unsupported operator is error 168."""
    if isinstance(expression, str) and expression.startswith("$"):
        return _reference(expression, now)
    if isinstance(expression, dict) and list(expression) == ["$literal"]:
        return lambda _: expression["$literal"]
    if isinstance(expression, dict) and next(iter(expression), "").startswith("$"):
        raise MongoError(Code.InvalidPipelineOperator, f"Unrecognized expression '{next(iter(expression))}'")
    if isinstance(expression, dict | list):
        raise refused(f"the expression {expression}")
    return lambda _: expression


def _reference(text: str, now: datetime) -> Evaluate:
    if text == "$$NOW":
        return lambda _: now
    if text.startswith("$$"):
        raise MongoError(17276, f"Use of undefined variable: {text[2:]}")
    parts = text[1:].split(".")
    if "" in parts:
        raise MongoError(15998, f"FieldPath field names may not be empty strings: {text}")
    return lambda document: paths.get(document, parts)
