"""The pace at which a control plane starts pods, where it starts them one after the other.

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
"""Fewer moments show no pace."""
SHORTEST_S = 1.0
"""What is over sooner was a burst."""
WIDEST = 3.0
"""So many times the lower bound of the time for each pod may its upper bound be, for the pace to be known."""
DENSEST = 3.0
"""So many times the mean of a second may come in the densest one: more of them came in a burst, and others later."""


@dataclass(frozen=True)
class Pace:
    """``count`` pods one after the other: ``per_s`` of them, at most ``most_per_s``, the last ``last_s`` after the
    start."""

    per_s: float
    most_per_s: float
    last_s: float
    count: int


def steady_pace(moments_s: Sequence[float]) -> Pace | None:
    """The pace of moments that go on coming for at least a second; None for any other pattern.

    The time for each is the Theil-Sen slope of the moments over their order, with its interval: a controller, or a
    tester, that stood still for a second or two bends a regression line, and leaves the middle of all slopes.
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
    """The rate at which pods get placed one after the other, while answers do not; None where nothing paces them."""
    placed = [one for one in records if "scheduled" in one.reached and "scheduled" not in one.distrusted]
    own = [one.reached["scheduled"] - one.reached["answered"] for one in placed if "answered" in one.reached]
    pace = steady_pace([one.reached["scheduled"] for one in placed])
    return None if pace is None or max(own, default=0.0) < pace.last_s / 2 else pace


def controller_pace(records: Sequence[JobRecord], limit_s: float) -> Match | None:
    """A pace that ``limit_s`` is too short for, even at its upper bound."""
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
