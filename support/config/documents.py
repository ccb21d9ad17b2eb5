"""Environment files and run files as data with the line of each key."""

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
    """The source of values: its label, and the line of each key if the source has lines."""

    label: str
    lines: Mapping[KeyPath, int] = field(default_factory=dict)

    def where(self, path: KeyPath) -> str:
        """Return ``label line n`` for the key or the nearest key above it; only the label if no line is known."""
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
    """Return the path as people write it: relative to the working directory if it lies below it."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def read_yaml(path: Path, is_what: str = "an environment file is a mapping of sections") -> SettingsDocument:
    """Read the settings in the file at ``path``. ``is_what`` says, for an error, what such a file is.

    Raises :class:`ConfigurationError` for malformed YAML and duplicate keys.
    """
    label = shown(path)
    text = _read(path, label)
    try:
        loader = yaml.SafeLoader(text)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        sign = f"U+{ord(text[error.position]):04X}"
        raise ConfigurationError(f"{label} line {line}: malformed YAML: the character {sign} is not allowed") from error
    try:
        root = loader.get_single_node()
        lines: dict[KeyPath, int] = {}
        problems = list(_walk(root, (), label, lines)) if root is not None else []
        if problems:
            raise refuse(problems)
        data = loader.construct_document(root) if root is not None else None
    except RecursionError as error:
        raise ConfigurationError(f"{label}: cannot be read: it is nested too deeply") from error
    except yaml.MarkedYAMLError as error:
        raise ConfigurationError(f"{label}{_malformed(error)}") from error
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{label}: malformed YAML: {_plain(error)}") from error
    finally:
        loader.dispose()
    if not isinstance(data, dict):
        raise ConfigurationError(f"{label}: {is_what}, this one is {_kind(data)}")
    return SettingsDocument(path, Origin(label, lines), _with_text_keys(data))


def read_run_file(path: Path) -> SettingsDocument:
    """Read the JSON of a running sandbox. Raises :class:`ConfigurationError` if it is unreadable or malformed."""
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


def _plain(error: Exception) -> str:
    """Return the error of the library on one line."""
    return " ".join(str(error).split())


def _malformed(error: yaml.MarkedYAMLError) -> str:
    """Say where the YAML parser stopped, why, and where the faulty part begins, which is what has to be corrected."""
    mark, began = error.problem_mark or error.context_mark, error.context_mark
    place = f" line {mark.line + 1} column {mark.column + 1}" if mark else ""
    since = f" {error.context} of line {began.line + 1}" if began and mark and began.line != mark.line else ""
    return f"{place}: malformed YAML: {error.problem}{since}"


_MOST_VALUES = 10_000
"""The most values that a file may have. A few lines of anchors can expand to millions."""


def misread(text: str, path: KeyPath, label: str) -> list[Problem]:
    """Return a problem for each value of a YAML text that is not what it looks like.

    A text that is not YAML has none.
    """
    try:
        node = yaml.compose(text, yaml.SafeLoader)
        return [
            Problem(label, one.path, one.text) for one in (_walk(node, path, label, {}) if node is not None else ())
        ]
    except RecursionError:
        return [Problem(label, path, "cannot be read: it is nested too deeply")]
    except yaml.YAMLError:
        return []


def _walk(
    node: yaml.Node, path: KeyPath, label: str, lines: dict[KeyPath, int], above: tuple[yaml.Node, ...] = ()
) -> list[Problem]:
    """Record the line of each key below ``node``. Returns problems: duplicate keys, and values that are misleading."""
    here = f"{label} line {node.start_mark.line + 1}"
    if any(node is one for one in above):
        return [Problem(here, path, "an anchor refers to itself")]
    if len(lines) > _MOST_VALUES:
        return [Problem(here, path, f"the file has more than {_MOST_VALUES} values")]
    above = (*above, node)
    if isinstance(node, yaml.ScalarNode):
        return [Problem(here, path, meant)] if (meant := _misleading(node)) else []
    if node.tag in _NEITHER_LIST_NOR_SECTION:
        return [Problem(here, path, f"{_spelling(node.tag)} is not allowed; allowed: a list or a section without it")]
    problems: list[Problem] = []
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            lines[(*path, str(index))] = item.start_mark.line + 1
            problems += _walk(item, (*path, str(index)), label, lines, above)
            if len(lines) > _MOST_VALUES:
                break
        return problems
    for key_node, value_node in node.value:
        key, line = (*path, str(key_node.value)), key_node.start_mark.line + 1
        if key in lines:
            problems.append(Problem(f"{label} line {line}", key, f"duplicate key; already given in line {lines[key]}"))
            continue
        lines[key] = line
        problems += _walk(value_node, key, label, lines, above)
    return problems


_YAML = "tag:yaml.org,2002:"
_NEITHER_LIST_NOR_SECTION = tuple(_YAML + kind for kind in ("set", "omap", "pairs"))
"""Collections without an order, or lists of pairs. No setting has such a type."""


def _spelling(tag: str) -> str:
    return tag.replace(_YAML, "!!")


_INT, _FLOAT = (_YAML + kind for kind in ("int", "float"))
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]*)(\.[0-9]*)?([eE][-+]?[0-9]+)?")


def _misleading(node: yaml.ScalarNode) -> str | None:
    """Return what is wrong with a scalar, or None.

    YAML 1.1 may read a scalar as a different number than it seems, or not at all, such as an invalid date.
    """
    text = node.value
    try:
        value = yaml.constructor.SafeConstructor().construct_object(node)
    except (ValueError, OverflowError) as error:
        return f"{text[:_SHOWN]} cannot be read: {error}"
    except yaml.constructor.ConstructorError as error:
        return f"{text[:_SHOWN]} cannot be read: {error.problem}"
    if isinstance(value, bytes):
        return f"!!binary {text[:_SHOWN]} is not allowed; allowed: a text, in quotes"
    if node.style is None and node.tag in (_INT, _FLOAT) and not _DECIMAL.fullmatch(text):
        return f"{text} is not allowed; YAML reads it as {value}; allowed: a decimal number, or {text!r} in quotes"
    return None


_SHOWN = 40
"""The number of characters of a value that a sentence shows."""


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
    """Convert all keys to text: YAML reads an unquoted ``on`` or ``1`` as another type.

    An error must be able to name an unknown key.
    """
    if isinstance(value, dict):
        return {str(key): _with_text_keys(item) for key, item in value.items()}
    return [_with_text_keys(item) for item in value] if isinstance(value, list) else value


def _kind(value: object) -> str:
    return "empty" if value is None else "a list" if isinstance(value, list) else "a single value"
