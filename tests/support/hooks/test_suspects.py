"""Server errors during scenarios that ran side by side: running each of them alone decides which one caused them."""

from __future__ import annotations

import datetime
import time
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from support.clients.kubernetes.objects import Job
from support.clients.kubernetes.watch import ClusterWatch
from support.hooks import suspects as module
from support.hooks.strangers import Strangers, told_by_scenario
from support.hooks.suspects import AMBIENT, Suspects
from support.hooks.worker import WorkerOutcome
from support.investigations.register import Asked
from support.reporting.record import context as reporting
from support.reporting.record.model import ScenarioResult

STARTED = ("job 1-7 was started, for which no request had asked",)
RESTARTED = ("focus-server-1 was restarted 1 times",)


class Scenario:
    def __init__(self, name: str) -> None:
        self.name, self.effective_tags, self.feature = name, {name}, SimpleNamespace(filename="f.feature")


def result(name: str, status: str = "passed", reason: str | None = None) -> ScenarioResult:
    return ScenarioResult(name, name[:5], name, "f.feature", 1, None, [name], status, reason, 0.1)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A run in which JL-01a, JL-01b and JL-01c have ended side by side."""
    report = reporting.begin("fixture")
    report.selected = [Scenario(name) for name in ("JL-01a", "JL-01b", "JL-01c")]
    alone: dict[str, ScenarioResult] = {}
    monkeypatch.setattr(module, "identify", lambda one: SimpleNamespace(id=one.name))
    monkeypatch.setattr(module, "outcome_of", lambda one, *asked: WorkerOutcome(alone[one.name]))
    return SimpleNamespace(report=report, alone=alone, suspects=Suspects(report))


def took_in(run: Any, number: int, outcome: WorkerOutcome) -> None:
    run.report.elsewhere[id(run.report.selected[number])] = outcome.result
    run.suspects.note(outcome)


def ran_alone(run: Any) -> list[str]:
    done = [one for one in run.report.selected if id(one) in run.report.elsewhere]
    return [unit.scenarios[0].name for unit in run.suspects.run_again(done)]


def test_without_troubles_nothing_runs_again(run: Any) -> None:
    for number, name in enumerate(("JL-01a", "JL-01b", "JL-01c")):
        took_in(run, number, WorkerOutcome(result(name, "failed" if number == 2 else "passed")))
    assert ran_alone(run) == []
    assert [one.status for one in run.report.elsewhere.values()] == ["passed", "passed", "failed"]


def test_who_does_it_alone_is_blamed_and_the_others_are_not(run: Any) -> None:
    took_in(run, 0, WorkerOutcome(result("JL-01a"), shared=RESTARTED))
    took_in(run, 1, WorkerOutcome(result("JL-01b", "failed", "connection refused")))
    took_in(run, 2, WorkerOutcome(result("JL-01c")))
    run.alone["JL-01a"] = result("JL-01a", "error", f"after_scenario: {AMBIENT}{RESTARTED[0]}")
    run.alone["JL-01b"] = result("JL-01b")
    assert ran_alone(run) == ["JL-01a", "JL-01b"]
    found = {one.id: one.status for one in run.report.elsewhere.values()}
    assert found == {"JL-01a": "error", "JL-01b": "passed", "JL-01c": "passed"}
    assert run.report.suite_errors == []


def test_what_nobody_does_alone_stays_an_error_of_the_run(run: Any) -> None:
    took_in(run, 0, WorkerOutcome(result("JL-01a"), shared=RESTARTED))
    took_in(run, 1, WorkerOutcome(result("JL-01b"), shared=RESTARTED))
    run.alone["JL-01a"], run.alone["JL-01b"] = result("JL-01a"), result("JL-01b")
    assert ran_alone(run) == ["JL-01a", "JL-01b"]
    (error,) = run.report.suite_errors
    assert str(error) == (
        "side by side: while JL-01a, JL-01b ran, focus-server-1 was restarted 1 times; none of them alone does this"
    )


def test_a_job_that_nobody_asked_for_is_looked_for_in_each_scenario_that_ran_then(run: Any) -> None:
    for number, name in enumerate(("JL-01a", "JL-01b", "JL-01c")):
        took_in(run, number, WorkerOutcome(result(name)))
    run.suspects._strange = {"JL-01a": STARTED, "JL-01c": STARTED}
    run.alone["JL-01a"] = result("JL-01a", "failed", "started although it was refused: 1-7")
    run.alone["JL-01c"] = result("JL-01c")
    assert ran_alone(run) == ["JL-01a", "JL-01c"]
    assert {one.id: one.status for one in run.report.elsewhere.values()} == {
        "JL-01a": "failed", "JL-01b": "passed", "JL-01c": "passed"
    }  # fmt: skip
    assert run.report.suite_errors == []


def test_a_job_that_nobody_asked_for_and_nobody_starts_alone_is_an_error_of_the_run(run: Any) -> None:
    took_in(run, 0, WorkerOutcome(result("JL-01a")))
    run.suspects._strange = {"JL-01a": STARTED}
    run.alone["JL-01a"] = result("JL-01a")
    assert ran_alone(run) == ["JL-01a"]
    assert str(run.report.suite_errors[0]).startswith("side by side: while JL-01a ran, job 1-7 was started")


def a_job(job_id: str, lowest: int, highest: int) -> Job:
    labels = {"app": f"grpc-job-{job_id}"}
    command = ["python", "-m", "baby_analyzer", "--roi", str(lowest), str(highest)]
    return Job.parse(
        {
            "metadata": {"name": f"grpc-job-{job_id}", "uid": job_id, "labels": labels, "namespace": "panda"},
            "spec": {"template": {"spec": {"containers": [{"name": "grpc-server", "command": command}]}}},
        }
    )


def test_strangers_are_jobs_that_no_request_explains_even_when_they_are_gone_again() -> None:
    watch = ClusterWatch(SimpleNamespace())  # type: ignore[arg-type]  # nothing is asked of it
    seen = time.monotonic()
    watch.note("job", "ADDED", a_job("1-1", 1, 50), seen, late=False)
    strangers = Strangers(watch)
    for job_id, lowest in (("1-2", 61), ("1-3", 1), ("1-4", 71)):
        watch.note("job", "ADDED", a_job(job_id, lowest, lowest + 49), seen, late=False)
        watch.note("job", "DELETED", a_job(job_id, lowest, lowest + 49), seen, late=False)
    asked = Asked(frozenset({"1-3"})) | Asked(channels=frozenset({(61, 110)}))
    (found,) = strangers.besides(asked)
    assert found.job_id == "1-4"
    ran = replace(result("JL-01a"), started=found.seen - datetime.timedelta(seconds=0.05))
    later = replace(result("JL-01b"), started=found.seen + datetime.timedelta(seconds=0.05))
    assert told_by_scenario([found], [ran, later]) == {"JL-01a": (str(found),)}
