"""The sandbox has no import cycles, type-checking imports included. Reads the syntax tree only."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from tests.gates.sources import imports_only

ROOT = Path(__file__).resolve().parents[2]
SANDBOX = ROOT / "environments" / "sandbox"
BELOW_THE_SUPERVISOR = ("focus_server", "kubernetes", "links", "mongodb", "node", "shared", "ssh")


def modules(folder: Path, root: Path) -> dict[str, ast.Module]:
    """The imports of each module below ``folder``, by its dotted name."""
    found = {}
    for path in folder.rglob("*.py"):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = imports_only(path)
    return found


def imports(tree: ast.Module, known: Mapping[str, ast.Module]) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module in known:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in known else node.module for name in names)


def circle(known: Mapping[str, ast.Module]) -> list[str]:
    """The first import cycle found; empty if there is none."""
    graph = {name: set(imports(tree, known)) - {name} for name, tree in known.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_file_imports_itself_by_a_detour() -> None:
    known = modules(SANDBOX, ROOT)
    assert len(known) > 200
    assert circle(known) == []


def test_a_circle_is_found() -> None:
    sources = {
        "a.b": "from a.c import d",
        "a.c": "if TYPE_CHECKING:\n    import a.e",
        "a.e": "from a import b",
        "a": "",
    }
    found = circle({name: ast.parse(text) for name, text in sources.items()})
    assert set(found) == {"a.b", "a.c", "a.e"}


def test_no_room_below_the_supervisor_imports_it() -> None:
    supervisor = modules(SANDBOX / "supervisor", ROOT)
    for room in BELOW_THE_SUPERVISOR:
        known = modules(SANDBOX / room, ROOT)
        assert [name for name, tree in known.items() for _ in imports(tree, supervisor)] == []


def test_shared_knows_no_room() -> None:
    known, shared = modules(SANDBOX, ROOT), modules(SANDBOX / "shared", ROOT)
    rooms = {name: tree for name, tree in known.items() if name not in shared}
    assert [name for name, tree in shared.items() for _ in imports(tree, rooms)] == []
