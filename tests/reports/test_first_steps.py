"""The diagnosis and the recommended first steps, which a table derives from a record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from a_record import record, scenario

from support.capacity.load.once_more import MachineBusy
from support.reporting.capacity_report import CapacityReport
from support.reporting.first_steps import diagnosis_of, first_steps
from support.reporting.record.model import Record, ScenarioResult, Trouble
from support.reporting.record.outcome import exception_text
from support.reporting.text import Painter, summary_lines
from support.reporting.writers.github import summary

GAP = CapacityReport(Path("gap.json"), 200, 40, 160, "fail", "40 of 200 jobs.", ("First: buy slices.", "Then: again."))


def failed(name: str, reason: str, status: str = "failed", **more: Any) -> ScenarioResult:
    return scenario(name, status, reason=reason, steps=[], **more)


def causes(found: Record, gap: CapacityReport | None = None) -> list[str]:
    return [step.cause for step in first_steps(found, gap)]


def test_a_green_run_has_nothing_to_do() -> None:
    found = record(scenario("JL-01a"), scenario("IN-01a"))
    assert first_steps(found) == [] and diagnosis_of(found) is None


def test_a_layer_is_not_diagnosed_because_this_machine_was_busy() -> None:
    busy = exception_text(MachineBusy("the median of 2717 answers is 8997.2 ms; this machine was busy"))
    undecided = record(failed("IN-03b", f"When an engineer examines the speed: {busy}", "error"))
    assert diagnosis_of(undecided) is None
    assert causes(undecided) == ["A measurement decided nothing"]


def test_the_lowest_broken_layer_is_the_diagnosis() -> None:
    found = record(
        failed("IN-06b", "Then x: not ready"),
        failed("IN-03a", "Then x: the median of 10 pings is 151 ms"),
        scenario("IN-04a", "skipped", reason="layer 3, speed, is broken (IN-03a): what stands on it is not examined"),
        failed("DQ-02c", "Then x: COLLSCAN"),
    )
    diagnosis = diagnosis_of(found)
    assert diagnosis is not None
    assert (diagnosis.layer, diagnosis.scenarios, diagnosis.blocked) == (3, ("IN-03a",), ("IN-04a",))
    assert "151 ms" in diagnosis.seen and "indexes" in diagnosis.remedy
    assert [step.layer for step in first_steps(found)] == [3, 6, 0]


@pytest.mark.parametrize("layer", range(1, 7))
def test_each_layer_is_named_by_its_number(layer: int) -> None:
    found = record(failed(f"IN-0{layer}a", "Then x: broken"))
    diagnosis = diagnosis_of(found)
    assert diagnosis is not None and diagnosis.layer == layer


def test_every_cause_is_told_once_with_its_remedy_and_its_tickets() -> None:
    found = record(
        failed("DQ-05a", "Then x: recording 7 has been open for 117.3 h"),
        failed("DQ-02a.1", "known\nThen x: has no index by start_time", "known_issue", ticket="PZ-13983"),
        failed("DQ-02c", "known\nThen x: COLLSCAN", "known_issue", ticket="PZ-13983"),
        failed("CA-08a", "Then x: it was answered 500 'Error'"),
        failed("CA-01a", "Then x: 40 of 200 succeeded"),
        failed("DQ-04b", "Then x: only 13.1% are recognised"),
    )
    found.remarks.append(Trouble("kubernetes api port", "port 6443 does not let this machine in"))
    steps = first_steps(found, GAP)
    assert [step.scenarios for step in steps] == [
        (), ("DQ-02a.1", "DQ-02c"), ("CA-08a",), ("CA-01a",), ("DQ-05a",), ("DQ-04b",),
    ]  # fmt: skip
    assert steps[0].seen == "port 6443 does not let this machine in" and "ssh_tunnel" in steps[0].remedy
    assert steps[1].is_known and steps[1].tickets == ("PZ-13983",)
    assert f"`focus-acceptance remedy indexes -e {found.environment}`" in steps[1].remedy
    assert (steps[3].seen, steps[3].remedy.endswith("First: buy slices. Then: again.")) == ("40 of 200 jobs.", True)
    assert not steps[4].is_known and "117.3 h" in steps[4].seen


def test_a_gap_report_without_a_gap_asks_for_nothing() -> None:
    enough = CapacityReport(Path("gap.json"), 200, 200, 0, "pass", "200 of 200 jobs.", ("Nothing has to be changed.",))
    assert first_steps(record(scenario("CA-01a")), enough) == []


def test_a_measurement_that_decided_nothing_accuses_no_layer() -> None:
    why = "When x: Inconclusive: 25 of 50 were opened\nafter_scenario: the server logged 25 errors"
    found = record(failed("IN-03b", why, "error"), failed("CA-01a", "Then x: Inconclusive: 160 of 200", "error"))
    assert diagnosis_of(found) is None
    (step,) = first_steps(found)
    assert step.scenarios == ("IN-03b", "CA-01a") and "tester's machine" in step.remedy


def test_what_fits_no_entry_is_told_at_the_end_under_its_name() -> None:
    found = record(failed("XX-01a", "Then x: new"), failed("DQ-05a", "Then x: open"))
    assert causes(found)[-1] == "Example XX-01a"


def test_the_diagnosis_stands_at_the_top_of_console_and_job_summary() -> None:
    found = record(failed("IN-01a", "Then x: unreachable: nobody answers"), failed("DQ-01a", "Then x: no entry"))
    console = list(summary_lines(found, Painter(False, None), "reports"))
    assert console[1].startswith("Diagnosis: layer 1. Foundation: MongoDB cannot be reached")
    assert "nobody answers" in console[2] and console[3].startswith("  next: Check its log")
    text = summary(found)
    assert text.splitlines()[2].startswith("**Diagnosis: layer 1.** Foundation: MongoDB cannot be reached")
    assert text.index("What to do first") < text.index("What failed")
