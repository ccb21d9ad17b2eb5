"""Stability over time (SB-02) and under load of every shape (CA-10): the server must stay as it was."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from statistics import median
from threading import Event
from typing import Any

from support.capacity.load.load_run import LoadRuns
from support.capacity.report.curves import OpeningMoments, Throughput, curves, openings_of, throughput_of
from support.capacity.report.store import Reports
from support.clients.focus_server.client import ConnectionFailed
from support.clients.kubernetes.client import KubernetesClient, Pod
from support.clients.kubernetes.servers import Servers
from support.clients.safety import Budget
from support.config import Environment
from support.config.limits import Limits
from support.investigations.release import Releases
from support.investigations.service import Investigations
from support.model import requests
from support.reporting.progress import Reporter
from support.stability.patterns import Pattern, Turn
from support.statistics.gates import baseline_gate
from support.statistics.trends import Point, after_warm_up, leak, theil_sen
from support.statistics.verdict import Outcome, Verdict, worst

SAMPLE_EVERY_S = 15.0
"""In cluster time, the interval at which the metrics server measures."""
SHORTEST_PAUSE_S = 0.2
DRIFT_SHARE = 0.1
"""An answer drifts if it becomes slower by more than this share of its limit in an hour."""
LEAST_DRIFT_MS = 25.0
"""A smaller total increase can be a pause of the tester's scheduler, however short the observation."""
DRIFT_CONFIDENCE = 0.99
"""Openings are few: with 90 %, one in thirty hours of a server with uneven answers would count as a drift."""
FEWEST_OPENINGS = 6
_MB = 1_000_000


@dataclass(frozen=True)
class Lifetime:
    """Observations of one pattern. Moments are seconds since the start; memory is the working set of each pod in MB."""

    asked: int
    latencies_ms: tuple[Point, ...]
    troubles: tuple[str, ...]
    memory_mb: dict[str, tuple[Point, ...]]
    restarts: tuple[str, ...]
    leftovers: tuple[str, ...]
    wave_s: tuple[float, float] | None = None
    """Start of the first and end of the last turn in which several came together; None if there is no such turn."""


@dataclass
class Course:
    """Timing of every investigation, and the throughput of each turn in which several came together."""

    openings: list[OpeningMoments] = field(default_factory=list)
    points: list[Throughput | None] = field(default_factory=list)


class Stability:
    """Opens and releases investigations in a given pattern, and samples the memory of the server meanwhile."""

    def __init__(
        self,
        investigations: Investigations,
        releases: Releases,
        loads: LoadRuns,
        cluster: KubernetesClient,
        environment: Environment,
        budget: Budget,
        reports: Reports,
    ) -> None:
        self._investigations, self._releases, self._loads = investigations, releases, loads
        self._cluster, self._budget, self._reports = cluster, budget, reports
        self._environment = environment
        self._limits = environment.limits
        self._focus_server = Servers(cluster, environment.kubernetes.services.focus_server)
        self._scale = environment.limits.time_scale

    def live(self, pattern: Callable[[Limits], Pattern], request: Mapping[str, Any] | None = None) -> Lifetime:
        """Run a pattern for its duration, scaled like every time of the cluster. ``request`` is the body of each
        request, a live investigation by default."""
        body = requests.live() if request is None else request
        self._budget.require_load("open investigations for a long time")
        planned = pattern(self._limits)
        before = {pod.uid: pod for pod in self._servers()}
        latencies: list[Point] = []
        troubles: list[str] = []
        left: list[str] = []
        wave: list[float] = []
        course = Course()
        memory: dict[str, list[Point]] = {}
        started_s = time.monotonic()
        with Reporter("stability", planned.asked) as reporter:
            for turn in planned.turns:
                self._sample_until(turn.at_s * self._scale, started_s, memory)
                began_s = time.monotonic() - started_s
                met = self._take(turn, body, started_s, latencies, left, course)
                wave += [began_s, time.monotonic() - started_s] if turn.amount > 1 else []
                troubles += [f"after {turn.at_s:g} s: {error}" for error in met]
                for _ in met:
                    reporter.failed()
                for _ in range(turn.amount - len(met)):
                    reporter.opened()
            self._sample_until(planned.duration_s * self._scale, started_s, memory)
        left += [one for one in self._releases.left_behind() if one not in left]
        self._show(pattern.__name__, course)
        return Lifetime(
            asked=planned.asked,
            latencies_ms=tuple(latencies),
            troubles=tuple(troubles),
            memory_mb={name: tuple(points) for name, points in memory.items()},
            restarts=tuple(self._restarted(before)),
            leftovers=tuple(left),
            wave_s=(wave[0], wave[-1]) if wave else None,
        )

    def _show(self, pattern: str, course: Course) -> None:
        """Write the curves of the run as evidence of the scenario."""
        under_load, alone = self._limits.answer_under_load_p95_ms, self._limits.configure_p95_ms
        found = curves(course.openings, under_load if course.points else alone, course.points)
        title = f"Investigations opened and released {pattern.replace('_', ' ')}"
        self._reports.write_curves(title, self._environment.name, found)

    def _take(
        self,
        turn: Turn,
        body: Mapping[str, Any],
        started_s: float,
        latencies: list[Point],
        left: list[str],
        course: Course,
    ) -> list[str]:
        """Run one turn and return one error for each investigation that did not open. The response times of those that
        come together are judged elsewhere (CA-01)."""
        if turn.amount == 1:
            error = self._open_one(body, started_s, latencies, course)
            return [error] if error else []
        step = self._loads.make(f"{turn.amount} together", [body] * turn.amount).step
        course.openings += (together := openings_of(step.records, started_s))
        course.points.append(throughput_of(together))
        left += [one for one in (*step.of_earlier, *step.leftovers) if one not in left]
        return [f"one of {turn.amount} that came together did not open"] * (step.asked - step.succeeded)

    def opened_often_enough(self, seen: Lifetime) -> Verdict:
        rate = (seen.asked - len(seen.troubles)) / seen.asked
        first = f", the first: {seen.troubles[0]}" if seen.troubles else ""
        verdict = Outcome.PASS if rate >= self._limits.stability_success_rate else Outcome.FAIL
        return Verdict(verdict, f"{len(seen.troubles)} of {seen.asked} did not open{first}")

    def keeps_its_memory(self, seen: Lifetime) -> Verdict:
        """No server pod grows by more than the environment allows, shown with confidence. A warm-up does not count."""
        if not seen.memory_mb:
            return Verdict(Outcome.INCONCLUSIVE, "the metrics tell nothing of the server")
        tolerance = self._limits.memory_growth_mb_per_h
        found = {name: leak(points, tolerance, time_scale=self._scale) for name, points in seen.memory_mb.items()}
        reasons = "; ".join(f"{name}: {trend.reason}" for name, trend in found.items())
        return Verdict(worst([trend.verdict for trend in found.values()]), f"memory in MB: {reasons}")

    def stays_fast(self, seen: Lifetime) -> Verdict:
        """The openings after the warm-up show no drift, with confidence; each opening is one point. After a wave,
        openings must be as fast as before it, by the rule for earlier runs."""
        if seen.wave_s is not None:
            first_s, last_s = seen.wave_s
            before = [took_ms for at_s, took_ms in seen.latencies_ms if at_s < first_s]
            after = [took_ms for at_s, took_ms in seen.latencies_ms if at_s > last_s]
            gate = baseline_gate(median(after) if after else float("inf"), before)
            return Verdict(gate.verdict, f"time to open in ms, the middle of those after the wave: {gate.reason}")
        points = after_warm_up(seen.latencies_ms)
        if len(points) < FEWEST_OPENINGS:
            reason = f"{len(points)} openings after the warm-up, a drift needs {FEWEST_OPENINGS}"
            return Verdict(Outcome.INCONCLUSIVE, f"time to open in ms: {reason}")
        slope = theil_sen(points, DRIFT_CONFIDENCE)
        per_hour, lower = (value * 3600 * self._scale for value in (slope.value, slope.lower))
        allowed = DRIFT_SHARE * self._limits.configure_p95_ms
        lasted_s = points[-1][0] - points[0][0]
        drifts = lower > allowed and slope.lower * lasted_s > LEAST_DRIFT_MS
        reason = f"grows by {per_hour:.3g} per hour (at least {lower:.3g}), allowed {allowed:g}"
        return Verdict(Outcome.FAIL if drifts else Outcome.PASS, f"time to open in ms: {reason}")

    def was_never_restarted(self, seen: Lifetime) -> Verdict:
        return Verdict(Outcome.FAIL if seen.restarts else Outcome.PASS, "; ".join(seen.restarts) or "no restart")

    def left_nothing_behind(self, seen: Lifetime) -> Verdict:
        if not seen.latencies_ms and not seen.leftovers:
            return Verdict(Outcome.INCONCLUSIVE, "no investigation was opened, so nothing could be left")
        left = f"left over: {', '.join(seen.leftovers)}" if seen.leftovers else "nothing left"
        return Verdict(Outcome.FAIL if seen.leftovers else Outcome.PASS, left)

    def _open_one(self, body: Mapping[str, Any], started_s: float, latencies: list[Point], course: Course) -> str:
        """Open an investigation, see it run and release it. Return the error, or an empty string. An unreachable server
        is recorded as an error and does not stop the run."""
        asked_s = time.monotonic() - started_s
        seen = OpeningMoments(asked_s)
        try:
            investigation, _ = self._investigations.open_running(body)
            running_s, took_s = time.monotonic() - started_s, investigation.attempt.answer.duration_s
            latencies.append((running_s, took_s * 1000))
            seen = OpeningMoments(asked_s, asked_s + took_s, running_s)
            self._releases.release(investigation.job_id)
            seen = replace(seen, gone_s=time.monotonic() - started_s)
        except (AssertionError, ConnectionFailed) as trouble:
            return str(trouble)
        finally:
            course.openings.append(seen)
        return ""

    def _sample_until(self, moment_s: float, started_s: float, memory: dict[str, list[Point]]) -> None:
        pause = Event()
        while (left_s := started_s + moment_s - time.monotonic()) > 0:
            self._sample(started_s, memory)
            pause.wait(min(left_s, max(SHORTEST_PAUSE_S, SAMPLE_EVERY_S * self._scale)))

    def _sample(self, started_s: float, memory: dict[str, list[Point]]) -> None:
        used = self._cluster.pod_metrics()
        for pod in self._servers():
            if pod.name in used:
                point = (time.monotonic() - started_s, used[pod.name].memory_bytes / _MB)
                memory.setdefault(pod.name, []).append(point)

    def _servers(self) -> list[Pod]:
        return self._focus_server.pods()

    def _restarted(self, before: dict[str, Pod]) -> list[str]:
        now = self._servers()
        still_there = {pod.uid for pod in now}
        if not before:
            return ["there was no server to watch"]
        again = [
            f"{pod.name} was restarted {pod.restarts - before[pod.uid].restarts} times"
            for pod in now
            if pod.uid in before and pod.restarts > before[pod.uid].restarts
        ]
        new = [f"{pod.name} is new" for pod in now if pod.uid not in before]
        return again + new + [f"{pod.name} is gone" for uid, pod in before.items() if uid not in still_there]
