"""Runs that end early: Ctrl-C, a cancelled job, a step that exits the process, a hook that aborts the run."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from behave_project import STEPS, BehaveProject
from passing_project import errors, passing_project, with_hooks


@pytest.fixture
def project(tmp_path: Path) -> BehaveProject:
    return passing_project(tmp_path)


def test_a_step_that_leaves_the_process_does_not_leave_it_green(project: BehaveProject) -> None:
    feature = "Feature: F\n  @JL-09a\n  Scenario: S\n    Given it is left to nobody\n    When the step leaves\n"
    outcome = project.write(
        {"job_lifecycle/a_leaving.feature": feature},
        """
        def after_all(context): print("after_all was called")
        after_all.capture = False
    """,
    ).run()
    assert outcome.code == 1
    assert errors(outcome)[-1] == ("run", "the run was ended by sys.exit(0) in a step before it was complete")
    assert "after_all was called" in outcome.out
    assert outcome.scenario("JL-09a")["status"] == "error"
    assert outcome.scenario("PV-01a")["status"] == "skipped"


def test_ctrl_c_in_a_step_is_red_and_the_rest_is_not_run(project: BehaveProject) -> None:
    feature = "Feature: F\n  @JL-09a\n  Scenario: S\n    When the user presses Ctrl-C\n"
    outcome = project.write({"job_lifecycle/a_interrupted.feature": feature}).run()
    assert outcome.code != 0
    assert outcome.scenario("JL-09a")["status"] == "error"
    assert outcome.scenario("PV-01a")["reason"] == "not run: the run was interrupted"
    assert errors(outcome) == [("run", "the run was interrupted before it was complete")]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("place", ["step", "cleanup", "after_all", "last"])
def test_a_signal_ends_the_run_with_a_record(project: BehaveProject, number: signal.Signals, place: str) -> None:
    """The signal arrives during a step, a scenario's clean-up, the last hook or the last clean-up.

    An interrupted last clean-up is called again, so the one here waits only once.
    """
    # Many short waits: Python can miss a signal that arrives just before it blocks, until the wait is over. And a plain
    # select: the locks of threading may answer an interruption with "release unlocked lock" (a race in CPython).
    waiting = """
import select, sys
def wait(called=[]):
    called.append(1)
    if len(called) == 1:
        print("waiting", file=sys.__stdout__, flush=True)
        for _ in range(400): select.select([], [], [], 0.05)
"""
    steps = (
        STEPS
        + waiting
        + """
@step("it waits in a {place}")
def it_waits(context, place): context.add_cleanup(wait) if place == "cleanup" else wait()
"""
    )
    hooks = {"after_all": "after_all(context)", "last": "before_all(context)"}
    body = "context.add_cleanup(wait)" if place == "last" else "wait()"
    hook = f"{waiting}\ndef {hooks[place]}: {body}\n" if place in hooks else ""
    text = "it works" if place in hooks else f"it waits in a {place}"
    feature = f"Feature: F\n  @JL-09a\n  Scenario: S\n    When {text}\n"
    outcome = project.write({"job_lifecycle/a_waiting.feature": feature}, hook, steps).run_and_send(number, "waiting")
    assert outcome.code != 0, outcome.out + outcome.err
    assert outcome.checked["verdict"] == "failed"
    assert ("run", "the run was interrupted before it was complete") in errors(outcome)
    assert "Traceback" not in outcome.err


def test_a_hook_that_aborts_the_run_makes_it_red(project: BehaveProject) -> None:
    outcome = with_hooks(
        project,
        """
        def after_scenario(context, scenario): context.abort(reason="enough")
    """,
    ).run()
    assert outcome.code == 1
    assert errors(outcome) == [("run", "the run was aborted before it was complete")]
