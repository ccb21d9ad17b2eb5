"""The functions of a module, from its text: their lines, their digests and the names they use."""

from __future__ import annotations

import ast
import bisect
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import CodeType


@dataclass(frozen=True)
class Function:
    """A function: a digest of its code, and its lines at which something is executed, in order.

    Docstrings and comments belong neither to the digest nor to the lines.
    """

    digest: str
    lines: tuple[int, ...]

    def number(self, line: int) -> int:
        """Return the place among the executed lines of the one that contains ``line``; 0 if it precedes all of them."""
        return max(bisect.bisect_right(self.lines, line) - 1, 0)


def names_made_of(source: str, line: int) -> frozenset[str]:
    """Return the names that the module-level statement at this line assigns, and all names made of them at that
    level."""
    statements = [one for one in ast.parse(source).body if isinstance(one, ast.Assign | ast.AnnAssign)]
    given = {
        name for one in statements if one.lineno <= line <= (one.end_lineno or 0) for name in _names(one, ast.Store)
    }
    while more := {
        name for one in statements if given & _names(one, ast.Load) for name in _names(one, ast.Store) - given
    }:
        given |= more
    return frozenset(given)


def names_used(source: str) -> Mapping[str, frozenset[str]]:
    """Return the names that each function uses."""
    return {name: frozenset(_names(node, ast.Load)) for name, node in _definitions(ast.parse(source), "")}


def _names(node: ast.AST, context: type[ast.expr_context]) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, context)}


def functions_of(source: str) -> Mapping[str, Function]:
    """Return the functions by dotted name; code in a nested function belongs to both functions."""
    executed = {line for code in _codes(compile(source, "", "exec")) for _, _, line in code.co_lines() if line}
    tree = ast.parse(source)
    executed -= set(_without_docstrings(tree))
    found = {}
    for name, node in _definitions(tree, ""):
        within = sorted(line for line in executed if node.lineno <= line <= (node.end_lineno or node.lineno))
        digest = hashlib.sha256(f"{ast.dump(node)} {len(within)}".encode()).hexdigest()[:8]
        found[name] = Function(digest, tuple(within))
    return found


def _without_docstrings(tree: ast.Module) -> list[int]:
    """Remove the docstrings, those of attributes too, and return their lines."""
    lines: list[int] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            texts = [one for one in node.body if isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant)]
            node.body = [one for one in node.body if one not in texts]
            lines += [line for one in texts for line in range(one.lineno, (one.end_lineno or one.lineno) + 1)]
    return lines


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _definitions(
    node: ast.AST, within: str
) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{within}.{child.name}".lstrip(".")
            yield name, child
            yield from _definitions(child, name)
        else:
            yield from _definitions(child, within)
