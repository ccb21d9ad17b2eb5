"""The outcomes of scenarios that ran in several processes become one record."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from support.hooks.side_by_side import SideBySide
from support.hooks.worker import WorkerOutcome, outcome_of
from support.reporting.record import context as reporting
from support.reporting.record.model import ScenarioResult


def ended(name: str) -> tuple[Any, ScenarioResult]:
    feature = SimpleNamespace(filename="f.feature")
    scenario = SimpleNamespace(name=name, tags=[name], effective_tags={name}, feature=feature, parent=None)
    return scenario, ScenarioResult(name, name[:5], name, "f.feature", 1, None, [name], "passed", None, 0.1)


def test_the_figures_of_every_process_are_kept_and_the_worst_of_each_counts() -> None:
    """They were lost with the process that had measured them."""
    report = reporting.begin("fixture")
    (first, one), (second, other) = ended("RS-01a"), ended("RS-02a")
    report.selected = [first, second]
    run = SideBySide(SimpleNamespace(formatters=[], config=SimpleNamespace(stop=False)), None)
    report.figure("mongodb_started_s", 2.5)
    run._take_in(0, WorkerOutcome(one, figures={"mongodb_started_s": 1.5, "server_answers_again_s": 0.5}), True)
    run._take_in(1, WorkerOutcome(other, figures={"server_answers_again_s": 0.75}), True)
    assert report.figures == {"mongodb_started_s": 2.5, "server_answers_again_s": 0.75}


def test_a_process_sends_its_figures_with_the_outcome() -> None:
    report = reporting.begin("fixture")
    scenario, result = ended("RS-01a")
    report.elsewhere[id(scenario)] = result
    report.figure("mongodb_started_s", 2.5)
    assert outcome_of(scenario).figures == {"mongodb_started_s": 2.5}
    assert report.figures == {"mongodb_started_s": 2.5}
