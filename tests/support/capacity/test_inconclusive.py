"""An inconclusive scenario is an error: it never passes, never blames the system, and no known issue excuses it."""

from __future__ import annotations

import datetime
from types import SimpleNamespace

from support.capacity.load.once_more import MachineBusy
from support.reporting.record.context import RunContext
from support.reporting.record.known import KnownIssue
from support.reporting.record.outcome import exception_text, scenario_result
from support.statistics.verdict import Inconclusive

TICKET = KnownIssue("CA-01a", "PZ-1", datetime.date(2099, 1, 1), "150 of 200")


def scenario(exception: Exception, status: str) -> SimpleNamespace:
    word = SimpleNamespace(name=status)
    step = SimpleNamespace(
        keyword="Then", name="it holds", status=word, exception=exception, duration=0.0, table=None, text=None
    )
    parent = SimpleNamespace(type="rule", name="Rule")
    return SimpleNamespace(
        name="a scenario", filename="f.feature", line=1, status=word, all_steps=[step], tags=["CA-01a"], parent=parent,
        effective_tags=["CA-01a"], duration=0.0, feature=SimpleNamespace(name="f"), skip_reason=None,
    )  # fmt: skip


def test_the_reason_begins_with_the_word() -> None:
    for kind in (Inconclusive, MachineBusy):
        assert exception_text(kind("the generator is too slow")) == "Inconclusive: the generator is too slow"


def test_a_known_issue_excuses_a_failure_and_not_a_measurement_that_decides_nothing() -> None:
    run = RunContext(known_issues=[TICKET])
    assert scenario_result(scenario(AssertionError("150 of 200"), "failed"), run).status == "known_issue"
    found = scenario_result(scenario(Inconclusive("too slow"), "error"), run)
    assert found.status == "error"
    assert "Inconclusive: too slow" in str(found.reason)
