"""How fast investigations open before a stress, and how long it takes until they do so again after it (CA-05)."""

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
"""So much slower than before is noise, whatever the share: a fifth of a few ten milliseconds is a pause of the
scheduler (seen: 45 and 84 ms on a quiet machine)."""
NEVER_MS = float("inf")
AWAY_S = 0.05
"""Between two probes of a server that is away."""


@dataclass(frozen=True)
class Quiet:
    """Openings one after the other while nothing else happened, in ms."""

    latencies_ms: tuple[float, ...]

    @property
    def p95_ms(self) -> float:
        return percentile(self.latencies_ms, 0.95).value

    def limit_ms(self, factor: float) -> float:
        """As fast as before: ``factor`` times the upper bound of P95, which of so few openings is the slowest of them,
        and never less than the floor above P95."""
        found = percentile(self.latencies_ms, 0.95)
        upper_ms = max(self.latencies_ms) if found.upper is None else found.upper
        return max(factor * upper_ms, found.value + LEAST_MS)


class Probes:
    """One probe is one investigation that is opened and released at once."""

    def __init__(self, investigations: Investigations, environment: Environment, budget: Budget) -> None:
        self._budget = budget
        self._investigations = investigations
        self._factor = environment.capacity.recovery_factor
        self._within_s = environment.limits.deadline("stress_recovery_s")

    def quiet(self) -> Quiet:
        """The baseline: a refused probe counts as infinitely slow."""
        self._budget.require_load(f"probe {BEFORE} times in a row")
        return Quiet(tuple(self._probe() for _ in range(BEFORE)))

    def recover(self, before: Quiet) -> Recovery:
        """Probe until ten in a row are as fast as before or the time is over; ``seconds`` to the first of the ten."""
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
        except ConnectionFailed:  # a server that has ended under the load: not there yet, or never again
            Event().wait(AWAY_S)
            return NEVER_MS
        return answer.duration_s * 1000 if answer.status == 200 else NEVER_MS
