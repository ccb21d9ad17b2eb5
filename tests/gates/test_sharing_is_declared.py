"""A step that uses a measurement made once per run declares it; otherwise two shards would both make it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from behave.step_registry import StepRegistry

from support.capacity.measuring import LoadMeasurements
from support.gherkin.documents import read_documents
from support.gherkin.sharing import Sharing, asks_for, name_of
from support.latency.answers import Latency
from support.selection import MEASURES

ROOT = Path(__file__).resolve().parents[2]
MAKERS = {
    name: value for kind in (LoadMeasurements, Latency) for name, value in vars(kind).items() if name_of(value)
}  # fmt: skip


def undeclared(tree: ast.Module) -> Iterator[str]:
    """The step functions that call a maker without being marked with it."""
    for function in (node for node in tree.body if isinstance(node, ast.FunctionDef)):
        called = {
            node.func.attr for node in ast.walk(function)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        }  # fmt: skip
        marks = " ".join(ast.unparse(each) for each in function.decorator_list)
        if any(name in called and f".{name})" not in marks for name in MAKERS):
            yield function.name


def test_every_step_that_asks_for_it_says_so() -> None:
    assert MAKERS.keys() == {"full_load", "growth", "openings"}
    files = sorted((ROOT / "steps").glob("*.py"))
    assert [name for file in files for name in undeclared(ast.parse(file.read_text(encoding="utf-8")))] == []


def test_one_that_does_not_is_found() -> None:
    tree = ast.parse("@when('x')\ndef step(context):\n    context.world.capacity.loads.full_load()\n")
    assert list(undeclared(tree)) == ["step"]


def test_what_is_made_for_each_scenario_cannot_be_asked_for_so() -> None:
    with pytest.raises(ValueError, match="heavy is not declared as made once in a run"):
        asks_for(LoadMeasurements.heavy)


def test_scenarios_that_share_something_run_in_one_process() -> None:
    sharing = Sharing.loading(ROOT / "steps")
    examples = [
        example
        for document in read_documents(ROOT / "features")
        for rule in document.rules
        for example in rule.examples
        if sharing.of(step.name for step in example.steps)
    ]
    assert len(examples) > 7
    assert [example.id for example in examples if not MEASURES & set(example.tags)] == []


def test_a_scenario_can_look_at_one_of_them_only() -> None:
    texts = [
        "the answers to requests for a live investigation are timed",
        "the required number of clients open a live investigation at the same time",
    ]
    with pytest.raises(ValueError, match="looks at the full load and the openings of one client"):
        Sharing.loading(ROOT / "steps").of(texts)


def test_without_steps_nobody_can_tell_what_is_shared() -> None:
    """behave replaces the registry of its module: what is asked of the new one is that nothing is ever shared."""
    with pytest.raises(ValueError, match="the step modules are not loaded here"):
        Sharing(StepRegistry())
