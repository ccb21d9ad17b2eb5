"""The package layers ("floors") of the project: a package imports only lower ones, and there are no import cycles."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.gates.sources import imports_only

ROOT = Path(__file__).resolve().parents[2]

FLOORS = (
    ("support.runner",),
    ("support.hooks", "support.cli"),
    ("support.world",),
    ("support.latency", "support.stability"),
    ("support.capacity",),
    ("support.resilience",),
    ("support.product",),
    ("support.investigations",),
    ("support.infrastructure",),
    ("support.data_quality",),
    ("support.checks",),
    ("support.sharding",),
    ("support.reporting",),
    ("support.model",),
    ("support.statistics",),
    ("support.clients",),
    ("support.selection", "support.waits", "support.fault_catalogue"),
    ("support.gherkin",),
    ("support.config",),
    ("support.files", "support.later", "support.processor", "support.starting"),
    ("support.redaction",),
)
"""The layers from top to bottom. ``tools`` is above all of them, ``steps`` beside the wiring."""


def modules_below(*folders: str) -> dict[str, Path]:
    found = {}
    for folder in folders:
        for path in (ROOT / folder).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports_of(path: Path, modules: Mapping[str, Path]) -> Iterator[str]:
    """The project's modules that a file imports, at any level of the file."""
    for node in ast.walk(imports_only(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                if inner in modules:
                    yield inner
                elif node.module in modules:
                    yield node.module


def graph(modules: Mapping[str, Path]) -> dict[str, set[str]]:
    return {name: {other for other in imports_of(path, modules) if other != name} for name, path in modules.items()}


def room_of(module: str) -> str:
    return ".".join(module.split(".")[:2])


def circle(arrows: Mapping[str, set[str]]) -> list[str]:
    """One cycle of a graph, or an empty list."""
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_every_room_has_a_floor() -> None:
    floors = {room for floor in FLOORS for room in floor}
    rooms = {room_of(module) for module in modules_below("support") if module != "support"}
    assert rooms <= floors


def test_a_room_imports_only_downward() -> None:
    level = {room: number for number, floor in enumerate(FLOORS) for room in floor}
    wrong = [
        f"{module} -> {other}"
        for module, others in graph(modules_below("support")).items()
        for other in others
        if module != "support" and room_of(module) != room_of(other) and level[room_of(module)] >= level[room_of(other)]
    ]
    assert wrong == []


def test_nothing_below_imports_the_tools() -> None:
    arrows = graph(modules_below("support", "tools", "steps", "environments"))
    wrong = [
        f"{module} -> {other}"
        for module, others in arrows.items()
        for other in others
        if other.split(".")[0] == "tools" and module.split(".")[0] != "tools"
    ]
    assert wrong == []


@pytest.mark.parametrize("folder", ["support", "tools", "environments"])
def test_no_files_import_each_other(folder: str) -> None:
    assert circle(graph(modules_below(folder))) == []


@pytest.mark.parametrize("folder", ["support", "tools", "environments"])
def test_no_rooms_import_each_other(folder: str) -> None:
    """Packages of any depth: a package must not import from one that imports from it, directly or indirectly."""
    arrows: dict[str, set[str]] = {}
    for module, others in graph(modules_below(folder)).items():
        for other in others:
            ours, theirs = _rooms_that_differ(module, other)
            if ours and theirs:
                arrows.setdefault(ours, set()).add(theirs)
    assert circle(arrows) == []


def _rooms_that_differ(module: str, other: str) -> tuple[str, str]:
    """The two different packages or modules directly below the nearest common package."""
    ours, theirs = module.split("."), other.split(".")
    depth = next((at for at, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), None)
    if depth is None:
        return "", ""
    return ".".join(ours[: depth + 1]), ".".join(theirs[: depth + 1])


def test_a_circle_is_found() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}}) != []
    assert circle({"a": {"b"}, "b": {"c"}}) == []
