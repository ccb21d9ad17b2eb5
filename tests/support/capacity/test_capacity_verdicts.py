"""Verdicts on a load, a growth and latencies; a measurement that decides nothing neither passes nor fails."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hamcrest import assert_that
from hamcrest.core.string_description import StringDescription

from support.capacity import checks, verdicts
from support.capacity.load.results import PHASES, ClusterEvidence, JobRecord, LoadStep, SelfCheck
from support.capacity.load.run import CapacityRun, Target
from support.capacity.measured import Growth, Measured
from support.checks.verdict import passes
from support.config.models import Capacity
from support.latency.answers import ENOUGH, Answers, Latency
from support.latency.baselines import Baselines
from support.reporting.history import append, entry_of
from support.reporting.record.model import Record, Repeat
from support.selection import reason_to_skip, reason_to_wait
from support.statistics.verdict import Inconclusive, Outcome, Verdict

NOW = datetime(2026, 11, 21, tzinfo=UTC)
GOOD = SelfCheck(200, 300.0, 1.0, 2.0, 200, 200.0, True)
BAD = SelfCheck(200, 300.0, 40.0, 90.0, 200, 200.0, False, "it adds 90.0 ms at P95")


def record(number: int, ok: bool = True, answered_s: float = 0.1) -> JobRecord:
    reached = {phase: answered_s + place / 10 for place, phase in enumerate(PHASES)}
    return JobRecord(
        number, 0.0, 0.0, 200 if ok else 503, "" if ok else '{"error":"no room"}',
        job_id=f"{number}-{number}" if ok else None, stream_host="127.0.0.1" if ok else None,
        stream_port=12000 + number if ok else None, reached=reached if ok else {}, alive_together=ok,
    )  # fmt: skip


def measured(ok: int, asked: int, check: SelfCheck | None = GOOD, leftovers: tuple[str, ...] = ()) -> Measured:
    records = tuple(record(number, number < ok) for number in range(asked))
    step = LoadStep(asked, records, 1.0, asked, 1.0, ok, ok, leftovers)
    run = CapacityRun("sandbox", NOW, NOW, Target(asked, 0.95, 5000.0), step, ClusterEvidence(), self_check=check)
    return Measured(run, ())


@pytest.mark.parametrize(
    ("ok", "check", "verdict"),
    [
        (200, GOOD, Outcome.PASS),
        (198, GOOD, Outcome.PASS),
        (193, GOOD, Outcome.INCONCLUSIVE),
        (150, GOOD, Outcome.FAIL),
        (150, BAD, Outcome.INCONCLUSIVE),
        (200, BAD, Outcome.INCONCLUSIVE),
    ],
)
def test_two_hundred_are_judged_with_confidence(ok: int, check: SelfCheck, verdict: Outcome) -> None:
    assert verdicts.meets_the_requirement(measured(ok, 200, check), Capacity()).outcome is verdict


@pytest.mark.parametrize(("ok", "verdict"), [(10, Outcome.PASS), (9, Outcome.FAIL)])
def test_of_a_few_the_share_counts(ok: int, verdict: Outcome) -> None:
    assert verdicts.meets_the_requirement(measured(ok, 10), Capacity()).outcome is verdict


def test_a_failure_names_what_was_answered() -> None:
    assert "no room" in verdicts.meets_the_requirement(measured(100, 200), Capacity()).reason


def test_growth_fails_at_the_step_that_does_not_hold_and_says_why_it_ended() -> None:
    found = verdicts.holds_every_step(Growth((measured(5, 5), measured(7, 10)), "stopped at 10"), Capacity())
    assert found.outcome is Outcome.FAIL
    assert "step of 10: 7 of 10 opened completely" in found.reason
    assert "stopped at 10" in found.reason


def test_growth_from_an_unclean_state_is_told() -> None:
    growth = Growth((measured(5, 5, leftovers=("service grpc-service-1-2",)), measured(10, 10)))
    assert verdicts.began_clean(growth).outcome is Outcome.FAIL
    assert verdicts.began_clean(Growth((measured(5, 5),))).outcome is Outcome.PASS
    second = measured(10, 10)
    late = replace(second, run=replace(second.run, step=replace(second.step, of_earlier=("service grpc-service-1-2",))))
    found = verdicts.began_clean(Growth((measured(5, 5), late)))
    assert found.outcome is Outcome.FAIL
    assert found.reason == "before the step of 10 there was still: service grpc-service-1-2"


def test_an_untrusted_generator_decides_nothing_about_a_step() -> None:
    found = verdicts.holds_every_step(Growth((measured(3, 10, BAD),)), Capacity())
    assert found.outcome is Outcome.INCONCLUSIVE


def test_a_single_investigation_is_judged_by_the_middle_of_a_few() -> None:
    slow, fast = measured(1, 1, None), measured(1, 1, None)
    slow = Measured(replace(slow.run, step=replace(slow.step, records=(record(0, answered_s=2.0),))), ())
    assert verdicts.is_answered_within([fast, fast, slow], 300.0).outcome is Outcome.PASS
    assert verdicts.is_answered_within([fast, slow, slow], 300.0).outcome is Outcome.FAIL
    assert verdicts.all_succeed([fast, measured(0, 1, None)]).outcome is Outcome.FAIL


def test_what_decides_nothing_neither_passes_nor_fails() -> None:
    assert_that(Verdict(Outcome.PASS, "fine"), passes())
    with pytest.raises(AssertionError, match="too slow"):
        assert_that(Verdict(Outcome.FAIL, "too slow"), passes())
    with pytest.raises(Inconclusive, match="too few"):
        assert_that(Verdict(Outcome.INCONCLUSIVE, "too few"), passes())


@pytest.mark.parametrize(
    ("verdict", "headroom", "said"),
    [
        ("pass", 12, None),
        ("pass", None, "the report does not say how much room is left"),
        ("fail", None, "the report says fail: 3 are missing"),
    ],
)
def test_the_report_tells_of_headroom(tmp_path: Path, verdict: str, headroom: int | None, said: str | None) -> None:
    found = reported(tmp_path, verdict, headroom)
    assert checks.tells_of_headroom().matches(found) is (said is None)
    description = StringDescription()
    checks.tells_of_headroom().describe_mismatch(found, description)
    assert said is None or str(description) == said


def test_a_report_that_decides_nothing_tells_of_no_headroom(tmp_path: Path) -> None:
    with pytest.raises(Inconclusive, match="3 are missing"):
        checks.tells_of_headroom().matches(reported(tmp_path, "inconclusive", None))


def reported(folder: Path, verdict: str, headroom: int | None) -> Measured:
    """A load with a gap report of this verdict and headroom."""
    gap = {"verdict": verdict, "sentence": "3 are missing", "headroom_jobs": headroom}
    (folder / "gap.json").write_text(json.dumps({"gap_analysis": gap}), encoding="utf-8")
    return replace(measured(3, 3), reports=(folder / "gap.json",))


def test_of_those_for_whom_there_is_room_all_are_opened_and_the_others_told() -> None:
    full = measured(3, 5)
    records = tuple(replace(one, status=503) if "answered" not in one.reached else one for one in full.step.records)
    told = Measured(replace(full.run, step=replace(full.step, records=records)), ())
    assert checks.opens_exactly(3).matches(told)
    assert not checks.opens_exactly(2).matches(told) and not checks.opens_exactly(4).matches(told)
    broken = replace(records[-1], status=500)
    unclear = Measured(replace(full.run, step=replace(full.step, records=(*records[:-1], broken))), ())
    assert "answered" not in broken.reached and not checks.opens_exactly(3).matches(unclear)


def test_ports_that_were_not_reached_or_are_shared_are_told() -> None:
    good = measured(3, 3)
    assert checks.reaches_every_port().matches(good)
    assert not checks.reaches_every_port().matches(measured(0, 3))
    one, other, third = good.step.records
    twice = replace(other, stream_host=one.stream_host, stream_port=one.stream_port)
    shared = Measured(replace(good.run, step=replace(good.step, records=(one, twice, third))), ())
    assert not checks.reaches_every_port().matches(shared)
    closed = replace(good.step.records[0], reached={"answered": 0.1})
    silent = Measured(replace(good.run, step=replace(good.step, records=(closed, *good.step.records[1:]))), ())
    assert not checks.reaches_every_port().matches(silent)


def latency() -> Latency:
    return Latency(None, None, None, None, None, None, SimpleNamespace(limits=None), None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("latencies_ms", "own_ms", "trouble", "verdict"),
    [
        ((100.0,) * 80, 1.0, "", Outcome.PASS),
        ((100.0,) * 80, 99.0, "", Outcome.PASS),
        ((400.0,) * 80, 1.0, "", Outcome.FAIL),
        ((400.0,) * 80, 99.0, "", Outcome.FAIL),
        ((400.0,) * 80, 101.0, "", Outcome.INCONCLUSIVE),
        ((310.0,) * 80, 29.0, "", Outcome.FAIL),
        ((100.0,) * 79, 1.0, "1 of 80 failed", Outcome.FAIL),
        ((100.0,) * 20, 1.0, "", Outcome.INCONCLUSIVE),
        ((100.0,) * (ENOUGH - 1) + (999.0,), 1.0, "", Outcome.PASS),
        ((100.0,) * 79 + (999.0,), 1.0, "", Outcome.INCONCLUSIVE),
    ],
)
def test_latencies_are_judged_by_p95_and_the_share_of_the_suite(
    latencies_ms: tuple[float, ...], own_ms: float, trouble: str, verdict: Outcome
) -> None:
    found = latency().are_fast(Answers("opening", latencies_ms, trouble, own_ms), 300.0, 500.0)
    assert found.outcome is verdict
    assert f"the suite itself adds {own_ms:.1f} ms" in found.reason


def answered_in(monkeypatch: pytest.MonkeyPatch, *took_ms: float, status: int = 200) -> Latency:
    """Measures health checks of a server whose answers take so long; the last of them repeats."""
    row = [*took_ms, *[took_ms[-1]] * ENOUGH]
    client = SimpleNamespace(ack=lambda: SimpleNamespace(duration_s=row.pop(0) / 1000, status=status, message="no"))
    generator = SimpleNamespace(single_ms=lambda: 1.0)
    site = SimpleNamespace(limits=SimpleNamespace(ack_p95_ms=300.0))
    once: Any = SimpleNamespace(decided=lambda make, spoilt, tell: make())
    monkeypatch.setattr("support.latency.answers.recorded", lambda figure, answers: answers)
    monkeypatch.setattr("support.latency.answers.MachineMeter", lambda: SimpleNamespace(use=lambda: None))
    budget: Any = SimpleNamespace(require_load=lambda what: None)
    return Latency(client, None, None, generator, once, None, site, budget)  # type: ignore[arg-type]


@pytest.mark.parametrize("first_ms", [(), (10.0,) * 40])
def test_who_is_too_slow_whatever_comes_is_asked_no_more(
    monkeypatch: pytest.MonkeyPatch, first_ms: tuple[float, ...]
) -> None:
    measuring = answered_in(monkeypatch, *first_ms, 301.0)
    told = measuring.health_checks()
    late = sum(took_ms > 300 for took_ms in told.latencies_ms)
    assert (late, len(told.latencies_ms)) == (12, len(first_ms) + 12)
    verdict = measuring.health_checks_are_fast(told)
    assert verdict.outcome is Outcome.FAIL
    assert f"stopped after {len(first_ms) + 12}: even if the other" in verdict.reason
    one_less = replace(told, latencies_ms=told.latencies_ms[:-1], not_asked=told.not_asked + 1)
    assert measuring.health_checks_are_fast(one_less).outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize(("took_ms", "status"), [(10.0, 200), (10.0, 500), (400.0, 500)])
def test_who_is_in_time_or_answers_wrongly_is_asked_to_the_end(
    monkeypatch: pytest.MonkeyPatch, took_ms: float, status: int
) -> None:
    told = answered_in(monkeypatch, took_ms, status=status).health_checks()
    assert (len(told.latencies_ms), told.not_asked) == (ENOUGH, 0)


def test_each_answer_counts_where_the_limit_is_for_each() -> None:
    assert latency().are_each_fast(Answers("channels", (1.0, 999.0), "", 1.0), 1000.0).outcome is Outcome.PASS
    assert latency().are_each_fast(Answers("channels", (1.0, 1001.0), "", 1.0), 1000.0).outcome is Outcome.FAIL


def runs_of(
    folder: Path, *p95s_ms: float, days: int = 0, environment: str = "sandbox", under_load: bool = False
) -> None:
    """Consecutive runs in a history, with these P95 values."""
    for hour, p95_ms in enumerate(p95s_ms):
        started = NOW + timedelta(days=days, hours=hour)
        figures, repeat = {"opening_p95_ms": p95_ms}, Repeat(under_load=under_load)
        append(folder, entry_of(Record(environment, started, started, 60.0, [], figures=figures, repeat=repeat)))


def baselines(folder: Path | None) -> Baselines:
    return Baselines(folder, "sandbox", limit_ms=300.0)


@pytest.fixture(autouse=True)
def no_other_baselines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FOCUS_BASELINES", raising=False)


def test_a_baseline_grows_and_says_when_it_is_enough(tmp_path: Path) -> None:
    told = f"there is no baseline yet: 0 earlier runs in {tmp_path}, 8 are needed"
    assert baselines(tmp_path).reason_to_wait() == told
    runs_of(tmp_path, *range(40, 48))
    assert baselines(tmp_path).reason_to_wait() is None
    assert baselines(tmp_path).p95s_ms == tuple(range(40, 48))


def test_a_baseline_is_made_of_good_runs_of_the_same_environment_only(tmp_path: Path) -> None:
    runs_of(tmp_path, *range(40, 48), 301.0, 90.0, 44.0)
    runs_of(tmp_path, 41.0, environment="staging")
    runs_of(tmp_path, 42.0, days=1, under_load=True)
    append(tmp_path, entry_of(Record("sandbox", NOW + timedelta(days=2), NOW, 60.0, [])))
    assert baselines(tmp_path).p95s_ms == (*range(40, 48), 44.0)


def test_a_baseline_may_be_another_history_and_is_never_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, own = tmp_path / "other", tmp_path / "own"
    runs_of(other, *range(40, 48))
    before = sorted(path.read_bytes() for path in other.iterdir())
    monkeypatch.setenv("FOCUS_BASELINES", str(other))
    assert len(baselines(own).p95s_ms) == len(baselines(None).p95s_ms) == 8
    assert sorted(path.read_bytes() for path in other.iterdir()) == before and not own.exists()


def test_without_a_history_there_is_no_baseline() -> None:
    assert "0 earlier runs where no history is kept" in str(baselines(None).reason_to_wait())


def test_slow_scenarios_and_those_without_a_baseline_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FOCUS_SLOW", raising=False)
    none = baselines(tmp_path)
    assert "ask for it with -D slow=yes" in str(reason_to_wait({"slow"}, {}, none))
    assert reason_to_wait({"slow"}, {"slow": "yes"}, none) is None
    assert "there is no baseline yet" in str(reason_to_wait({"needs_baseline"}, {}, none))
    environment = SimpleNamespace(
        capabilities=(), safety=SimpleNamespace(load=False), identity=SimpleNamespace(name="production")
    )
    assert "does not permit what is tagged load" in str(
        reason_to_skip({"needs_baseline", "load"}, environment)  # type: ignore[arg-type]
    )
