"""Decides whether a value grows over time: the leak rule of docs/facts/capacity.md 4.3. Standard library only.

The rule drops the first third (warm-up) and takes the minimum of each five-minute block (the memory that remains after
garbage collection). It reports a leak when the Theil-Sen slope of the minima is above the tolerance with confidence.
Ordinary regression on raw samples reports a leak in 25 to 38 % of leak-free hours, and in every warm-up.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, median

from support.statistics.verdict import Outcome

Point = tuple[float, float]

BLOCK_S = 300.0
WARM_UP = 1 / 3
CONFIDENCE = 0.90
FEWEST_BLOCKS = 6
"""Fewer minima give a slope without a useful interval. An hour gives eight."""
DETECTION_WIDTHS = 1.2
"""A slope is found in 95 of 100 runs if it lies above the tolerance by this many widths of its interval (simulated in
tests/support/capacity/test_capacity_trends.py)."""


@dataclass(frozen=True)
class Slope:
    """A slope (value per second) with its interval."""

    value: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Trend:
    """Trend of a value after the warm-up, in units per hour of cluster time.

    ``minimum_detectable`` is the smallest growth that would have been found with this noise and duration.
    ``seconds_to_limit`` is None without a limit or without growth. With too few blocks, every number but ``blocks`` is
    None.
    """

    verdict: Outcome
    blocks: int
    per_hour: float | None
    lower: float | None
    upper: float | None
    minimum_detectable: float | None
    seconds_to_limit: float | None
    reason: str


def block_minima(samples: Sequence[Point], block_s: float) -> list[Point]:
    """Return the smallest value of each block, placed at the middle of the block. Blocks without samples are skipped.

    ``samples`` are (seconds, value). Blocks count from the first sample. A last block that is less than half covered is
    left out, because the minimum of a few samples is too high.
    """
    if not samples:
        return []
    if block_s <= 0:
        raise ValueError(f"a block lasts longer than {block_s} s")
    ordered = sorted(samples)
    first, last = ordered[0][0], ordered[-1][0]
    lowest: dict[int, float] = {}
    for at_s, value in ordered:
        block = int((at_s - first) // block_s)
        lowest[block] = min(value, lowest.get(block, math.inf))
    final = max(lowest)
    if final and last - (first + final * block_s) < block_s / 2:
        del lowest[final]
    return [(first + (block + 0.5) * block_s, value) for block, value in sorted(lowest.items())]


def theil_sen(points: Sequence[Point], confidence: float = CONFIDENCE) -> Slope:
    """Return the median of the slopes between all pairs, with Sen's interval (as scipy.stats.theilslopes does)."""
    slopes = sorted(
        (y2 - y1) / (x2 - x1) for index, (x1, y1) in enumerate(points) for x2, y2 in points[index + 1 :] if x2 != x1
    )
    if not slopes:
        raise ValueError("a slope needs points at two different times")
    n, pairs = len(points), len(slopes)
    ties = sum(count * (count - 1) * (2 * count + 5) for axis in (0, 1) for count in _repeats(points, axis))
    sigma = math.sqrt(max(0.0, (n * (n - 1) * (2 * n + 5) - ties) / 18))
    z = NormalDist().inv_cdf(0.5 - confidence / 2)
    upper = min(round((pairs - z * sigma) / 2), pairs - 1)
    lower = max(round((pairs + z * sigma) / 2) - 1, 0)
    return Slope(median(slopes), slopes[lower], slopes[upper])


def leak(samples: Sequence[Point], tolerance: float, limit: float | None = None, time_scale: float = 1.0) -> Trend:
    """Judge (seconds, value) samples of one container, e.g. its working set in MB.

    ``tolerance`` is the allowed growth per hour. ``limit`` is the value at which the container is ended. With
    ``time_scale`` 0.05 a run of 3 minutes stands for an hour: blocks, hours and times to the limit are scaled. The
    result is INCONCLUSIVE below six blocks.
    """
    if not 0 < time_scale <= 1:
        raise ValueError(f"a time scale lies above 0 and at most at 1, not at {time_scale}")
    kept = after_warm_up([(at_s / time_scale, value) for at_s, value in samples])
    points = block_minima(kept, BLOCK_S)
    if len(points) < FEWEST_BLOCKS:
        minutes = BLOCK_S * time_scale / 60
        reason = f"{len(points)} blocks of {minutes:g} min after the warm-up, a trend needs {FEWEST_BLOCKS}"
        return Trend(Outcome.INCONCLUSIVE, len(points), None, None, None, None, None, reason)
    slope = theil_sen(points)
    per_hour, lower, upper = slope.value * 3600, slope.lower * 3600, slope.upper * 3600
    detectable = tolerance + DETECTION_WIDTHS * (upper - lower)
    left_s = (limit - points[-1][1]) / slope.value * time_scale if limit is not None and slope.value > 0 else None
    grows = lower > tolerance
    reason = f"grows by {per_hour:.3g} per hour [{lower:.3g}, {upper:.3g}], allowed {tolerance:g}"
    reason += "" if grows else f"; growth from {detectable:.3g} per hour on would have been found"
    verdict = Outcome.FAIL if grows else Outcome.PASS
    return Trend(verdict, len(points), per_hour, lower, upper, detectable, left_s, reason)


def after_warm_up(samples: Sequence[Point]) -> list[Point]:
    """The samples after the first third of the time."""
    if not samples:
        return []
    first, last = min(samples)[0], max(samples)[0]
    start = first + (last - first) * WARM_UP
    return [sample for sample in samples if sample[0] >= start]


def _repeats(points: Sequence[Point], axis: int) -> list[int]:
    return [count for count in Counter(point[axis] for point in points).values() if count > 1]
