"""Parsed Python files of the project, cached so that all gates of a process parse each file once."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

HOLD_STATEMENTS = ("body", "orelse", "finalbody", "handlers", "cases")


@cache
def imports_only(path: Path) -> ast.Module:
    """The syntax tree of a file reduced to its import statements at all levels."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = [node for node in _statements(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    return ast.Module(body=list(found), type_ignores=[])


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """All statements below a node; expressions are skipped, since they contain none."""
    for field in HOLD_STATEMENTS:
        for child in getattr(node, field, ()):
            yield child
            yield from _statements(child)
