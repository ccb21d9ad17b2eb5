"""Environment files and run files as data that knows the lines it came from."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from support.config.errors import ConfigurationError, KeyPath, Problem, refuse


@dataclass(frozen=True)
class Origin:
    """Where values came from: how to name it, and the line of each key where there are lines."""

    label: str
    lines: Mapping[KeyPath, int] = field(default_factory=dict)

    def where(self, path: KeyPath) -> str:
        """``label line n`` for the key, or for the nearest key above it; only the label when no line is known."""
        for end in range(len(path), 0, -1):
            if path[:end] in self.lines:
                return f"{self.label} line {self.lines[path[:end]]}"
        return self.label


@dataclass(frozen=True)
class SettingsDocument:
    """The content of one file."""

    path: Path
    origin: Origin
    data: dict[str, Any]


def shown(path: Path) -> str:
    """The path as people write it: relative to the working directory when it lies below it."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def read_yaml(path: Path) -> SettingsDocument:
    """The environment file at ``path``. Malformed YAML and duplicate keys raise :class:`ConfigurationError`."""
    label = shown(path)
    try:
        loader = yaml.SafeLoader(_read(path, label))
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{label}: malformed YAML: {_plain(error)}") from error
    try:
        root = loader.get_single_node()
        lines: dict[KeyPath, int] = {}
        duplicates = list(_walk(root, (), label, lines)) if root is not None else []
        data = loader.construct_document(root) if root is not None else None
    except _RefersToItself as error:
        raise ConfigurationError(f"{label} line {error}: an anchor refers to itself") from error
    # 2026-02-30 is a date to YAML, and none to Python; too deep a nesting ends in a RecursionError.
    except (ValueError, RecursionError, OverflowError) as error:
        raise ConfigurationError(f"{label}: a value cannot be read: {error or type(error).__name__}") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f" line {mark.line + 1} column {mark.column + 1}" if mark else ""
        raise ConfigurationError(f"{label}{place}: malformed YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{label}: malformed YAML: {_plain(error)}") from error
    finally:
        loader.dispose()
    if duplicates:
        raise refuse(duplicates)
    if not isinstance(data, dict):
        raise ConfigurationError(f"{label}: an environment file is a mapping of sections, this one is {_kind(data)}")
    return SettingsDocument(path, Origin(label, lines), _with_text_keys(data))


def read_run_file(path: Path) -> SettingsDocument:
    """The JSON written by a running sandbox. Unreadable or malformed raises :class:`ConfigurationError`."""
    label = f"run file {shown(path)}"
    try:
        data = json.loads(_read(path, label), object_pairs_hook=_without_duplicates)
    except json.JSONDecodeError as error:
        raise ConfigurationError(
            f"{label} line {error.lineno} column {error.colno}: malformed JSON: {error.msg}"
        ) from error
    except _DuplicateKey as error:
        raise ConfigurationError(f"{label}: duplicate key {error}") from error
    if not isinstance(data, dict):
        raise ConfigurationError(f"{label}: a run file is an object of sections, this one is {_kind(data)}")
    return SettingsDocument(path, Origin(label), data)


def _read(path: Path, label: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{label}: cannot be read: not UTF-8 text") from error
    except OSError as error:
        raise ConfigurationError(f"{label}: cannot be read: {error.strerror}") from error


class _RefersToItself(Exception):
    """Its text is the number of the line."""


def _plain(error: Exception) -> str:
    """The error of the library on one line."""
    return " ".join(str(error).split())


def _walk(
    node: yaml.Node, path: KeyPath, label: str, lines: dict[KeyPath, int], above: tuple[yaml.Node, ...] = ()
) -> list[Problem]:
    """Notes the line of each key below ``node``; answers what stands there twice, or is not what it looks like."""
    if any(node is one for one in above):
        raise _RefersToItself(node.start_mark.line + 1)
    above = (*above, node)
    problems: list[Problem] = []
    if isinstance(node, yaml.ScalarNode) and (meant := misleading(node)):
        problems.append(Problem(f"{label} line {node.start_mark.line + 1}", path, meant))
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            lines[(*path, str(index))] = item.start_mark.line + 1
            problems += _walk(item, (*path, str(index)), label, lines, above)
    if not isinstance(node, yaml.MappingNode):
        return problems
    for key_node, value_node in node.value:
        key, line = (*path, str(key_node.value)), key_node.start_mark.line + 1
        if key in lines:
            problems.append(Problem(f"{label} line {line}", key, f"duplicate key; already given in line {lines[key]}"))
            continue
        lines[key] = line
        problems += _walk(value_node, key, label, lines, above)
    return problems


_INT, _FLOAT = (f"tag:yaml.org,2002:{kind}" for kind in ("int", "float"))
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]*)(\.[0-9]*)?([eE][-+]?[0-9]+)?")


def misleading(node: yaml.ScalarNode) -> str | None:
    """What is wrong with a plain scalar that YAML 1.1 reads as another number than it seems; None if nothing is."""
    text = node.value
    if node.style is not None:
        return None
    if node.tag in (_INT, _FLOAT) and not _DECIMAL.fullmatch(text):
        value = yaml.SafeLoader("").construct_object(node)
        return f"{text} is not allowed; YAML reads it as {value}; allowed: a decimal number, or {text!r} in quotes"
    return None


class _DuplicateKey(ValueError):
    pass


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise _DuplicateKey(key)
        result[key] = value
    return result


def _with_text_keys(value: Any) -> Any:
    """YAML reads an unquoted ``on`` or ``1`` as a key that is no text; an unknown key must still be named."""
    if isinstance(value, dict):
        return {str(key): _with_text_keys(item) for key, item in value.items()}
    return [_with_text_keys(item) for item in value] if isinstance(value, list) else value


def _kind(value: object) -> str:
    return "empty" if value is None else "a list" if isinstance(value, list) else "a single value"
