"""The expression operators that do more than call a function: conditions, variables, iteration, named arguments."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

from environments.sandbox.mongodb import dates
from environments.sandbox.mongodb.errors import FAILED_TO_PARSE, MongoError
from environments.sandbox.mongodb.expression_strings import STRING_FORMS
from environments.sandbox.mongodb.expressions import (
    Evaluate,
    Scope,
    compile_expression,
    named_arguments,
    nullish,
    truthy,
)
from environments.sandbox.mongodb.ordering import MISSING, sort_key, type_name
from environments.sandbox.mongodb.sorting import check_sort, sort_documents

Form = Callable[[Any], Evaluate]


def _cond(operand: Any) -> Evaluate:
    if isinstance(operand, list):
        if len(operand) != 3:
            raise MongoError(16020, f"Expression $cond takes exactly 3 arguments. {len(operand)} were passed in.")
        operand = dict(zip(("if", "then", "else"), operand, strict=True))
    parts = named_arguments("$cond", operand, {"if", "then", "else"}, set())
    return lambda scope: parts["then"](scope) if truthy(parts["if"](scope)) else parts["else"](scope)


def _switch(operand: Any) -> Evaluate:
    branches = [named_arguments("$switch", branch, {"case", "then"}, set()) for branch in operand["branches"]]
    default = compile_expression(operand["default"]) if "default" in operand else None

    def evaluate(scope: Scope) -> Any:
        for branch in branches:
            if truthy(branch["case"](scope)):
                return branch["then"](scope)
        if default is None:
            raise MongoError(
                40066, "$switch could not find a matching branch for an input, and no default was specified."
            )
        return default(scope)

    return evaluate


def _if_null(operand: Any) -> Evaluate:
    if not isinstance(operand, list) or len(operand) < 2:
        raise MongoError(1257300, "$ifNull needs at least two arguments")
    parts = [compile_expression(item) for item in operand]

    def evaluate(scope: Scope) -> Any:
        for part in parts[:-1]:
            value = part(scope)
            if not nullish(value):
                return value
        return parts[-1](scope)

    return evaluate


def _and(operand: Any) -> Evaluate:
    parts = [compile_expression(item) for item in (operand if isinstance(operand, list) else [operand])]
    return lambda scope: all(truthy(part(scope)) for part in parts)


def _or(operand: Any) -> Evaluate:
    parts = [compile_expression(item) for item in (operand if isinstance(operand, list) else [operand])]
    return lambda scope: any(truthy(part(scope)) for part in parts)


def _let(operand: Any) -> Evaluate:
    variables = {name: compile_expression(value) for name, value in operand["vars"].items()}
    inside = compile_expression(operand["in"])
    return lambda scope: inside({**scope, **{name: value(scope) for name, value in variables.items()}})


def _array_input(name: str, value: Any) -> list[Any] | None:
    if nullish(value):
        return None
    if not isinstance(value, list):
        raise MongoError(16883, f"input to {name} must be an array not {type_name(value)}")
    return value


def _map(operand: Any) -> Evaluate:
    source, inside, name = (
        compile_expression(operand["input"]),
        compile_expression(operand["in"]),
        operand.get("as", "this"),
    )

    def evaluate(scope: Scope) -> Any:
        array = _array_input("$map", source(scope))
        if array is None:
            return None
        results = (inside({**scope, name: item}) for item in array)
        return [None if value is MISSING else value for value in results]

    return evaluate


def _filter(operand: Any) -> Evaluate:
    source, test, name = (
        compile_expression(operand["input"]),
        compile_expression(operand["cond"]),
        operand.get("as", "this"),
    )
    limit = compile_expression(operand.get("limit"))

    def evaluate(scope: Scope) -> Any:
        array = _array_input("$filter", source(scope))
        return None if array is None else [x for x in array if truthy(test({**scope, name: x}))][: limit(scope)]

    return evaluate


def _reduce(operand: Any) -> Evaluate:
    parts = {name: compile_expression(operand[name]) for name in ("input", "initialValue", "in")}

    def evaluate(scope: Scope) -> Any:
        array = _array_input("$reduce", parts["input"](scope))
        if array is None:
            return None
        value = parts["initialValue"](scope)
        for item in array:
            value = parts["in"]({**scope, "value": value, "this": item})
        return value

    return evaluate


def _sort_array(operand: Any) -> Evaluate:
    parts = named_arguments("$sortArray", {"input": operand["input"]}, {"input"}, set())
    sort = operand["sortBy"]

    def evaluate(scope: Scope) -> Any:
        array = _array_input("$sortArray", parts["input"](scope))
        if array is None:
            return None
        if isinstance(sort, dict):
            return sort_documents(array, check_sort(sort), lambda item: item)
        return sorted(array, key=sort_key, reverse=sort < 0)

    return evaluate


def _get_field(operand: Any) -> Evaluate:
    spec = {"field": operand} if isinstance(operand, str) else operand
    source = compile_expression(spec.get("input", "$$CURRENT"))
    name = compile_expression(spec["field"])

    def evaluate(scope: Scope) -> Any:
        document = source(scope)
        return document.get(name(scope), MISSING) if isinstance(document, dict) else MISSING

    return evaluate


def _set_field(operand: Any) -> Evaluate:
    """Also for names that hold a dot or begin with a dollar, which no path can reach."""
    given = dict(operand) if isinstance(operand, dict) else {}
    if not isinstance(given.get("field"), (str, dict)):
        raise MongoError(4161107, "$setField requires 'field' to be specified as a constant string")
    name = compile_expression(given.pop("field"))({"ROOT": {}, "CURRENT": {}})
    parts = named_arguments("$setField", given, {"input", "value"}, set())

    def evaluate(scope: Scope) -> Any:
        document, value = parts["input"](scope), parts["value"](scope)
        if nullish(document):
            return None
        if not isinstance(document, dict):
            raise MongoError(4161105, f"$setField requires 'input' to evaluate to type Object, not {document!r}")
        if value is MISSING:
            return {field: item for field, item in document.items() if field != name}
        return {**document, name: value}

    return evaluate


def _unset_field(operand: Any) -> Evaluate:
    return _set_field({**operand, "value": "$$REMOVE"} if isinstance(operand, dict) else operand)


def _date_form(name: str) -> Form:
    function, required, optional = dates.FORMS[name]

    def form(operand: Any) -> Evaluate:
        parts = named_arguments(name, operand, required, optional)
        return lambda scope: function(**{_python_name(key): part(scope) for key, part in parts.items()})

    return form


def _python_name(key: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in key)


def _date_part(name: str) -> Form:
    function = dates.PARTS[name]

    def form(operand: Any) -> Evaluate:
        if isinstance(operand, dict) and "date" in operand:
            parts = named_arguments(name, operand, {"date"}, {"timezone"})
            zone = parts.get("timezone", compile_expression(None))
            return lambda scope: dates.part(function, parts["date"](scope), zone(scope))
        value = compile_expression(operand[0] if isinstance(operand, list) and len(operand) == 1 else operand)
        return lambda scope: dates.part(function, value(scope), None)

    return form


def _convert(operand: Any) -> Evaluate:
    from environments.sandbox.mongodb.conversions import convert

    parts = named_arguments("$convert", operand, {"input", "to"}, {"onError", "onNull"})

    def evaluate(scope: Scope) -> Any:
        value = parts["input"](scope)
        if nullish(value):
            return parts["onNull"](scope) if "onNull" in parts else None
        try:
            return convert(value, parts["to"](scope))
        except MongoError as error:
            if "onError" not in parts or error.code == FAILED_TO_PARSE:
                raise
            return parts["onError"](scope)

    return evaluate


FORMS: Mapping[str, Form] = {
    "$literal": lambda operand: lambda _: operand,
    "$expr": compile_expression,
    "$rand": lambda _: lambda scope: random.random(),
    "$cond": _cond,
    "$switch": _switch,
    "$ifNull": _if_null,
    "$and": _and,
    "$or": _or,
    "$let": _let,
    "$map": _map,
    "$filter": _filter,
    "$reduce": _reduce,
    "$sortArray": _sort_array,
    "$getField": _get_field,
    "$setField": _set_field,
    "$unsetField": _unset_field,
    **STRING_FORMS,
    "$convert": _convert,
    **{name: _date_form(name) for name in dates.FORMS},
    **{name: _date_part(name) for name in dates.PARTS},
}
