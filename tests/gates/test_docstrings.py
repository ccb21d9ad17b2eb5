"""Docstrings name their subject: they do not open with a question word."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from support.files import PROJECT

ROOMS = ("support", "steps", "environments", "tools", "deploy", "tests")
QUESTIONS = frozenset({"What", "How", "Who", "Whom", "Whose", "Which", "Whatever", "Whoever", "Where", "When", "Why"})


def opening_badly(source: str, kinds: tuple[type[ast.AST], ...]) -> Iterator[tuple[int, str]]:
    """Yield the line and the first line of each docstring that opens with a question word."""
    for node in ast.walk(ast.parse(source)):
        text = ast.get_docstring(node) if isinstance(node, kinds) else None
        if text and text.split(maxsplit=1)[0] in QUESTIONS:
            yield getattr(node, "lineno", 1), text.splitlines()[0]


@pytest.mark.parametrize("room", ROOMS)
def test_docstrings_open_with_their_subject(room: str) -> None:
    kinds = (ast.Module,) if room == "tests" else (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    bad = [
        f"{path.relative_to(PROJECT)}:{line}: {text}"
        for path in sorted((PROJECT / room).rglob("*.py"))
        for line, text in opening_badly(path.read_text(encoding="utf-8"), kinds)
    ]
    assert not bad, "say what it is or does:\n" + "\n".join(bad)


def test_a_question_word_is_noticed() -> None:
    source = '"""How it ends."""\n\ndef end():\n    """End it."""\n\ndef begin():\n    """What begins."""\n'
    found = list(opening_badly(source, (ast.Module, ast.FunctionDef)))
    assert found == [(1, "How it ends."), (6, "What begins.")]
