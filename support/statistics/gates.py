"""Gates that decide if a measurement passes, fails or is inconclusive (docs/facts/capacity.md 4.1, 4.2 and 4.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from support.statistics.percentiles import (
    CONFIDENCE,
    Interval,
    Percentile,
    minimum_samples,
    percentile,
    wilson,
    wilson_bounds,
)
from support.statistics.verdict import Outcome

INDICATIVE_ABOVE = 0.95
"""A percentile above this one needs many samples; with fewer it is only shown, never judged."""
BASELINE_RUNS = 8
"""Number of earlier runs a comparison needs (docs/facts/capacity.md 4.4)."""
MAD_TO_SIGMA = 1.4826
"""Factor that converts a median absolute deviation to a standard deviation, for normally distributed noise."""
SIGMAS = 3.0
LEAST_SLOWER_MS = 25.0
"""Smallest excess over the median that counts as slower. Less can be a pause of the tester's scheduler, however alike
the earlier runs were (seen on a quiet machine: 49 ms after nine runs of 37 ms that differed by 0.8 ms)."""


@dataclass(frozen=True)
class RateGate:
    """Result of comparing a success rate with its target; ``interval`` is the two-sided Wilson interval."""

    verdict: Outcome
    successes: int
    total: int
    target: float
    interval: Interval
    reason: str


@dataclass(frozen=True)
class PercentileGate:
    """Result of comparing a percentile with ``limit``; ``verdict`` is None for one that is only shown."""

    verdict: Outcome | None
    percentile: Percentile
    limit: float
    reason: str


@dataclass(frozen=True)
class BaselineGate:
    """A value compared with the earlier runs of its environment. An alarm is FAIL; too few runs are INCONCLUSIVE."""

    verdict: Outcome
    value: float
    runs: int
    median: float | None
    mad: float | None
    limit: float | None
    reason: str


def success_gate(successes: int, total: int, target: float, confidence: float = CONFIDENCE) -> RateGate:
    """PASS when the rate is shown to be at least ``target``, FAIL when it is shown to be less (one-sided Wilson).

    A target of 1 is a statement about these requests, not about an underlying rate: unless all succeed, it is FAIL.
    """
    if not 0 < target <= 1:
        raise ValueError(f"a target rate lies above 0 and at most at 1, not at {target}")
    bounds, shown = wilson_bounds(successes, total, confidence), f"{successes} of {total}"
    if target == 1:
        verdict = Outcome.PASS if successes == total else Outcome.FAIL
        reason = f"{shown} succeeded, wanted all"
    elif bounds.lower >= target:
        verdict, reason = Outcome.PASS, f"{shown} succeeded: with confidence at least {bounds.lower:.1%}"
    elif bounds.upper < target:
        verdict, reason = Outcome.FAIL, f"{shown} succeeded: with confidence at most {bounds.upper:.1%}"
    else:
        verdict = Outcome.INCONCLUSIVE
        reason = f"{shown} succeeded: the rate lies between {bounds.lower:.1%} and {bounds.upper:.1%}"
    return RateGate(verdict, successes, total, target, wilson(successes, total, confidence), reason)


def percentile_gate(
    samples: Sequence[float], q: float, limit: float, confidence: float = CONFIDENCE, unit: str = "ms"
) -> PercentileGate:
    """PASS when the upper bound of the percentile is within ``limit``, FAIL when its lower bound is above it.

    ``samples`` must include every request, the failed ones with the time limit of their wait. A percentile above P95
    without a finite upper bound (P99: below 368 samples) gets no verdict at all.
    """
    found = percentile(samples, q, confidence)
    name, n = f"P{q * 100:g}", found.samples
    lower = "-" if found.lower is None else f"{found.lower:.4g}"
    upper = "no bound" if found.upper is None else f"{found.upper:.4g}"
    measured = f"{name} {found.value:.4g} {unit} [{lower}, {upper}] of {n} samples, limit {limit:g} {unit}"
    verdict: Outcome | None = Outcome.INCONCLUSIVE
    if q > INDICATIVE_ABOVE and n < minimum_samples(q, confidence):
        verdict = None
        measured += f": indicative, judged from {minimum_samples(q, confidence)} samples"
    elif found.upper is not None and found.upper <= limit:
        verdict = Outcome.PASS
    elif found.lower is not None and found.lower > limit:
        verdict = Outcome.FAIL
    return PercentileGate(verdict, found, limit, measured)


def baseline_gate(value: float, earlier: Sequence[float]) -> BaselineGate:
    """FAIL when a value is above median + 3 * 1.4826 * MAD of eight or more earlier runs (PF-03), all in ms.

    The rate of false alarms is 5 % (docs/facts/capacity.md 4.4). The limit is at least :data:`LEAST_SLOWER_MS` above
    the median.
    """
    runs = len(earlier)
    if runs < BASELINE_RUNS:
        reason = f"{runs} earlier runs, a comparison needs {BASELINE_RUNS}"
        return BaselineGate(Outcome.INCONCLUSIVE, value, runs, None, None, None, reason)
    middle = median(earlier)
    mad = median(abs(each - middle) for each in earlier)
    limit = middle + max(SIGMAS * MAD_TO_SIGMA * mad, LEAST_SLOWER_MS)
    verdict = Outcome.FAIL if value > limit else Outcome.PASS
    reason = f"{value:.4g} against a limit of {limit:.4g} (median {middle:.4g} of {runs} earlier, MAD {mad:.3g})"
    return BaselineGate(verdict, value, runs, middle, mad, limit, reason)
