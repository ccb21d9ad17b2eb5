"""Faults are functions at hook points: the healthy server does not know them, and its files have no import cycles."""

from __future__ import annotations

import ast
import asyncio
import re
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import pytest

from environments.sandbox.focus_server import hooks
from environments.sandbox.focus_server.faults import FAULT_IDS

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "environments" / "sandbox" / "focus_server"
NAME = "environments.sandbox.focus_server"
FILES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path.read_text(encoding="utf-8")
    for path in PACKAGE.rglob("*.py")
}


def imported(source: str) -> set[str]:
    """The modules of this package that a source imports."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            names |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return {known for name in names for known in (name, f"{name}.__init__") if known in FILES}


def test_no_files_import_each_other_in_a_circle() -> None:
    order = list(TopologicalSorter({name: imported(source) - {name} for name, source in FILES.items()}).static_order())
    assert set(order) == set(FILES)


def test_only_the_process_itself_knows_that_there_are_faults() -> None:
    healthy = {name: source for name, source in FILES.items() if not name.startswith(f"{NAME}.faults.")}
    knowing = {name for name, source in healthy.items() if any(".faults" in one for one in imported(source))}
    assert knowing == {f"{NAME}.server"}


def test_every_point_is_in_the_server_and_has_a_fault() -> None:
    written = re.findall(r'@hook\("([^"]+)"\)', "\n".join(FILES.values()))
    assert sorted(written) == sorted(hooks.POINTS)
    assert set(hooks.registered().values()) == set(hooks.POINTS)
    assert set(hooks.registered()) == FAULT_IDS


def step(*values: str) -> list[str]:
    """The result of a step at the hook point of the stream address."""
    return list(hooks.hook("opening.address")(lambda *args: [*args])(*values))


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start with no registered faults, and none switched on."""
    for name in ("_registered", "_on", "_at"):
        monkeypatch.setattr(hooks, name, {})


def switched(*faults: str, starting: bool = False) -> None:
    asyncio.run(hooks.switch(faults, starting=starting))


@pytest.mark.usefixtures("registry")
def test_a_fault_runs_while_it_is_on_and_only_then() -> None:
    calls = []

    @hooks.fault("seen", at="opening.address")
    def _(proceed: hooks.Proceed, *args: str) -> Any:
        calls.append(args)
        return [*proceed(*args), "more"]

    assert step("a") == ["a"] and calls == []
    switched("seen")
    assert step("a") == ["a", "more"] and calls == [("a",)]
    switched()
    assert step("a") == ["a"] and len(calls) == 1


@pytest.mark.usefixtures("registry")
def test_faults_at_one_point_are_called_around_each_other() -> None:
    hooks.change("x-first", at="opening.address")(lambda value, *args: [*value, "1"])
    hooks.change("y-second", at="opening.address")(lambda value, *args: [*value, "2"])
    switched("y-second", "x-first")
    assert step() == ["1", "2"]
    switched("y-second")
    assert step() == ["2"]


@pytest.mark.usefixtures("registry")
def test_what_a_fault_remembers_is_dropped_and_closed_when_it_goes_off() -> None:
    closed = []

    class Memory(list[str]):
        async def aclose(self) -> None:
            closed.append(list(self))

    @hooks.fault("remembering", at="opening.address", memory=Memory)
    def _(memory: Memory, proceed: hooks.Proceed, *args: str) -> Any:
        memory.extend(args)
        return memory

    switched("remembering")
    assert [list(step("a")), list(step("b"))] == [["a"], ["a", "b"]]
    switched("remembering")
    assert step("c") == ["a", "b", "c"]
    switched()
    switched("remembering")
    assert closed == [["a", "b", "c"]] and step("d") == ["d"]


@pytest.mark.usefixtures("registry")
def test_a_fault_of_the_start_works_only_in_a_process_that_was_started_with_it() -> None:
    hooks.fault("at-start", at="opening.address", from_start=True)(lambda proceed, *args: ["fault"])
    switched("at-start")
    assert step() == []
    switched("at-start", starting=True)
    assert step() == ["fault"]


@pytest.mark.usefixtures("registry")
def test_an_unknown_point_or_a_second_function_of_one_id_is_refused() -> None:
    for wrong in (lambda: hooks.fault("any", at="no.point"), lambda: hooks.hook("no.point")):
        with pytest.raises(AssertionError, match="no.point"):
            wrong()
    hooks.fault("once", at="opening.address")(step)
    with pytest.raises(AssertionError, match="once"):
        hooks.fault("once", at="room.check")(step)
