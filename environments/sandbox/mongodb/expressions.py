"""Aggregation expressions: compiled once into a function of a scope (the document and the variables)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from environments.sandbox.mongodb import paths
from environments.sandbox.mongodb.errors import FAILED_TO_PARSE, MongoError
from environments.sandbox.mongodb.ordering import MISSING, sort_key

Scope = dict[str, Any]
"""Variables by name: ROOT, CURRENT, NOW and those of $let, $map, $filter, $reduce, and of the command."""
Evaluate = Callable[[Scope], Any]

INVALID_OPERATOR = 168
WRONG_ARGUMENTS = 16020


def root_scope(document: Any, variables: Mapping[str, Any]) -> Scope:
    return {"ROOT": document, "CURRENT": document, **variables}


def now_milliseconds() -> datetime:
    """Now, with the millisecond resolution of BSON."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def truthy(value: Any) -> bool:
    """Everything but false, null, missing and zero; an empty string and an empty array are true."""
    if value is None or value is MISSING:
        return False
    if isinstance(value, (bool, int, float)):
        return bool(value)
    return sort_key(value) != sort_key(0)


def nullish(value: Any) -> bool:
    return value is None or value is MISSING


def compile_expression(expression: Any) -> Evaluate:
    """A function of a scope; error 168 for an operator this server does not have."""
    if isinstance(expression, str) and expression.startswith("$"):
        return _reference(expression)
    if isinstance(expression, dict):
        if len(expression) == 1 and next(iter(expression)).startswith("$"):
            ((name, operand),) = expression.items()
            return _operator(name, operand)
        if any(name.startswith("$") for name in expression):
            raise MongoError(15983, "an object representing an expression must have exactly one field: "
                                    f"{expression}")  # fmt: skip
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
        if name == "NOW":
            return lambda scope: scope.get("NOW") or now_milliseconds()
        if name in ("DESCEND", "PRUNE", "KEEP"):
            return lambda _: text
        return lambda scope: paths.get(_variable(scope, name), parts)
    if text == "$":
        raise MongoError(16872, "'$' by itself is not a valid FieldPath")
    parts = text[1:].split(".")
    if "" in parts:
        raise MongoError(15998, f"FieldPath field names may not be empty strings: {text}")
    if len(parts) == 1:
        name = parts[0]

        def simple(scope: Scope) -> Any:
            document = scope["CURRENT"]
            return document.get(name, MISSING) if type(document) is dict else paths.get(document, parts)

        return simple
    return lambda scope: paths.get(scope["CURRENT"], parts)


def _variable(scope: Scope, name: str) -> Any:
    if name not in scope:
        raise MongoError(17276, f"Use of undefined variable: {name}")
    return scope[name]


def _object(expression: Mapping[str, Any]) -> Evaluate:
    fields = [(name, compile_expression(value)) for name, value in expression.items()]
    return lambda scope: {name: value for name, field in fields if (value := field(scope)) is not MISSING}


def _operator(name: str, operand: Any) -> Evaluate:
    from environments.sandbox.mongodb.expression_forms import FORMS
    from environments.sandbox.mongodb.expression_functions import FUNCTIONS

    if name in FORMS:
        return FORMS[name](operand)
    if name not in FUNCTIONS:
        raise MongoError(INVALID_OPERATOR, f"Unrecognized expression '{name}'")
    function, least, most = FUNCTIONS[name]
    operands = operand if isinstance(operand, list) else [operand]
    if not least <= len(operands) <= (most or len(operands)):
        wanted = f"exactly {least}" if least == most else f"at least {least} and at most {most or 'any number of'}"
        raise MongoError(
            WRONG_ARGUMENTS, f"Expression {name} takes {wanted} arguments. {len(operands)} were passed in."
        )
    arguments = [compile_expression(item) for item in operands]
    if len(arguments) == 1:
        only = arguments[0]
        return lambda scope: function(only(scope))
    if len(arguments) == 2:
        first, second = arguments
        return lambda scope: function(first(scope), second(scope))
    return lambda scope: function(*[argument(scope) for argument in arguments])


def named_arguments(name: str, operand: Any, required: set[str], optional: set[str]) -> dict[str, Evaluate]:
    """The compiled arguments of an operator that takes a document; wrong names are error 9."""
    if not isinstance(operand, dict):
        raise MongoError(FAILED_TO_PARSE, f"{name} only supports an object as its argument")
    unknown, missing = set(operand) - required - optional, required - set(operand)
    if unknown or missing:
        what = f"unknown argument {sorted(unknown)}" if unknown else f"missing argument {sorted(missing)}"
        raise MongoError(FAILED_TO_PARSE, f"{name}: {what}")
    return {field: compile_expression(value) for field, value in operand.items()}
