"""Time to reach each phase, over all investigations, including those that never reached it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from support.capacity.load.results import PHASES, JobRecord
from support.capacity.load.run import Target
from support.statistics.percentiles import Percentile, percentile


@dataclass(frozen=True)
class PhaseTimes:
    """Milliseconds from the intended start until a phase. ``reached`` of ``samples`` reached it; the others count with
    the limit. ``distrusted`` records are left out, because their stamps came after a gap in the watch.
    """

    phase: str
    reached: int
    samples: int
    distrusted: int
    p50: Percentile
    p95: Percentile
    p99: Percentile
    largest_ms: float


def latencies_ms(records: Sequence[JobRecord], phase: str, limit_s: float) -> list[float]:
    """Milliseconds until ``phase`` for each trusted record; one that never reached it counts with at least the limit.

    Leaving the failed ones out would make a system look faster the more it fails.
    """
    if phase not in PHASES:
        raise ValueError(f"{phase!r} is no phase, allowed {', '.join(PHASES)}")
    return [
        (record.reached[phase] if phase in record.reached else max(limit_s, *record.reached.values(), 0.0)) * 1000
        for record in records
        if phase not in record.distrusted
    ]


def phase_times(records: Sequence[JobRecord], phase: str, limit_s: float) -> PhaseTimes | None:
    """Return the times of one phase, or None if none of its stamps can be trusted."""
    samples = latencies_ms(records, phase, limit_s)
    if not samples:
        return None
    reached = sum(phase in record.reached and phase not in record.distrusted for record in records)
    p50, p95, p99 = (percentile(samples, q) for q in (0.5, 0.95, 0.99))
    return PhaseTimes(phase, reached, len(samples), len(records) - len(samples), p50, p95, p99, max(samples))


def all_phase_times(records: Sequence[JobRecord], target: Target) -> tuple[PhaseTimes, ...]:
    """Return the times of each phase that has any, in order."""
    found = (phase_times(records, phase, target.limit_s(phase)) for phase in PHASES)
    return tuple(each for each in found if each is not None)
