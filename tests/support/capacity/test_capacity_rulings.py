"""What is concluded from a load, from a growth and from latencies; what decides nothing is no pass and no failure."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from support.capacity import rulings
from support.capacity.baselines import BaselineError, Baselines
from support.capacity.measuring import Growth, Measured
from support.capacity.results import PHASES, ClusterEvidence, JobRecord, LoadStep, SelfCheck, Verdict
from support.capacity.run import CapacityRun, Target
from support.checks import capacity as checks
from support.config.models import Capacity
from support.hooks.selection import reason_to_skip, reason_to_wait
from support.latency import ENOUGH, Answers, Latency
from support.verdicts import Inconclusive, Ruling

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
        (200, GOOD, Verdict.PASS),
        (198, GOOD, Verdict.PASS),
        (193, GOOD, Verdict.INCONCLUSIVE),
        (150, GOOD, Verdict.FAIL),
        (150, BAD, Verdict.INCONCLUSIVE),
        (200, BAD, Verdict.INCONCLUSIVE),
    ],
)
def test_two_hundred_are_judged_with_confidence(ok: int, check: SelfCheck, verdict: Verdict) -> None:
    assert rulings.meets_the_requirement(measured(ok, 200, check), Capacity()).verdict is verdict


@pytest.mark.parametrize(("ok", "verdict"), [(10, Verdict.PASS), (9, Verdict.FAIL)])
def test_of_a_few_the_share_counts(ok: int, verdict: Verdict) -> None:
    assert rulings.meets_the_requirement(measured(ok, 10), Capacity()).verdict is verdict


def test_a_failure_names_what_was_answered() -> None:
    assert "no room" in rulings.meets_the_requirement(measured(100, 200), Capacity()).reason


def test_growth_fails_at_the_step_that_does_not_hold_and_says_why_it_ended() -> None:
    ruling = rulings.holds_every_step(Growth((measured(5, 5), measured(7, 10)), "stopped at 10"), Capacity())
    assert ruling.verdict is Verdict.FAIL
    assert "step of 10: 7 of 10 opened completely" in ruling.reason
    assert "stopped at 10" in ruling.reason


def test_growth_from_an_unclean_state_is_told() -> None:
    growth = Growth((measured(5, 5, leftovers=("service grpc-service-1-2",)), measured(10, 10)))
    assert rulings.began_clean(growth).verdict is Verdict.FAIL
    assert rulings.began_clean(Growth((measured(5, 5),))).verdict is Verdict.PASS


def test_an_untrusted_generator_decides_nothing_about_a_step() -> None:
    ruling = rulings.holds_every_step(Growth((measured(3, 10, BAD),)), Capacity())
    assert ruling.verdict is Verdict.INCONCLUSIVE


def test_a_single_investigation_is_judged_by_the_middle_of_a_few() -> None:
    slow, fast = measured(1, 1, None), measured(1, 1, None)
    slow = Measured(replace(slow.run, step=replace(slow.step, records=(record(0, answered_s=2.0),))), ())
    assert rulings.is_answered_within([fast, fast, slow], 300.0).verdict is Verdict.PASS
    assert rulings.is_answered_within([fast, slow, slow], 300.0).verdict is Verdict.FAIL
    assert rulings.all_succeed([fast, measured(0, 1, None)]).verdict is Verdict.FAIL


def test_what_decides_nothing_neither_passes_nor_fails() -> None:
    Ruling(Verdict.PASS, "fine").enforce()
    with pytest.raises(AssertionError, match="too slow"):
        Ruling(Verdict.FAIL, "too slow").enforce()
    with pytest.raises(Inconclusive, match="too few"):
        Ruling(Verdict.INCONCLUSIVE, "too few").enforce()


def test_ports_that_were_not_reached_or_are_shared_are_told() -> None:
    good = measured(3, 3)
    assert checks.reaches_every_port().matches(good)
    assert not checks.reaches_every_port().matches(measured(0, 3))
    shared = Measured(replace(good.run, step=replace(good.step, distinct_ports=2)), ())
    assert not checks.reaches_every_port().matches(shared)
    closed = replace(good.step.records[0], reached={"answered": 0.1})
    silent = Measured(replace(good.run, step=replace(good.step, records=(closed, *good.step.records[1:]))), ())
    assert not checks.reaches_every_port().matches(silent)


def latency() -> Latency:
    return Latency(None, None, None, None, None, SimpleNamespace(limits=None))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("latencies_ms", "own_ms", "trouble", "verdict"),
    [
        ((100.0,) * 80, 1.0, "", Verdict.PASS),
        ((100.0,) * 80, 99.0, "", Verdict.PASS),
        ((400.0,) * 80, 1.0, "", Verdict.FAIL),
        ((400.0,) * 80, 99.0, "", Verdict.INCONCLUSIVE),
        ((100.0,) * 79, 1.0, "1 of 80 failed", Verdict.FAIL),
        ((100.0,) * 20, 1.0, "", Verdict.INCONCLUSIVE),
        ((100.0,) * (ENOUGH - 1) + (999.0,), 1.0, "", Verdict.PASS),
        ((100.0,) * 79 + (999.0,), 1.0, "", Verdict.INCONCLUSIVE),
    ],
)
def test_latencies_are_judged_by_p95_and_the_share_of_the_suite(
    latencies_ms: tuple[float, ...], own_ms: float, trouble: str, verdict: Verdict
) -> None:
    ruling = latency().are_fast(Answers("opening", latencies_ms, trouble, own_ms), 300.0, 500.0)
    assert ruling.verdict is verdict
    assert f"the suite itself adds {own_ms:.1f} ms" in ruling.reason


def test_each_answer_counts_where_the_limit_is_for_each() -> None:
    assert latency().are_each_fast(Answers("channels", (1.0, 999.0), "", 1.0), 1000.0).verdict is Verdict.PASS
    assert latency().are_each_fast(Answers("channels", (1.0, 1001.0), "", 1.0), 1000.0).verdict is Verdict.FAIL


def test_a_baseline_grows_and_says_when_it_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FOCUS_BASELINES", raising=False)
    baselines = Baselines(tmp_path, "sandbox")
    assert baselines.reason_to_wait() == (
        "there is no baseline yet: 0 earlier runs of this environment are known, 8 are needed"
    )
    for number in range(8):
        baselines.add(float(number))
    assert baselines.reason_to_wait() is None
    assert [run.configure_p95_ms for run in baselines.runs()] == [float(number) for number in range(8)]
    assert json.loads(baselines.path.read_text())["schema"] == "focus-acceptance/baseline/1"


def test_a_baseline_that_is_none_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOCUS_BASELINES", str(tmp_path))
    (tmp_path / "sandbox.json").write_text('{"runs": [{"at": "now"}]}')
    with pytest.raises(BaselineError, match="sandbox.json: not a baseline of this suite"):
        Baselines(tmp_path, "sandbox").runs()


def test_slow_scenarios_and_those_without_a_baseline_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FOCUS_SLOW", raising=False)
    monkeypatch.delenv("FOCUS_BASELINES", raising=False)
    baselines = Baselines(tmp_path, "sandbox")
    assert "ask for it with -D slow=yes" in str(reason_to_wait({"slow"}, {}, baselines))
    assert reason_to_wait({"slow"}, {"slow": "yes"}, baselines) is None
    assert "there is no baseline yet" in str(reason_to_wait({"needs_baseline"}, {}, baselines))
    environment = SimpleNamespace(
        capabilities=(), safety=SimpleNamespace(load=False), identity=SimpleNamespace(name="production")
    )
    assert "does not permit what is tagged load" in str(
        reason_to_skip({"needs_baseline", "load"}, environment)  # type: ignore[arg-type]
    )
