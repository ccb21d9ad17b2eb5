"""The latencies of earlier runs of an environment, read from the history. PF-03 compares a run with them."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path

from support.reporting.history import HistoryEntry, read_history
from support.statistics.gates import BASELINE_RUNS, baseline_gate
from support.statistics.verdict import Outcome

OPENING_FIGURE = "opening_p95_ms"
"""Name under which a run records the P95 of its ``POST /configure`` requests."""
HISTORY_VARIABLE = "FOCUS_BASELINES"


class Baselines:
    """The earlier runs of one environment that a run is compared with. They are only read here."""

    def __init__(self, history: Path | None, environment: str, limit_ms: float) -> None:
        """Read from the run history (None: no history is kept), or from the folder that FOCUS_BASELINES names."""
        other = os.environ.get(HISTORY_VARIABLE)
        self._folder = Path(other) if other else history
        self._environment, self._limit_ms = environment, limit_ms

    @cached_property
    def p95s_ms(self) -> tuple[float, ...]:
        """The P95 of each earlier run, oldest first.

        Leaves out runs that were above the limit, slower than the runs before them, or made on a busy machine.
        """
        kept: list[float] = []
        for entry in read_history(self._folder).of(self._environment) if self._folder else ():
            measured = _measured(entry)
            if measured is None or measured > self._limit_ms:
                continue
            if baseline_gate(measured, kept).verdict is not Outcome.FAIL:
                kept.append(measured)
        return tuple(kept)

    def reason_to_wait(self) -> str | None:
        """Return the reason why a run cannot be compared with earlier ones yet, or None."""
        amount = len(self.p95s_ms)
        if amount >= BASELINE_RUNS:
            return None
        where = f"in {self._folder}" if self._folder else "where no history is kept"
        return f"there is no baseline yet: {amount} earlier runs {where}, {BASELINE_RUNS} are needed"


def _measured(entry: HistoryEntry) -> float | None:
    return None if entry.under_load else entry.figure(OPENING_FIGURE)
