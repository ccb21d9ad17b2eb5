"""``FOCUS__SECTION__KEY=value``: overrides any key of an environment for one run, without changing its file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from support.config.documents import Origin, misread
from support.config.errors import KeyPath, Problem, suggestion
from support.config.schema import SchemaNode
from support.config.secrets import SettingsLayer

PREFIX = "FOCUS__"
PROTECTED = frozenset({("identity", "name"), ("identity", "kind")})
"""Keys that decide which rules apply: a variable must not turn production into something that may be loaded."""


TEXTS = ("text", "path", "secret")
"""Shapes of values that are taken literally."""


@dataclass(frozen=True)
class Override:
    """One variable: the key it sets, the value, and the layer that names its source."""

    path: KeyPath
    value: Any
    layer: SettingsLayer


def read_overrides(variables: Mapping[str, str], root: SchemaNode) -> tuple[list[Override], list[Problem]]:
    """Return the overrides among ``variables``, in the order of their names, and the problems with the others."""
    found: list[Override] = []
    problems: list[Problem] = []
    for name in sorted(key for key in variables if key.upper().startswith(PREFIX) and not key.startswith(PREFIX)):
        text = f"is written in lower case and would be overlooked; allowed: {name.upper()}"
        problems.append(Problem(f"environment variable {name}", (), text))
    for name in sorted(key for key in variables if key.startswith(PREFIX)):
        path = tuple(name.removeprefix(PREFIX).lower().split("__"))
        layer = SettingsLayer("override", Origin(f"environment variable {name}"), Path.cwd(), variables)
        problem = _wrong_key(path, root)
        node = root.at(path)
        if problem is None and node is not None:
            if node.shape not in TEXTS and (wrong := misread(variables[name], path, layer.origin.label)):
                problems += wrong
                continue
            try:
                found.append(Override(path, _parsed(variables[name], node), layer))
                continue
            except ValueError as error:
                problem = str(error)
        problems.append(Problem(layer.origin.label, path, problem or "unknown key"))
    return found, problems


def _wrong_key(path: KeyPath, root: SchemaNode) -> str | None:
    if path in PROTECTED:
        return "must not be overridden; it decides which rules hold, and only the environment file may say it"
    known = root.known_part(path)
    if known == path:
        return None
    parent = root.at(known)
    allowed = sorted(parent.children) if parent else []
    if not allowed:
        return f"unknown key; {'.'.join(known)} has no keys below it"
    return unknown_key(path[len(known)], allowed)


def unknown_key(key: str, allowed: list[str]) -> str:
    """Return the sentence for a key that is not among the ``allowed`` ones."""
    return f"unknown key {key}; {suggestion(key, allowed)}allowed: {', '.join(allowed)}"


def _parsed(text: str, node: SchemaNode) -> Any:
    """Parse the value of a variable: text stays text (a password may be all digits), anything else is YAML."""
    if node.shape in TEXTS:
        return text
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"{text!r} is not a YAML value; allowed: {node.allowed}") from error
    if node.shape in ("section", "mapping") and value is not None:
        keys = sorted(node.children) or ["any"]
        raise ValueError(f"a whole section cannot be overridden; name one of its keys: {', '.join(keys)}")
    return value
