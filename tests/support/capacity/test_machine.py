"""The tester's machine is part of the measurement: results that it explains are undecided, and no others."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from support.capacity import verdicts
from support.capacity.load import machine
from support.capacity.load.machine import MachineMeter, MachineUse, wait_until_calm
from support.capacity.measured import Measured
from support.capacity.report.gap_report import build_report
from support.capacity.report.gap_verdict import judge, late_for_the_machine, spoilt_by
from support.config.models import Capacity
from support.statistics.verdict import Outcome
from tests.support.capacity.canned import evidence, waiting
from tests.support.capacity.test_capacity_verdicts import measured, record

QUIET = MachineUse(2, 10.0, 0.02, 0.4, 0.1)
BUSY = MachineUse(2, 10.0, 0.8, 0.97, 3.0)
USED_UP = MachineUse(2, 10.0, 0.02, 0.9, 0.1, worked_share=0.96)


def slow(answered_s: float, use: MachineUse | None) -> Measured:
    good = measured(200, 200)
    records = tuple(record(number, answered_s=answered_s) for number in range(200))
    return Measured(replace(good.run, step=replace(good.step, records=records, machine=use)), ())


@pytest.mark.parametrize(
    ("answered_s", "use", "outcome"),
    [
        (5.8, BUSY, Outcome.INCONCLUSIVE),
        (5.8, QUIET, Outcome.FAIL),
        (5.8, None, Outcome.FAIL),
        (60.0, BUSY, Outcome.FAIL),
        (60.0, replace(BUSY, worked_share=0.99), Outcome.INCONCLUSIVE),
        (0.5, BUSY, Outcome.PASS),
    ],
)
def test_late_answers_are_not_decided_where_the_machine_explains_them(
    answered_s: float, use: MachineUse | None, outcome: Outcome
) -> None:
    found = verdicts.meets_the_requirement(slow(answered_s, use), Capacity())
    assert found.outcome is outcome
    assert ("this machine was busy: other programs took 80% of its 2 processors" in found.reason) is (
        outcome is Outcome.INCONCLUSIVE
    )


@pytest.mark.parametrize(
    ("answered_s", "use", "outcome"),
    [
        (5.8, USED_UP, Outcome.INCONCLUSIVE),
        (12.0, USED_UP, Outcome.FAIL),
        (5.8, replace(USED_UP, worked_share=0.7), Outcome.FAIL),
        (0.5, USED_UP, Outcome.PASS),
    ],
)
def test_an_estate_that_uses_up_the_processors_is_not_blamed_for_them(
    answered_s: float, use: MachineUse, outcome: Outcome
) -> None:
    found = verdicts.meets_the_requirement(slow(answered_s, use), Capacity())
    assert found.outcome is outcome
    assert ("with the suite and its estate they worked for 96%" in found.reason) is (use.is_used_up and answered_s > 5)


def test_answers_on_both_sides_of_their_limit_are_measured_once_more() -> None:
    good = measured(200, 200)
    near = tuple(record(number, answered_s=4.9 + (number % 20 == 0) * 0.2) for number in range(200))
    found = judge(replace(good.run, step=replace(good.step, records=near, machine=QUIET)))
    assert found.verdict is Outcome.INCONCLUSIVE
    assert (spoilt_by(found) or "").startswith("P95 of the answers: P95")
    few = judge(measured(50, 50).run)
    assert few.verdict is Outcome.INCONCLUSIVE and spoilt_by(few) is None


def test_what_was_refused_did_not_fail_for_want_of_a_processor() -> None:
    refused = measured(150, 200)
    run = replace(refused.run, step=replace(refused.step, machine=BUSY))
    assert verdicts.meets_the_requirement(Measured(run, ()), Capacity()).outcome is Outcome.FAIL


def test_what_came_no_further_on_a_busy_machine_is_not_decided() -> None:
    good = measured(200, 200)
    cut = tuple(
        replace(one, reached={"answered": 0.1, "job_seen": 0.2, "scheduled": 0.3}) if one.number < 60 else one
        for one in good.step.records
    )
    run = replace(good.run, step=replace(good.step, records=cut, machine=BUSY))
    found = judge(run)
    assert found.verdict is Outcome.INCONCLUSIVE
    assert (spoilt_by(found) or "").startswith("this machine: this machine was busy")
    assert judge(replace(run, step=replace(run.step, machine=QUIET))).verdict is Outcome.FAIL


def test_what_the_cluster_names_a_cause_for_is_not_excused_by_the_machine() -> None:
    """Images cannot be pulled: the pods were placed, and would not get further on a quiet machine either."""
    good = measured(200, 200)
    cut = tuple(
        replace(one, reached={"answered": 0.1, "job_seen": 0.2, "scheduled": 0.3}) if one.number < 60 else one
        for one in good.step.records
    )
    told = evidence(pods=[waiting(f"{number}-{number}", "ImagePullBackOff") for number in range(60)])
    run = replace(good.run, step=replace(good.step, records=cut, machine=BUSY), during=told)
    found = judge(run)
    assert found.verdict is Outcome.FAIL and spoilt_by(found) is None
    assert late_for_the_machine(run, 0.95) == ""
    of_few = replace(run, during=evidence(pods=told.pods[:5]))
    assert judge(of_few).verdict is Outcome.INCONCLUSIVE and late_for_the_machine(of_few, 0.95) != ""


def test_what_opened_and_ended_too_soon_was_not_late_for_the_machine() -> None:
    good = measured(200, 200)
    gone = tuple(replace(one, alive_together=one.number >= 60) for one in good.step.records)
    found = judge(replace(good.run, step=replace(good.step, records=gone, machine=BUSY)))
    assert found.verdict is Outcome.FAIL and spoilt_by(found) is None


def test_the_headline_carries_the_reason_and_the_figures() -> None:
    sentence = build_report(slow(5.8, QUIET).run)["gap_analysis"]["sentence"]
    assert sentence.startswith("Target missed: 200 of 200 jobs were open at the same time")
    assert "P95 5800 ms" in sentence and "limit 5000 ms" in sentence


def test_an_unknown_cause_is_told_with_figures() -> None:
    lines = verdicts.causes(slow(5.8, QUIET).run)
    assert "200 late: for an unknown cause: their answers took 5800 to 5800 ms" in lines[-1]
    assert "on this machine other programs took 2% of its 2 processors" in lines[-1]


def test_a_growth_has_no_limit_of_answers_to_miss() -> None:
    run = replace(slow(5.8, QUIET).run, judges_answers=False)
    report = build_report(run)
    assert report["gap_analysis"]["verdict"] == "pass"
    assert report["gap_analysis"]["sentence"].startswith("Target reached: 200 of 200")


def test_the_processors_that_others_took_are_measured() -> None:
    """A child process counts as the suite's own; a process whose parents have ended counts as foreign."""
    burning = "import time\nend = time.monotonic() + 1.5\nwhile time.monotonic() < end: pass"
    meter = MachineMeter()
    orphan = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {burning!r}])"
    subprocess.run([sys.executable, "-c", orphan], check=True)
    threading.Event().wait(1.0)
    use = meter.use()
    assert use.others_share is not None and use.others_share * use.seconds * use.cores >= 0.2
    assert use.pressure_share is None or 0 <= use.pressure_share <= 1
    assert use.cores >= 1 and use.seconds >= 1.0


def test_a_machine_that_does_not_calm_down_is_waited_for_within_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "CALM_FOR_S", 0.01)
    monkeypatch.setattr(MachineMeter, "use", lambda self: BUSY)
    assert wait_until_calm(0.05) is None
    monkeypatch.setattr(MachineMeter, "use", lambda self: QUIET)
    assert wait_until_calm(5.0) is not None
