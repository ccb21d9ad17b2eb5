"""The pace of a control plane that starts pods one after the other.

Source: docs/facts/capacity.md 4.6, and row 16 of docs/facts/capacity.md 5.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from support.capacity.diagnosis.evidence import Confidence, EvidenceRow, Match
from support.capacity.load.results import JobRecord
from support.statistics.trends import theil_sen

FEWEST = 8
"""Fewest moments that show a pace."""
SHORTEST_S = 1.0
"""A shorter series is a burst."""
WIDEST = 3.0
"""The pace is known only if the upper bound of the time per pod is at most this many times its lower bound."""
DENSEST = 3.0
"""The densest second may hold at most this many times the mean. Beyond it, some came in a burst and others later."""


@dataclass(frozen=True)
class Pace:
    """``count`` pods at ``per_s`` per second, at most ``most_per_s``, the last one ``last_s`` after the start."""

    per_s: float
    most_per_s: float
    last_s: float
    count: int


def steady_pace(moments_s: Sequence[float]) -> Pace | None:
    """Return the pace of moments that continue for at least a second, or None for any other pattern.

    The time for each is the Theil-Sen slope of the moments over their order, with its interval. A controller or tester
    that stood still for a second or two would bend a regression line, but does not change the median of all slopes.
    """
    ordered = sorted(moments_s)
    n = len(ordered)
    if n < FEWEST or ordered[-1] - ordered[0] < SHORTEST_S:
        return None
    each_s = theil_sen(list(enumerate(ordered)))
    mean = (n - 1) / (ordered[-1] - ordered[0])
    densest = max(bisect_right(ordered, moment + 1.0) - place for place, moment in enumerate(ordered))
    if each_s.lower <= 0 or each_s.upper > WIDEST * each_s.lower or densest > DENSEST * max(mean, 1.0):
        return None
    return Pace(1 / each_s.value, 1 / each_s.lower, ordered[-1], n)


def placing_pace(records: Sequence[JobRecord]) -> Pace | None:
    """Return the rate at which pods are placed one after the other. None without one, or if answers set the pace."""
    placed = [one for one in records if "scheduled" in one.reached and "scheduled" not in one.distrusted]
    own = [one.reached["scheduled"] - one.reached["answered"] for one in placed if "answered" in one.reached]
    pace = steady_pace([one.reached["scheduled"] for one in placed])
    return None if pace is None or max(own, default=0.0) < pace.last_s / 2 else pace


def controller_pace(records: Sequence[JobRecord], limit_s: float) -> Match | None:
    """Blame the control plane if ``limit_s`` is too short for its pace, even at the upper bound of the pace."""
    pace = placing_pace(records)
    if pace is None or len(records) / pace.most_per_s < limit_s:
        return None
    needed_s = len(records) / pace.per_s
    rows = (
        EvidenceRow("phase timing", f"{pace.count} pods", "scheduled per second", round(pace.per_s, 1)),
        EvidenceRow("phase timing", f"{pace.count} pods", "at most per second", round(pace.most_per_s, 1)),
        EvidenceRow("phase timing", f"{len(records)} pods", "seconds needed at this pace", round(needed_s, 1)),
    )
    return Match("controller-pace", Confidence.MEDIUM, rows)
