"""Expression operators on text that take named arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from environments.sandbox.mongodb.expressions import Evaluate, Scope, named_arguments, nullish
from environments.sandbox.mongodb.operators import compile_regex

Form = Callable[[Any], Evaluate]


def _regex(name: str, find: Callable[[Any, str], Any]) -> Form:
    def form(operand: Any) -> Evaluate:
        parts = named_arguments(name, operand, {"input", "regex"}, {"options"})

        def evaluate(scope: Scope) -> Any:
            text = parts["input"](scope)
            options = parts["options"](scope) if "options" in parts else None
            return find(compile_regex(parts["regex"](scope), options), "" if nullish(text) else text)

        return evaluate

    return form


def _found(pattern: Any, text: str) -> Any:
    match = pattern.search(text)
    return None if match is None else {"match": match[0], "idx": match.start(), "captures": list(match.groups())}


def _found_all(pattern: Any, text: str) -> Any:
    return [{"match": m[0], "idx": m.start(), "captures": list(m.groups())} for m in pattern.finditer(text)]


def _trim(cut: Callable[[str, str | None], str], name: str) -> Form:
    def form(operand: Any) -> Evaluate:
        parts = named_arguments(name, operand, {"input"}, {"chars"})

        def evaluate(scope: Scope) -> Any:
            text = parts["input"](scope)
            return None if nullish(text) else cut(text, parts["chars"](scope) if "chars" in parts else None)

        return evaluate

    return form


def _replace(name: str, count: int) -> Form:
    def form(operand: Any) -> Evaluate:
        parts = named_arguments(name, operand, {"input", "find", "replacement"}, set())

        def evaluate(scope: Scope) -> Any:
            text, old, new = (parts[key](scope) for key in ("input", "find", "replacement"))
            return None if nullish(text) or nullish(old) or nullish(new) else text.replace(old, new, count)

        return evaluate

    return form


STRING_FORMS: Mapping[str, Form] = {
    "$regexMatch": _regex("$regexMatch", lambda pattern, text: pattern.search(text) is not None),
    "$regexFind": _regex("$regexFind", _found),
    "$regexFindAll": _regex("$regexFindAll", _found_all),
    "$trim": _trim(str.strip, "$trim"),
    "$ltrim": _trim(str.lstrip, "$ltrim"),
    "$rtrim": _trim(str.rstrip, "$rtrim"),
    "$replaceOne": _replace("$replaceOne", 1),
    "$replaceAll": _replace("$replaceAll", -1),
}
