"""Aggregation expressions: compiled once into a function of a scope (the document and the variables)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from environments.sandbox.mongodb.query.functions import FUNCTIONS, nullish
from environments.sandbox.mongodb.storage import paths
from environments.sandbox.mongodb.storage.ordering import MISSING, sort_key
from environments.sandbox.mongodb.wire.errors import Code, MongoError

Scope = Mapping[str, Any]
"""Variables by name: ROOT, CURRENT and NOW."""
Evaluate = Callable[[Scope], Any]

WRONG_ARGUMENTS = 16020


def now_milliseconds() -> datetime:
    """Now, with the millisecond resolution of BSON."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def root_scope(document: Any, now: datetime | None = None) -> Scope:
    """``now`` is the moment of the command; a filter needs none."""
    return {"ROOT": document, "CURRENT": document, "NOW": now or now_milliseconds()}


def truthy(value: Any) -> bool:
    """Everything but false, null, missing and zero; an empty string and an empty array are true."""
    if value is None or value is MISSING:
        return False
    if isinstance(value, (bool, int, float)):
        return bool(value)
    return sort_key(value) != sort_key(0)


def compile_expression(expression: Any) -> Evaluate:
    """A function of a scope; error 168 for an operator this server does not have."""
    if isinstance(expression, str) and expression.startswith("$"):
        return _reference(expression)
    if isinstance(expression, dict):
        if len(expression) == 1 and next(iter(expression)).startswith("$"):
            ((name, operand),) = expression.items()
            return _operator(name, operand)
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
        if name == "REMOVE":
            return lambda _: MISSING
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


def _operator(name: str, operand: Any) -> Evaluate:
    if name == "$literal":
        return lambda _: operand
    arguments = [compile_expression(item) for item in (operand if isinstance(operand, list) else [operand])]
    if name == "$and":
        return lambda scope: all(truthy(argument(scope)) for argument in arguments)
    if name == "$or":
        return lambda scope: any(truthy(argument(scope)) for argument in arguments)
    if name == "$not":
        return lambda scope: not truthy(_only(name, arguments)(scope))
    if name == "$ifNull":
        return _if_null(arguments)
    if name == "$cond":
        return _cond(operand)
    if name not in FUNCTIONS:
        raise MongoError(Code.InvalidPipelineOperator, f"Unrecognized expression '{name}'")
    function, wanted = FUNCTIONS[name]
    if wanted is not None and len(arguments) != wanted:
        text = f"Expression {name} takes exactly {wanted} arguments. {len(arguments)} were passed in."
        raise MongoError(WRONG_ARGUMENTS, text)
    return lambda scope: function(*[argument(scope) for argument in arguments])


def _only(name: str, arguments: list[Evaluate]) -> Evaluate:
    if len(arguments) != 1:
        text = f"Expression {name} takes exactly 1 arguments. {len(arguments)} were passed in."
        raise MongoError(WRONG_ARGUMENTS, text)
    return arguments[0]


def _if_null(arguments: list[Evaluate]) -> Evaluate:
    if len(arguments) < 2:
        raise MongoError(1257300, "$ifNull needs at least two arguments")

    def evaluate(scope: Scope) -> Any:
        values = (argument(scope) for argument in arguments[:-1])
        found = next((value for value in values if not nullish(value)), MISSING)
        return arguments[-1](scope) if found is MISSING else found

    return evaluate


def _cond(operand: Any) -> Evaluate:
    names = ("if", "then", "else")
    if isinstance(operand, list) and len(operand) == len(names):
        operand = dict(zip(names, operand, strict=True))
    if not isinstance(operand, dict) or set(operand) != set(names):
        raise MongoError(WRONG_ARGUMENTS, "Expression $cond takes exactly 3 arguments: if, then and else")
    test, then, otherwise = (compile_expression(operand[name]) for name in names)
    return lambda scope: then(scope) if truthy(test(scope)) else otherwise(scope)
