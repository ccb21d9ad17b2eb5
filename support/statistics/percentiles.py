"""Percentiles and rates with their uncertainty (docs/facts/capacity.md 4.1 and 4.2). Standard library only.

A percentile is always an observed value (nearest rank over all samples). Its interval comes from order statistics, so
it holds for any distribution. Rates have Wilson intervals.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from statistics import NormalDist

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Ranks:
    """Ranks (from 1) of the samples that bound a percentile; None where no sample bounds it."""

    lower: int | None
    upper: int | None


@dataclass(frozen=True)
class Percentile:
    """A percentile of ``samples`` samples with its two-sided interval, all in the unit of the samples.

    ``lower`` and ``upper`` are None where the samples are too few for a finite bound.
    """

    q: float
    samples: int
    value: float
    lower: float | None
    upper: float | None
    ranks: Ranks


@dataclass(frozen=True)
class Interval:
    """A closed interval of a rate, within 0..1."""

    lower: float
    upper: float


def nearest_rank(n: int, q: float) -> int:
    """The rank (from 1) of percentile ``q`` (0..1) among ``n`` samples: the smallest with a share of at least ``q``."""
    _check_q(q)
    if n < 1:
        raise ValueError("a percentile needs at least one sample")
    # From the decimal form: the float 0.07 times 100 is slightly more than 7, which would give rank 8.
    return max(1, math.ceil(Fraction(str(q)) * n))


def percentile(samples: Sequence[float], q: float, confidence: float = CONFIDENCE) -> Percentile:
    """Nearest-rank percentile with its order-statistic interval; ValueError without samples."""
    ordered = sorted(samples)
    n = len(ordered)
    value = ordered[nearest_rank(n, q) - 1]
    ranks = percentile_ranks(n, q, confidence)
    lower = None if ranks.lower is None else ordered[ranks.lower - 1]
    upper = None if ranks.upper is None else ordered[ranks.upper - 1]
    return Percentile(q, n, value, lower, upper, ranks)


@functools.lru_cache(maxsize=256)
def percentile_ranks(n: int, q: float, confidence: float = CONFIDENCE) -> Ranks:
    """Return the ranks between which percentile ``q`` lies with at least ``confidence``.

    The remaining probability is split equally between both sides. The number of samples below the true percentile is
    binomial (n, q), whatever the distribution of the samples.
    """
    _check_q(q)
    _check_confidence(confidence)
    tail = (1 - confidence) / 2
    below = _binomial_cdf(n, q)
    lower = next((rank for rank in range(n, 0, -1) if below[rank - 1] <= tail), None)
    upper = next((rank for rank in range(1, n + 1) if 1 - below[rank - 1] <= tail), None)
    return Ranks(lower, upper)


def minimum_samples(q: float, confidence: float = CONFIDENCE, *, one_sided: bool = False) -> int:
    """The fewest samples that give percentile ``q`` a finite upper bound: 72 for P95, 368 for P99 (two-sided)."""
    _check_q(q)
    _check_confidence(confidence)
    tail = (1 - confidence) / (1 if one_sided else 2)
    return math.ceil(math.log(tail) / math.log(q))


def wilson(successes: int, total: int, confidence: float = CONFIDENCE) -> Interval:
    """The two-sided Wilson score interval of a rate."""
    return _wilson(successes, total, NormalDist().inv_cdf(0.5 + confidence / 2))


def wilson_bounds(successes: int, total: int, confidence: float = CONFIDENCE) -> Interval:
    """The two one-sided Wilson bounds; each holds alone with ``confidence``."""
    return _wilson(successes, total, NormalDist().inv_cdf(confidence))


def _wilson(successes: int, total: int, z: float) -> Interval:
    if not 0 <= successes <= total or total < 1:
        raise ValueError(f"{successes} of {total} is not a rate")
    rate, z2 = successes / total, z * z
    centre = (rate + z2 / (2 * total)) / (1 + z2 / total)
    half = z * math.sqrt(rate * (1 - rate) / total + z2 / (4 * total * total)) / (1 + z2 / total)
    return Interval(
        0.0 if successes == 0 else max(0.0, centre - half), 1.0 if successes == total else min(1.0, centre + half)
    )


def _binomial_cdf(n: int, q: float) -> list[float]:
    """P(at most k of n) for k from 0 to n, computed with logarithms so that a large n does not underflow."""
    log_q, log_p = math.log(q), math.log1p(-q)
    total, sums = 0.0, []
    for k in range(n + 1):
        ways = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
        total += math.exp(ways + k * log_q + (n - k) * log_p)
        sums.append(total)
    return sums


def _check_q(q: float) -> None:
    if not 0 < q < 1:
        raise ValueError(f"a percentile is given as a share between 0 and 1, not as {q}")


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise ValueError(f"a confidence lies between 0 and 1, not at {confidence}")
