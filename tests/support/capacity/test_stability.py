"""Stability in scaled time: a leak is found and a warm-up is not; restarts, slowness and failures are reported."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from support.clients.focus_server.client import ConnectionFailed
from support.clients.safety import Budget, SafetyPolicy
from support.stability.patterns import at_intervals, in_a_rush, in_growing_numbers, steadily, without_a_pause
from support.stability.steady_state import Lifetime, Stability
from support.statistics.verdict import Outcome

SCALE = 0.001
"""One hour takes 3.6 s."""
SERVER = "focus-server-abc"

ANYTHING = Budget(SafetyPolicy("sandbox", load=True))


class Site:
    """A server whose memory follows a curve over hours, and whose openings take the set time."""

    def __init__(self, memory_mb: Callable[[float], float], fails: bool = False, restarts: bool = False) -> None:
        self._memory_mb, self._fails, self._restarts = memory_mb, fails, restarts
        self._began_s, self._looks, self._random = time.monotonic(), 0, random.Random(7)
        self.released: list[str] = []
        self.asked: list[Any] = []
        self.shown: list[tuple[str, Any]] = []

    def pods(self, label_selector: str) -> list[Any]:
        self._looks += 1
        restarts = int(self._restarts and self._looks > 2)
        return [SimpleNamespace(name=SERVER, uid="u", restarts=restarts, is_over=False)]

    def pod_metrics(self) -> dict[str, Any]:
        hours = (time.monotonic() - self._began_s) / 3600 / SCALE
        used = self._memory_mb(hours) + self._random.gauss(0, 2)
        return {SERVER: SimpleNamespace(memory_bytes=int(used * 1_000_000))}

    def open_running(self, request: Any) -> tuple[Any, None]:
        self.asked.append(request)
        if self._fails:
            self._looks += 1
            raise (
                ConnectionFailed("it broke", "broken", 0.1)
                if self._looks % 2
                else AssertionError("it was answered 503")
            )
        answer = SimpleNamespace(duration_s=0.04)
        return SimpleNamespace(job_id="1-1", attempt=SimpleNamespace(answer=answer)), None

    def release(self, job_id: str) -> None:
        self.released.append(job_id)

    def left_behind(self) -> list[str]:
        return []

    def write_curves(self, title: str, environment: str, curves: Any) -> None:
        self.shown.append((title, curves))


def stability(site: Site) -> Stability:
    limits = SimpleNamespace(
        stability_duration_s=3600.0, stability_interval_s=300.0, time_scale=SCALE, stability_success_rate=0.95,
        memory_growth_mb_per_h=10.0, configure_p95_ms=300.0, answer_under_load_p95_ms=5000.0,
    )  # fmt: skip
    server = SimpleNamespace(pod_selector="app=focus-server", deployment="focus-server", port=5000, container=None)
    services = SimpleNamespace(focus_server=server)
    environment = SimpleNamespace(name="site", limits=limits, kubernetes=SimpleNamespace(services=services))
    return Stability(site, site, site, site, environment, ANYTHING, site)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("memory_mb", "verdict"),
    [
        (lambda hours: 600 - 80 * math.exp(-hours * 15), Outcome.PASS),
        (lambda hours: 600 + 120 * hours, Outcome.FAIL),
    ],
    ids=["a warm-up", "a leak"],
)
def test_an_hour_of_memory(memory_mb: Callable[[float], float], verdict: Outcome) -> None:
    site = Site(memory_mb)
    judge = stability(site)
    seen = judge.live(at_intervals)
    assert judge.keeps_its_memory(seen).outcome is verdict
    assert judge.opened_often_enough(seen).outcome is Outcome.PASS
    assert judge.stays_fast(seen).outcome is Outcome.PASS
    assert seen.asked == len(site.released) == 12
    assert judge.was_never_restarted(seen).outcome is Outcome.PASS
    ((title, curves),) = site.shown
    assert title == "Investigations opened and released at intervals"
    assert (curves["asked"], len(curves["answers"]), curves["limit_ms"]) == (12, 12, 300.0)
    assert {answer["ms"] for answer in curves["answers"]} == {40.0}
    assert max(step["jobs"] for step in curves["open"]) == 1 and curves["open"][-1]["jobs"] == 0


def test_failures_and_restarts_are_told() -> None:
    judge = stability(Site(lambda hours: 600, fails=True, restarts=True))
    seen = judge.live(at_intervals)
    assert judge.opened_often_enough(seen).outcome is Outcome.FAIL
    assert "after 0 s: it was answered 503" in judge.opened_often_enough(seen).reason
    assert judge.was_never_restarted(seen).outcome is Outcome.FAIL


def test_a_server_that_becomes_slower_is_found_and_one_without_metrics_is_not_judged() -> None:
    judge = stability(Site(lambda hours: 600))
    points = tuple((number * 0.3, 40.0 + number * 20) for number in range(12))
    seen = Lifetime(12, points, (), {}, (), ())
    assert judge.stays_fast(seen).outcome is Outcome.FAIL
    assert judge.keeps_its_memory(seen).outcome is Outcome.INCONCLUSIVE


def test_a_server_with_uneven_answers_is_not_called_slower() -> None:
    judge = stability(Site(lambda hours: 600))
    seeds = range(500)
    alarms = 0
    for seed in seeds:
        noise = random.Random(seed)
        points = tuple((number * 0.3, noise.lognormvariate(5, 0.6)) for number in range(10))
        alarms += judge.stays_fast(Lifetime(10, points, (), {}, (), ())).outcome is Outcome.FAIL
    assert alarms <= 3


@pytest.mark.parametrize(
    ("later", "message"),
    [([], f"{SERVER} is gone"), (["another"], "another is new")],
)
def test_a_server_that_is_gone_was_not_left_in_peace(
    monkeypatch: pytest.MonkeyPatch, later: list[str], message: str
) -> None:
    site = Site(lambda hours: 600)
    judge = stability(site)
    before = {"u": SimpleNamespace(name=SERVER, uid="u", restarts=0)}
    left = [SimpleNamespace(name=name, uid=name, restarts=0, is_over=False) for name in later]
    monkeypatch.setattr(site, "pods", lambda label_selector: left)
    assert message in judge._restarted(before)  # type: ignore[arg-type]
    assert judge._restarted({}) == ["there was no server to watch"]


def test_what_is_left_of_a_long_time_is_named() -> None:
    judge = stability(Site(lambda hours: 600))
    left = judge.left_nothing_behind(Lifetime(1, (), (), {}, (), ("service grpc-service-1-2",)))
    assert left.outcome is Outcome.FAIL and left.reason == "left over: service grpc-service-1-2"
    assert judge.left_nothing_behind(Lifetime(1, ((0.0, 30.0),), (), {}, (), ())).outcome is Outcome.PASS


def test_the_shapes_of_load_are_those_of_the_requirement() -> None:
    limits = cast(Any, SimpleNamespace(stability_duration_s=3600.0, stability_interval_s=300.0))
    assert [at_intervals(limits).asked, at_intervals(limits).duration_s] == [12, 3600.0]
    assert [steadily(limits).asked, steadily(limits).duration_s] == [120, 600.0]
    assert without_a_pause(limits).asked == 200
    for wave in (in_growing_numbers(limits), in_a_rush(limits)):
        amounts = [turn.amount for turn in wave.turns]
        assert amounts[:12] == amounts[-12:] == [1] * 12 and sorted(amounts[12:-12]) == amounts[12:-12]
        assert [turn.at_s for turn in wave.turns] == sorted(turn.at_s for turn in wave.turns)
    assert max(turn.amount for turn in in_a_rush(limits).turns) == 50


def test_what_did_not_open_of_those_that_came_together_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(lambda hours: 600)
    step = SimpleNamespace(asked=50, succeeded=44, records=(), of_earlier=(), leftovers=("service grpc-service-1-7",))
    monkeypatch.setattr(site, "make", lambda title, bodies: SimpleNamespace(step=step), raising=False)
    judge = stability(site)
    seen = judge.live(in_a_rush)
    assert seen.asked == 74 and len(seen.troubles) == 6
    assert judge.opened_often_enough(seen).outcome is Outcome.FAIL
    assert "one of 50 that came together did not open" in judge.opened_often_enough(seen).reason
    assert judge.left_nothing_behind(seen).reason == "left over: service grpc-service-1-7"


def test_a_drift_of_a_few_milliseconds_in_a_short_time_is_noise() -> None:
    judge = stability(Site(lambda hours: 600))

    def outcome(rise_ms: float) -> Outcome:
        points = tuple((number * 0.01, 40.0 + rise_ms * number / 200) for number in range(200))
        return judge.stays_fast(Lifetime(200, points, (), {}, (), ())).outcome

    assert [outcome(30.0), outcome(90.0)] == [Outcome.PASS, Outcome.FAIL]
