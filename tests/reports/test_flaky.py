"""Flakiness: verdicts that vary although nothing changed, and the confidence in that statement."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
from site_project import NOW

from support.cli.report import flaky
from support.reporting.history import History, HistoryEntry, PastResult, append
from support.reporting.history.entry import SCHEMA
from support.reporting.history.flaky import TooFewRuns, flaky_lines, judge


def run(minute: int, statuses: dict[str, str], shares: dict[str, float] | None = None, **changed: Any) -> HistoryEntry:
    scenarios = {name: PastResult(status, 1.0, (shares or {}).get(name)) for name, status in statuses.items()}  # type: ignore[arg-type]  # the statuses are those of the tests below
    values: dict[str, Any] = {
        "schema": SCHEMA,
        "environment": "sandbox",
        "started": NOW + datetime.timedelta(minutes=minute),
        "duration_s": 5,
        "verdict": "passed",
        "ended": "complete",
        "counts": {},
        "troubles": 0,
        "leftovers": 0,
        "revision": "0123456789abcdef",
        "fingerprint": "f",
        "scenarios": scenarios,
    }
    return HistoryEntry(**{**values, **changed})


def lines(*entries: HistoryEntry) -> list[str]:
    return list(flaky_lines(judge(History(entries))))


GOOD = {"JL-01a": "passed", "JL-01b": "passed"}
BAD = {"JL-01a": "passed", "JL-01b": "failed"}


def test_a_mixed_verdict_is_flaky_and_its_odd_run_can_be_repeated() -> None:
    told = lines(run(0, GOOD), run(1, GOOD), run(2, BAD, under_load=True, shuffle=7))
    assert told == [
        "FLAKY: 1 of 2 scenarios did not always end the same way in 3 runs of sandbox at 0123456789, "
        "1 of them on a busy machine.",
        "  JL-01b   2 passed, 1 failed",
        "           failed on 2026-03-04 at 05:08:07 UTC, on a busy machine, -D shuffle=7",
    ]


def test_the_same_verdict_each_time_is_not_flaky_and_says_how_sure_that_is() -> None:
    told = lines(*(run(minute, GOOD) for minute in range(10)))
    assert told == [
        "No scenario is flaky: 2 scenarios in 10 runs of sandbox at 0123456789.",
        "One that fails in 26% of all runs would have been seen (95 % sure).",
    ]


def test_what_fails_every_time_is_not_flaky_but_told() -> None:
    assert "Failing every time: JL-01b" in lines(run(0, BAD), run(1, BAD))


@pytest.mark.parametrize(
    "other",
    [
        run(0, BAD, revision="other"),
        run(0, BAD, revision="0123456789abcdef+12"),
        run(0, BAD, fingerprint="another site"),
        run(0, BAD, environment="staging"),
        run(0, BAD, ended="interrupted"),
        run(0, BAD, ended="not_started"),
    ],
)
def test_only_complete_runs_of_the_same_thing_are_compared(other: HistoryEntry) -> None:
    found = judge(History((other, run(1, GOOD), run(2, GOOD))))
    assert (len(found.runs), found.mixed) == (2, ())


def test_without_a_revision_only_a_series_vouches_that_nothing_changed() -> None:
    known: dict[str, Any] = {"revision": None}
    assert len(judge(History((run(0, BAD, series="a", **known), run(1, GOOD, series="a", **known)))).mixed) == 1
    with pytest.raises(TooFewRuns, match="unknown revision"):
        judge(History((run(0, BAD, series="a", **known), run(1, GOOD, series="b", **known))))
    with pytest.raises(TooFewRuns, match="unknown revision"):
        judge(History((run(0, BAD, **known), run(1, GOOD, **known))))


def test_a_series_is_judged_by_its_own_runs_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for entry in (run(0, BAD), run(1, BAD, series="a"), *(run(minute, GOOD, series="b") for minute in (2, 3))):
        append(tmp_path / "history", entry)
    assert flaky(tmp_path, "sandbox", "b") == 0
    assert "No scenario is flaky: 2 scenarios in 2 runs" in capsys.readouterr().out
    assert flaky(tmp_path, "sandbox") == 1
    assert flaky(tmp_path, "sandbox", "a") == 2


def test_a_scenario_that_was_skipped_once_is_not_flaky() -> None:
    assert judge(History((run(0, GOOD), run(1, {**GOOD, "JL-01b": "skipped"})))).mixed == ()


def test_a_known_issue_that_passes_once_is_flaky() -> None:
    known = {"JL-01a": "known_issue"}
    assert len(judge(History((run(0, known), run(1, {"JL-01a": "unexpected_pass"})))).mixed) == 1


def test_scenarios_close_to_a_deadline_are_told_the_closest_first() -> None:
    told = lines(
        run(0, GOOD, {"JL-01a": 0.6, "JL-01b": 0.5}),
        run(1, GOOD, {"JL-01a": 0.9, "JL-01b": 0.7}, under_load=True),
        run(2, GOOD, {"JL-01a": 0.55}),
    )
    assert told[2:] == ["Used more than 50% of a deadline:", "  JL-01b   70% on a busy machine", "  JL-01a   60%"]


def test_a_deadline_that_was_missed_is_a_failure_and_not_a_close_shave() -> None:
    assert judge(History((run(0, BAD, {"JL-01b": 1.0}), run(1, BAD, {"JL-01b": 1.0})))).close == ()


@pytest.mark.parametrize(
    ("entries", "code", "says"),
    [
        ([run(0, GOOD), run(1, GOOD)], 0, "No scenario is flaky"),
        ([run(0, GOOD), run(1, BAD)], 1, "FLAKY: 1 of 2"),
        ([run(0, GOOD)], 2, "only one run of sandbox at 0123456789: make repeat makes some more"),
        ([], 2, "no complete run in the history"),
    ],
)
def test_the_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], entries: list[HistoryEntry], code: int, says: str
) -> None:
    for entry in entries:
        append(tmp_path / "history", entry)
    assert flaky(tmp_path, None) == code
    out, err = capsys.readouterr()
    assert says in (err if code == 2 else out)


def test_the_environment_can_be_chosen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for entry in (run(0, GOOD, environment="staging"), run(1, GOOD, environment="staging"), run(2, GOOD)):
        append(tmp_path / "history", entry)
    assert flaky(tmp_path, "staging") == 0
    assert flaky(tmp_path, "nowhere") == 2
    assert "no complete run of nowhere in the history" in capsys.readouterr().err


def test_a_damaged_entry_is_said_and_does_not_hide_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for entry in (run(0, GOOD), run(1, BAD)):
        append(tmp_path / "history", entry)
    (tmp_path / "history" / "x.json").write_text("{", encoding="utf-8")
    assert flaky(tmp_path, None) == 1
    assert "x.json: not an entry of the history" in capsys.readouterr().err
