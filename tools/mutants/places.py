"""The places of a module that can be changed, and the words that identify them."""

from __future__ import annotations

import ast
import copy
import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from tools.mutants.operators import LEFT_OUT, Edit, changing, replacing

_LONGEST_WORDS = 110
_UNTOUCHED_FIELDS = ("annotation", "returns", "decorator_list", "type_comment")
_BLOCKS = ("body", "orelse", "finalbody", "handlers")
Around = tuple[tuple[str, ast.AST], ...]
"""Nested nodes, the outermost first, each with its label in the enclosing node."""


@dataclass(frozen=True)
class Place:
    """A place and its change; ``number`` is its position among all places of the module.

    ``function`` is the dotted name within the module, empty outside of any. ``words`` stay the same as long as the
    place itself does, wherever it moves within its function.
    """

    number: int
    function: str
    line: int
    operator: str
    words: str

    def id_in(self, module: str) -> str:
        return hashlib.sha256(f"{module}:{self.function}:{self.words}".encode()).hexdigest()[:8]


@dataclass(frozen=True)
class _Found:
    """An edit and its location."""

    edit: Edit
    function: str
    line: int
    around: Around

    def words(self) -> str:
        """Show the change, before and after, in the largest enclosing code that is short enough to read."""
        edit = self.edit
        if edit.operator == LEFT_OUT:
            return f"{_shown('', getattr(edit.owner, edit.field)[edit.index])} -> nothing"
        label, node = next((one for one in self.around if len(_shown(*one)) <= _LONGEST_WORDS), self.around[-1])
        before = _shown(label, node)
        edit.swap()
        after = _shown(label, node)
        edit.swap()
        return f"{before} -> {after}"


def places(source: str) -> list[Place]:
    """Return all places of a module that can be changed, in the order of the text."""
    seen: Counter[tuple[str, str]] = Counter()
    result = []
    for number, found in enumerate(_below(ast.parse(source), "", ())):
        words = found.words()
        seen[found.function, words] += 1
        again = f" ({count})" if (count := seen[found.function, words]) > 1 else ""
        result.append(Place(number, found.function, found.line, found.edit.operator, words + again))
    return result


def mutated(source: str, number: int) -> ast.Module:
    """Return the module with the change of this number."""
    tree = ast.parse(source)
    list(_below(tree, "", ()))[number].edit.swap()
    return ast.fix_missing_locations(tree)


def _below(node: ast.AST, function: str, around: Around) -> Iterator[_Found]:
    for field, index, child in _children(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from _below(child, f"{function}.{child.name}".lstrip("."), (("", child),))
            continue
        within = (*(() if isinstance(child, ast.stmt) else around), (_label(node, field, index), child))
        line = getattr(child, "lineno", 0)
        yield from (_Found(edit, function, line, around or within) for edit in replacing(node, field, index, child))
        yield from (_Found(edit, function, line, within) for edit in changing(child))
        yield from _below(child, function, within)


def _children(node: ast.AST) -> Iterator[tuple[str, int | None, ast.AST]]:
    if isinstance(node, ast.Assert) or _is_for_types(node):
        return
    for field, value in ast.iter_fields(node):
        if field in _UNTOUCHED_FIELDS:
            continue
        if isinstance(value, ast.AST):
            yield field, None, value
        elif isinstance(value, list):
            yield from ((field, index, item) for index, item in enumerate(value) if isinstance(item, ast.AST))


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _label(node: ast.AST, field: str, index: int | None) -> str:
    """Return the key of a dictionary value, or the name of an argument."""
    if isinstance(node, ast.Dict) and field == "values" and index is not None and node.keys[index] is not None:
        return f"{ast.unparse(node.keys[index])}: "  # type: ignore[arg-type]
    return f"{node.arg}=" if isinstance(node, ast.keyword) and node.arg else ""


def _shown(label: str, node: ast.AST) -> str:
    """Return the text of a node; for a compound statement, only its first line."""
    shallow = copy.copy(node)
    for field in _BLOCKS:
        if isinstance(getattr(shallow, field, None), list):
            setattr(shallow, field, [ast.Pass()] if field == "body" else [])
    if hasattr(shallow, "decorator_list"):
        shallow.decorator_list = []
    return label + " ".join(ast.unparse(shallow).removesuffix("\n    pass").split())
