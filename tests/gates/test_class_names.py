"""No two classes of support/ have the same name: a name stands for one idea."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def classes(sources: Mapping[str, str]) -> dict[str, list[str]]:
    """The modules that define each class, by class name. A leading underscore does not make a name different."""
    found: dict[str, list[str]] = {}
    for path, source in sources.items():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ClassDef):
                found.setdefault(node.name.lstrip("_"), []).append(f"{path}:{node.lineno}")
    return found


def shared(sources: Mapping[str, str]) -> list[str]:
    return sorted(f"{name}: {', '.join(sorted(places))}" for name, places in classes(sources).items() if places[1:])


def test_no_two_classes_of_support_have_one_name() -> None:
    sources = {path.relative_to(ROOT).as_posix(): path.read_text() for path in (ROOT / "support").rglob("*.py")}
    assert classes(sources)
    assert shared(sources) == []


def test_a_name_that_stands_for_two_ideas_is_found() -> None:
    sources = {"a.py": "class Row: ...\nclass Table: ...", "b.py": "if True:\n    class _Row: ..."}
    assert shared(sources) == ["Row: a.py:1, b.py:2"]
