"""Stability over time (SB-02): investigations come and go for long, and the server stays as it was."""

from __future__ import annotations

import time
from dataclasses import dataclass
from threading import Event

from support.clients.focus_server.client import ConnectionFailed
from support.clients.kubernetes.client import KubernetesClient, Pod
from support.clients.kubernetes.servers import Servers
from support.clients.safety import Budget
from support.config import Environment
from support.investigations.release import Releases
from support.investigations.service import Investigations
from support.reporting.progress import Reporter
from support.statistics.trends import Point, after_warm_up, leak, theil_sen
from support.statistics.verdict import Outcome, Verdict, worst

SAMPLE_EVERY_S = 15.0
"""In the time of the cluster, as the metrics server measures."""
SHORTEST_PAUSE_S = 0.2
DRIFT_SHARE = 0.1
"""An answer that becomes slower by more than this share of its limit in an hour drifts."""
DRIFT_CONFIDENCE = 0.99
"""There are few openings: with 90 % every thirtieth hour of a server with uneven answers would be called a drift."""
FEWEST_OPENINGS = 6
_MB = 1_000_000


@dataclass(frozen=True)
class Lifetime:
    """What was seen. Moments are seconds since the beginning; memory is the working set of each server pod in MB."""

    asked: int
    latencies_ms: tuple[Point, ...]
    troubles: tuple[str, ...]
    memory_mb: dict[str, tuple[Point, ...]]
    restarts: tuple[str, ...]
    leftovers: tuple[str, ...]


class Stability:
    """Opens an investigation at each interval, releases it, and measures the memory of the server meanwhile."""

    def __init__(
        self,
        investigations: Investigations,
        releases: Releases,
        cluster: KubernetesClient,
        environment: Environment,
        budget: Budget,
    ) -> None:
        self._investigations, self._releases, self._cluster, self._budget = investigations, releases, cluster, budget
        self._limits = environment.limits
        self._focus_server = Servers(cluster, environment.kubernetes.services.focus_server)
        self._scale = environment.limits.time_scale

    def live(self) -> Lifetime:
        """As long as ``stability_duration_s`` says, scaled like everything of the cluster; bounded by it."""
        self._budget.require_load("open investigations for a long time")
        before = {pod.uid: pod for pod in self._servers()}
        duration_s = self._limits.stability_duration_s * self._scale
        interval_s = self._limits.stability_interval_s * self._scale
        moments = [number * interval_s for number in range(max(1, int(duration_s / interval_s)))]
        latencies: list[Point] = []
        troubles: list[str] = []
        memory: dict[str, list[Point]] = {}
        started_s = time.monotonic()
        with Reporter("stability", len(moments)) as reporter:
            for number, moment_s in enumerate(moments):
                self._sample_until(moment_s, started_s, memory)
                trouble = self._open_one(started_s, latencies)
                troubles += [f"investigation {number + 1}: {trouble}"] if trouble else []
                (reporter.failed if trouble else reporter.opened)()
            self._sample_until(duration_s, started_s, memory)
        left = self._releases.left_behind()
        return Lifetime(
            asked=len(moments),
            latencies_ms=tuple(latencies),
            troubles=tuple(troubles),
            memory_mb={name: tuple(points) for name, points in memory.items()},
            restarts=tuple(self._restarted(before)),
            leftovers=tuple(left),
        )

    def opened_often_enough(self, seen: Lifetime) -> Verdict:
        rate = (seen.asked - len(seen.troubles)) / seen.asked
        first = f", the first: {seen.troubles[0]}" if seen.troubles else ""
        verdict = Outcome.PASS if rate >= self._limits.stability_success_rate else Outcome.FAIL
        return Verdict(verdict, f"{len(seen.troubles)} of {seen.asked} did not open{first}")

    def keeps_its_memory(self, seen: Lifetime) -> Verdict:
        """No server pod grows by more than the environment allows, shown with confidence; a warm-up is no growth."""
        if not seen.memory_mb:
            return Verdict(Outcome.INCONCLUSIVE, "the metrics tell nothing of the server")
        tolerance = self._limits.memory_growth_mb_per_h
        found = {name: leak(points, tolerance, time_scale=self._scale) for name, points in seen.memory_mb.items()}
        told = "; ".join(f"{name}: {trend.reason}" for name, trend in found.items())
        return Verdict(worst([trend.verdict for trend in found.values()]), f"memory in MB: {told}")

    def stays_fast(self, seen: Lifetime) -> Verdict:
        """No drift, shown with confidence, of the openings after the warm-up; each is a point of its own."""
        points = after_warm_up(seen.latencies_ms)
        if len(points) < FEWEST_OPENINGS:
            told = f"{len(points)} openings after the warm-up, a drift needs {FEWEST_OPENINGS}"
            return Verdict(Outcome.INCONCLUSIVE, f"time to open in ms: {told}")
        slope = theil_sen(points, DRIFT_CONFIDENCE)
        per_hour, lower = (value * 3600 * self._scale for value in (slope.value, slope.lower))
        allowed = DRIFT_SHARE * self._limits.configure_p95_ms
        told = f"grows by {per_hour:.3g} per hour (at least {lower:.3g}), allowed {allowed:g}"
        return Verdict(Outcome.FAIL if lower > allowed else Outcome.PASS, f"time to open in ms: {told}")

    def was_never_restarted(self, seen: Lifetime) -> Verdict:
        return Verdict(Outcome.FAIL if seen.restarts else Outcome.PASS, "; ".join(seen.restarts) or "no restart")

    def left_nothing_behind(self, seen: Lifetime) -> Verdict:
        if not seen.latencies_ms and not seen.leftovers:
            return Verdict(Outcome.INCONCLUSIVE, "no investigation was opened, so nothing could be left")
        left = f"left over: {', '.join(seen.leftovers)}" if seen.leftovers else "nothing left"
        return Verdict(Outcome.FAIL if seen.leftovers else Outcome.PASS, left)

    def _open_one(self, started_s: float, latencies: list[Point]) -> str:
        """Open, see it run, release; why that went wrong, or nothing. A server that is away is found out, no reason to
        stop."""
        try:
            investigation, _ = self._investigations.open_running()
            latencies.append((time.monotonic() - started_s, investigation.attempt.answer.duration_s * 1000))
            self._releases.release(investigation.job_id)
        except (AssertionError, ConnectionFailed) as trouble:
            return str(trouble)
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
