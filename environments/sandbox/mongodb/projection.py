"""Projections of ``find`` and of ``$project``: include, exclude, compute, slice, pick elements."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from environments.sandbox.mongodb import paths
from environments.sandbox.mongodb.errors import BAD_VALUE, MongoError
from environments.sandbox.mongodb.expressions import Evaluate, compile_expression, root_scope
from environments.sandbox.mongodb.matching import Predicate, compile_filter
from environments.sandbox.mongodb.ordering import MISSING

Project = Callable[[dict[str, Any]], dict[str, Any]]
_MIXED = 31254


def compile_projection(
    spec: Mapping[str, Any], query: Mapping[str, Any] | None = None, variables: Mapping[str, Any] | None = None
) -> Project:
    """A function that makes the projected document. ``query`` is needed for the positional ``field.$``."""
    flat = _flatten(spec)
    if not flat:
        return lambda document: document
    rest = {name: value for name, value in flat.items() if name != "_id"}
    special = {name: value for name, value in rest.items() if _is_find_operator(value)}
    plain = {name: value for name, value in rest.items() if name not in special}
    flags = {name: bool(value) for name, value in plain.items() if _is_flag(value)}
    computed = {name: value for name, value in plain.items() if name not in flags}
    if flags and len(set(flags.values())) > 1:
        name = next(name for name, value in flags.items() if value != next(iter(flags.values())))
        raise MongoError(_MIXED, f"Cannot do {'inclusion' if flags[name] else 'exclusion'} on field {name} in "
                                 f"{'exclusion' if flags[name] else 'inclusion'} projection")  # fmt: skip
    excluding = bool(flags) and not any(flags.values())
    if not flags and not computed:
        includes_id = _is_flag(flat.get("_id")) and bool(flat["_id"]) and "_id" in flat
        picks = any("$elemMatch" in value for value in special.values())
        excluding = not includes_id and not picks
    if excluding and computed:
        raise MongoError(_MIXED, "Bad projection specification, cannot compute fields in an exclusion projection")
    if excluding:
        dropped = [paths.split(name) for name in flags]
        if "_id" in flat and not flat["_id"]:
            dropped.append(("_id",))
        base = _exclude(dropped)
    else:
        base = _include(flat, flags, computed, query, variables)
    return _with_operators(base, special)


def _is_flag(value: Any) -> bool:
    return isinstance(value, (bool, int, float))


def _is_find_operator(value: Any) -> bool:
    if not isinstance(value, dict) or not value:
        return False
    operand = value.get("$slice")
    simple_slice = isinstance(operand, int) or (
        isinstance(operand, list) and bool(operand) and all(isinstance(item, int) for item in operand)
    )
    return "$elemMatch" in value or simple_slice


def _flatten(spec: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested specifications as dotted names; operator documents stay whole."""
    flat: dict[str, Any] = {}
    for name, value in spec.items():
        if isinstance(value, dict) and value and not next(iter(value)).startswith("$"):
            flat.update(_flatten(value, f"{prefix}{name}."))
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def _exclude(dropped: list[tuple[str, ...]]) -> Project:
    def project(document: dict[str, Any]) -> dict[str, Any]:
        for parts in dropped:
            document = without(document, parts)
        return document

    return project


def without(value: Any, parts: tuple[str, ...]) -> Any:
    """A copy of ``value`` that lacks the path."""
    if isinstance(value, list):
        return [without(item, parts) for item in value]
    if not isinstance(value, dict) or parts[0] not in value:
        return value
    if len(parts) == 1:
        return {name: inner for name, inner in value.items() if name != parts[0]}
    return {name: without(inner, parts[1:]) if name == parts[0] else inner for name, inner in value.items()}


def with_value(target: Any, parts: tuple[str, ...], value: Any) -> Any:
    """A copy of ``target`` that has ``value`` at the path; arrays on the way get it in every element."""
    if not parts:
        return value
    if isinstance(target, list):
        return [with_value(item, parts, value) for item in target]
    base = dict(target) if isinstance(target, dict) else {}
    base[parts[0]] = with_value(base.get(parts[0]), parts[1:], value)
    return base


def _tree(names: list[tuple[str, ...]]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for parts in names:
        node = tree
        for part in parts[:-1]:
            node = node.setdefault(part, {})
        node[parts[-1]] = {}
    return tree


def _pick(value: Any, tree: Mapping[str, Any]) -> Any:
    if not tree:
        return value
    if isinstance(value, list):
        return [picked for item in value if (picked := _pick(item, tree)) is not MISSING]
    if not isinstance(value, dict):
        return MISSING
    kept = {name: _pick(inner, tree[name]) for name, inner in value.items() if name in tree}
    return {name: inner for name, inner in kept.items() if inner is not MISSING}


def _include(
    flat: Mapping[str, Any], flags: Mapping[str, bool], computed: Mapping[str, Any], query: Mapping[str, Any] | None,
    variables: Mapping[str, Any] | None,
) -> Project:  # fmt: skip
    positional = [name[:-2] for name in flags if name.endswith(".$")]
    names = [paths.split(name.removesuffix(".$")) for name in flags]
    identity = flat.get("_id", True)
    if _is_flag(identity):
        names += [("_id",)] if identity else []
    else:
        computed = {"_id": identity, **computed}
    tree = _tree(names)
    evaluations: list[tuple[tuple[str, ...], Evaluate]] = [
        (paths.split(name), compile_expression(value)) for name, value in computed.items()
    ]
    pickers = [(paths.split(name), _position_test(name, query)) for name in positional]

    def project(document: dict[str, Any]) -> dict[str, Any]:
        result: dict[str, Any] = _pick(document, tree) if tree else {}
        for parts, test in pickers:
            array = paths.get(document, parts)
            if isinstance(array, list):
                result = with_value(result, parts, [item for item in array if test(item)][:1])
        if evaluations:
            scope = root_scope(document, variables or {})
            for parts, evaluate in evaluations:
                value = evaluate(scope)
                if value is not MISSING:
                    result = with_value(result, parts, value)
        return result

    return project


def _position_test(name: str, query: Mapping[str, Any] | None) -> Predicate:
    for field, condition in (query or {}).items():
        if field == name:
            if isinstance(condition, dict) and "$elemMatch" in condition:
                return compile_filter(condition["$elemMatch"])
            test = compile_filter({"value": condition})
            return lambda item: test({"value": item})
        if field.startswith(f"{name}."):
            return compile_filter({field[len(name) + 1 :]: condition})
    text = (
        "Executor error during find command :: caused by :: positional operator '.$' couldn't find a matching element"
    )
    raise MongoError(51246, text)


def _with_operators(base: Project, special: Mapping[str, Any]) -> Project:
    if not special:
        return base
    slices = {paths.split(name): value["$slice"] for name, value in special.items() if "$slice" in value}
    elements = {name: _element_test(value["$elemMatch"]) for name, value in special.items() if "$elemMatch" in value}

    def project(document: dict[str, Any]) -> dict[str, Any]:
        result = base(document)
        for parts, operand in slices.items():
            array = paths.get(document, parts)
            if isinstance(array, list):
                result = with_value(result, parts, sliced(array, operand))
        for name, test in elements.items():
            array = document.get(name)
            found = [item for item in array if test(item)][:1] if isinstance(array, list) else []
            result = {**result, name: found} if found else without(result, (name,))
        return result

    return project


def sliced(array: list[Any], operand: Any) -> list[Any]:
    """``$slice`` of a projection: a count (negative from the end) or [skip, count]."""
    if isinstance(operand, list):
        if len(operand) != 2 or operand[1] <= 0:
            raise MongoError(BAD_VALUE, "$slice takes [skip, limit] with a positive limit")
        start = operand[0] if operand[0] >= 0 else max(0, len(array) + operand[0])
        return array[start : start + operand[1]]
    return array[:operand] if operand >= 0 else array[operand:]


def _element_test(operand: Any) -> Predicate:
    test = compile_filter({"value": {"$elemMatch": operand}})
    return lambda item: test({"value": [item]})
