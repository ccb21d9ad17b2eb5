"""kubectl's output formats: aligned columns, custom columns and JSONPath templates."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from environments.sandbox.ssh.kubectl_errors import KubectlError

_PADDING = 3
_NARROWEST = 6
_STEP = re.compile(
    r"""\.?(?:\[(?P<index>-?\d+)\]|\[(?P<all>\*)\]|\[['"](?P<quoted>[^'"]+)['"]\]|(?P<name>(?:\\.|[^.\[\]\\])+))"""
)
_TEMPLATE = re.compile(r"\{((?:\"[^\"]*\"|'[^']*'|[^}])*)\}")


class _OutOfBounds(Exception):
    """A path asks for an item a list has not got."""


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Rows as kubectl prints them: three blanks between columns, nothing after the last."""
    if not rows:
        return ""
    widths = [max(_NARROWEST, _PADDING + max(len(row[index]) for row in rows)) for index in range(len(rows[0]))]
    lines = (
        "".join(cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)) + row[-1] for row in rows
    )
    return "".join(f"{line}\n" for line in lines)


def indented_json(value: Any) -> str:
    return json.dumps(value, indent=4, sort_keys=True) + "\n"


def table_rows(table: Mapping[str, Any], wide: bool, with_namespace: bool) -> tuple[list[str], list[list[str]]]:
    """Header and rows of a server-side Table; columns of lower priority only in ``wide``."""
    if table.get("kind") != "Table":
        raise KubectlError(f"error: the server answered with {table.get('kind')!r} instead of a Table")
    columns = table["columnDefinitions"]
    shown = [index for index, column in enumerate(columns) if wide or not column.get("priority")]
    header = [columns[index]["name"].upper() for index in shown]
    rows = [[plain(row["cells"][index]) for index in shown] for row in table.get("rows") or ()]
    if with_namespace:
        header.insert(0, "NAMESPACE")
        for row, source in zip(rows, table.get("rows") or (), strict=True):
            row.insert(0, source["object"]["metadata"]["namespace"])
    return header, rows


def custom_columns(spec: str, items: Sequence[Any]) -> tuple[list[str], list[list[str]]]:
    """Header and rows for ``NAME:.path,NAME:.path``; what an item lacks is ``<none>``."""
    columns = []
    for part in spec.split(","):
        header, colon, path = part.partition(":")
        if not colon or not path:
            raise KubectlError(f"error: unexpected custom-columns spec: {part}, expected <header>:<json-path-expr>")
        columns.append((header, path.strip("{}")))
    rows = [[",".join(map(plain, find(path, item))) or "<none>" for _, path in columns] for item in items]
    return [header for header, _ in columns], rows


def jsonpath(template: str, value: Any) -> str:
    """A template of texts, ``{.paths}`` and ``{"literals"}``; ranges and filters are not known and say so."""
    if "{" not in template:
        template = f"{{{template}}}"
    result, end = "", 0
    for match in _TEMPLATE.finditer(template):
        try:
            result += template[end : match.start()] + _expression(match.group(1).strip(), value)
        except _OutOfBounds as error:
            reason = f'error executing jsonpath "{template}": Error executing template: {error}'
            raise KubectlError(f"error: {reason}") from None
        end = match.end()
    return result + template[end:]


def _expression(text: str, value: Any) -> str:
    if text[:1] in ("'", '"'):
        return text[1:-1].replace("\\n", "\n").replace("\\t", "\t")
    if not text.startswith((".", "$", "[")):
        raise KubectlError(f"error: jsonpath {{{text}}} is not supported: only paths and quoted texts are")
    found = find(text.lstrip("$"), value, strict=True)
    return " ".join(item if isinstance(item, str) else _compact_json(item) for item in found)


def _compact_json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


def find(path: str, value: Any, strict: bool = False) -> list[Any]:
    """All values at a path of names, ``[n]`` and ``[*]``; ``strict``: an index beyond the end is an error."""
    found, position = [value], 0
    path = path.lstrip(".") if path in (".", "") else path
    while position < len(path):
        step = _STEP.match(path, position)
        if step is None:
            raise KubectlError(f"error: jsonpath {path!r} is not supported at {path[position:]!r}")
        found = [child for parent in found for child in _children(parent, step, strict)]
        position = step.end()
    return found


def _children(parent: Any, step: re.Match[str], strict: bool) -> list[Any]:
    if step["all"]:
        return (
            list(parent.values())
            if isinstance(parent, dict)
            else list(parent or ())
            if not isinstance(parent, str)
            else []
        )
    if step["index"]:
        items, index = parent if isinstance(parent, list) else [], int(step["index"])
        if -len(items) <= index < len(items):
            return [items[index]]
        if strict:
            raise _OutOfBounds(f"array index out of bounds: index {index}, length {len(items)}")
        return []
    name = step["quoted"] or re.sub(r"\\(.)", r"\1", step["name"])
    return [parent[name]] if isinstance(parent, dict) and name in parent else []


def plain(value: Any) -> str:
    """A cell the way Go prints it."""
    match value:
        case None:
            return "<none>"
        case bool():
            return "true" if value else "false"
        case dict():
            return "map[" + " ".join(f"{key}:{plain(item)}" for key, item in sorted(value.items())) + "]"
        case list():
            return "[" + " ".join(plain(item) for item in value) + "]"
    return str(value)
