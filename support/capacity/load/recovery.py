"""Opening times before a stress, and the time after it until they are as short again (CA-05)."""

from __future__ import annotations

import time
from dataclasses import dataclass
from threading import Event

from support import waits
from support.capacity.load.run import Recovery
from support.clients.focus_server.client import ConnectionFailed
from support.clients.safety import Budget
from support.config import Environment
from support.investigations.service import Investigations
from support.statistics.percentiles import percentile

BEFORE = 30
IN_A_ROW = 10
LEAST_MS = 50.0
"""A smaller difference is noise, whatever its share: a fifth of a few tens of milliseconds is a pause of the scheduler
(seen: 45 and 84 ms on a quiet machine)."""
NEVER_MS = float("inf")
AWAY_S = 0.05
"""Pause between two probes of an unreachable server."""


@dataclass(frozen=True)
class Quiet:
    """Times in ms of investigations opened one after the other without any other load."""

    latencies_ms: tuple[float, ...]

    @property
    def p95_ms(self) -> float:
        return percentile(self.latencies_ms, 0.95).value

    def limit_ms(self, factor: float) -> float:
        """Return the limit for "as fast as before": ``factor`` times the upper bound of P95, and at least ``LEAST_MS``
        above P95. With few openings, the slowest is the upper bound."""
        found = percentile(self.latencies_ms, 0.95)
        upper_ms = max(self.latencies_ms) if found.upper is None else found.upper
        return max(factor * upper_ms, found.value + LEAST_MS)


class Probes:
    """Probes the server. One probe is one investigation, opened and released at once."""

    def __init__(self, investigations: Investigations, environment: Environment, budget: Budget) -> None:
        self._budget = budget
        self._investigations = investigations
        self._factor = environment.capacity.recovery_factor
        self._within_s = environment.limits.deadline("stress_recovery_s")

    def quiet(self) -> Quiet:
        """Measure the baseline. A refused probe counts as infinitely slow."""
        self._budget.require_load(f"probe {BEFORE} times in a row")
        return Quiet(tuple(self._probe() for _ in range(BEFORE)))

    def recover(self, before: Quiet) -> Recovery:
        """Probe until ten in a row are as fast as before, or time is up. ``seconds`` counts to the first of the ten."""
        self._budget.require_load("probe until the server has recovered")
        limit_ms = before.limit_ms(self._factor)
        watch, started_s = waits.Stopwatch(), time.monotonic()
        fast: list[float] = []
        all_ms: list[float] = []
        first_s = 0.0
        while len(fast) < IN_A_ROW and watch.given_s() <= self._within_s:
            began_s = time.monotonic() - started_s
            latency_ms = self._probe()
            all_ms.append(latency_ms)
            first_s = first_s if fast else began_s
            fast = [*fast, latency_ms] if latency_ms <= limit_ms else []
        last = all_ms[-(IN_A_ROW if len(fast) == IN_A_ROW else BEFORE) :]
        return Recovery(
            baseline_p95_ms=before.p95_ms,
            seconds=first_s if len(fast) == IN_A_ROW else None,
            last_p95_ms=percentile(last, 0.95).value if last else NEVER_MS,
            limit_ms=limit_ms,
            last_samples=len(last),
        )

    def _probe(self) -> float:
        try:
            answer = self._investigations.open_briefly()
        except ConnectionFailed:  # a server that ended under the load and may not be back yet
            Event().wait(AWAY_S)
            return NEVER_MS
        return answer.duration_s * 1000 if answer.status == 200 else NEVER_MS
