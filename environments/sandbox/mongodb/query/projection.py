"""Projections of ``find`` and of ``$project``: include, exclude, compute."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from environments.sandbox.mongodb.query.expressions import compile_expression, now_milliseconds
from environments.sandbox.mongodb.storage import paths
from environments.sandbox.mongodb.storage.ordering import MISSING
from environments.sandbox.mongodb.wire.errors import MongoError, refused

Project = Callable[[dict[str, Any]], dict[str, Any]]
_MIXED = 31254


def compile_projection(spec: Mapping[str, Any], now: datetime | None = None) -> Project:
    """A function that returns the projected document; ``now`` is the time of the command."""
    if not spec:
        return lambda document: document
    positional = next((name for name in spec if name == "$" or name.endswith(".$")), None)
    if positional is not None:
        raise refused(f"the positional projection {positional}")
    flags = {name: bool(value) for name, value in spec.items() if isinstance(value, (bool, int, float))}
    computed = {name: value for name, value in spec.items() if name not in flags}
    rest = {flag for name, flag in flags.items() if name != "_id"}
    if len(rest) > 1 or (computed and rest == {False}):
        raise MongoError(_MIXED, "Cannot do exclusion in an inclusion projection, nor the other way round")
    if rest == {False} or (not rest and not computed and not flags["_id"]):
        dropped = [paths.split(name) for name, wanted in flags.items() if not wanted]
        return lambda document: _without_all(document, dropped)
    return _including({"_id": True, **flags} if "_id" not in computed else flags, computed, now)


def _without_all(document: dict[str, Any], dropped: list[tuple[str, ...]]) -> dict[str, Any]:
    for parts in dropped:
        document = without(document, parts)
    return document


def without(value: Any, parts: tuple[str, ...]) -> Any:
    """A copy of ``value`` without the path."""
    if isinstance(value, list):
        return [without(item, parts) for item in value]
    if not isinstance(value, dict) or parts[0] not in value:
        return value
    if len(parts) == 1:
        return {name: inner for name, inner in value.items() if name != parts[0]}
    return {name: without(inner, parts[1:]) if name == parts[0] else inner for name, inner in value.items()}


def with_value(target: Any, parts: tuple[str, ...], value: Any) -> Any:
    """A copy of ``target`` with ``value`` at the path; arrays on the path get it in each element."""
    if not parts:
        return value
    if isinstance(target, list):
        return [with_value(item, parts, value) for item in target]
    base = dict(target) if isinstance(target, dict) else {}
    base[parts[0]] = with_value(base.get(parts[0]), parts[1:], value)
    return base


def _including(flags: Mapping[str, bool], computed: Mapping[str, Any], now: datetime | None) -> Project:
    tree: dict[str, Any] = {}
    for name in (name for name, wanted in flags.items() if wanted):
        node = tree
        for part in paths.split(name):
            node = node.setdefault(part, {})
    moment = now or now_milliseconds()
    evaluations = [(paths.split(name), compile_expression(value, moment)) for name, value in computed.items()]

    def project(document: dict[str, Any]) -> dict[str, Any]:
        result: dict[str, Any] = _pick(document, tree) if tree else {}
        for parts, evaluate in evaluations:
            value = evaluate(document)
            if value is not MISSING:
                result = with_value(result, parts, value)
        return result

    return project


def _pick(value: Any, tree: Mapping[str, Any]) -> Any:
    if not tree:
        return value
    if isinstance(value, list):
        return [picked for item in value if (picked := _pick(item, tree)) is not MISSING]
    if not isinstance(value, dict):
        return MISSING
    kept = {name: _pick(inner, tree[name]) for name, inner in value.items() if name in tree}
    return {name: inner for name, inner in kept.items() if inner is not MISSING}
