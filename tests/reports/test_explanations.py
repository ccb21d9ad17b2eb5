"""The wording of failures and verdicts."""

from __future__ import annotations

import pytest
from site_project import failed, result

from support.reporting.explanations import Explanation, explain, without_stack_trace
from support.reporting.site.verdicts import DisplayedVerdict, summarise
from support.reporting.site.words import duration


def test_what_a_matcher_says_is_told_apart() -> None:
    told = explain(failed("JL-01a", "Then", "x", "about this: \nExpected: one\n  or two\n     but: three\nand four"))
    assert told == Explanation(step="Then x", about="about this", wanted="one\n  or two", seen="three\nand four")


def test_what_a_wait_says_is_told_apart() -> None:
    error = "job 1-1\n  wanted: Complete\n  last seen: Failed:\nno\n  gave up early after 1 s of 2 s, looked 2 times"
    told = explain(failed("JL-01a", "Then", "x", error))
    assert told is not None
    assert (told.about, told.wanted, told.seen) == ("job 1-1", "Complete", "Failed:\nno")
    assert told.waited == "gave up early after 1 s of 2 s, looked 2 times"


def test_troubles_after_the_step_and_the_ticket_before_it_are_kept() -> None:
    reason = "PZ-1: slow (known until 2026-12-01)\nThen x: Expected: a\n but: b\nafter_scenario: a job was left"
    told = explain(failed("JL-01a", "Then", "x", "Expected: a\n but: b", status="known_issue", reason=reason))
    assert told is not None
    assert (told.note, told.wanted, told.seen) == ("PZ-1: slow (known until 2026-12-01)", "a", "b")
    assert told.more == "after_scenario: a job was left"


def test_what_is_not_told_apart_is_told_as_it_is() -> None:
    assert explain(result("JL-01a", "error", reason="not run: no cluster")) == Explanation(text="not run: no cluster")
    assert explain(result("JL-01a", "skipped", reason="Expected: a\n but: b")) == Explanation(
        text="Expected: a\n but: b"
    )
    assert explain(result()) is None


def test_a_very_long_text_is_shortened_and_says_so() -> None:
    told = explain(result("JL-01a", "failed", reason="x" * 100_000))
    assert told is not None
    assert len(told.text) < 2000
    assert told.text.endswith("(shortened; the rest is in the evidence)")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("all is well", "all is well"),
        ('Traceback (most recent call last):\n  File "a.py", line 1, in b\n    c()\nValueError: d', "ValueError: d"),
        ('one\n\nTraceback (most recent call last):\n  File "a.py", line 1\n\n    c()\nE: d\ntwo', "one\n\nE: d\ntwo"),
        ("said 'Traceback (most recent call last):\\n  File x' here", "said ' (a stack trace)"),
        ('boom\n  File "a.py", line 1, in b\n    c()', "boom"),
        (
            "Traceback (most recent call last):\n  x\nA: 1\n\nDuring handling of the above exception, another:\n\n"
            "Traceback (most recent call last):\n  y\nB: 2",
            "A: 1\n\nB: 2",
        ),
        ("java.X: y\n\tat com.acme.Foo.bar(Foo.java:12)\n\tat z.Y(Z.java:1)", "java.X: y"),
        ("  indented\n    lines stay", "indented\n    lines stay"),
    ],
)
def test_stack_traces_are_left_out_and_what_they_say_stays(text: str, left: str) -> None:
    assert " ".join(without_stack_trace(text).split()) == " ".join(left.split())


@pytest.mark.parametrize(
    ("statuses", "verdict"),
    [
        ([], DisplayedVerdict("skipped", "not run")),
        (["passed", "passed"], DisplayedVerdict("passed", "passed")),
        (["passed", "backlog"], DisplayedVerdict("passed", "passed")),
        (["passed", "skipped", "not_run"], DisplayedVerdict("passed", "passed", "2 of 3 not run")),
        (["skipped", "not_run"], DisplayedVerdict("skipped", "not run")),
        (["backlog"], DisplayedVerdict("backlog", "backlog")),
        (["passed", "known_issue"], DisplayedVerdict("known_issue", "known issue", "1 of 2")),
        (["known_issue", "error"], DisplayedVerdict("failed", "failed", "1 of 2")),
        (["passed", "unexpected_pass"], DisplayedVerdict("failed", "failed", "1 of 2")),
        (["failed", "skipped"], DisplayedVerdict("failed", "failed", "1 of 2, 1 not run")),
    ],
)
def test_many_results_are_one_verdict(statuses: list[str], verdict: DisplayedVerdict) -> None:
    assert summarise(statuses) == verdict


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "less than a second"),
        (1, "1 second"),
        (65, "1 minute 5 seconds"),
        (3600, "1 hour"),
        (7320, "2 hours 2 minutes"),
    ],
)
def test_durations_are_said_as_people_say_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text
