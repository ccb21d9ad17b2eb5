"""Causes found from the timing of answers and phases, where no evidence names one directly.

Source: docs/facts/capacity.md 5, row 19, and docs/facts/capacity.md 4.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, median

from support.capacity.diagnosis.evidence import Confidence, EvidenceRow, Match
from support.capacity.load.results import JobRecord
from support.statistics.operational import knee, little_ratio, mean_in_flight, peak_in_flight

FEWEST = 20
"""Fewest latencies that show a pattern."""
LINEAR = 0.9
"""R squared of sorted latencies against their order. Above it, they grow with the place in the queue."""
QUEUED = 3.0
"""A queue makes the slowest answer at least this many times as long as the fastest."""
JUMP = 0.5
"""A gap between neighbouring latencies of at least this share of their whole range is a jump, not a queue."""
JUMPED = 2.0
"""The latencies after the jump are at least this many times as long as those before it."""


def r_squared(ordered: Sequence[float]) -> float:
    """Return how well sorted values fit a line over their order (1 is a perfect line)."""
    n = len(ordered)
    mean_x, mean_y = (n - 1) / 2, fmean(ordered)
    xy = sum((x - mean_x) * (y - mean_y) for x, y in enumerate(ordered))
    xx = sum((x - mean_x) ** 2 for x in range(n))
    yy = sum((y - mean_y) ** 2 for y in ordered)
    return xy * xy / (xx * yy) if yy > 0 else 0.0


def slow_answers(records: Sequence[JobRecord], ramp: Sequence[Sequence[JobRecord]] = ()) -> Match | None:
    """Find out whether answers queue (latency grows with the queue) or become slow from a number of jobs on."""
    latencies = sorted(answer_seconds(records))
    if len(latencies) < FEWEST or latencies[-1] <= 0:
        return None
    jump = _jump(latencies)
    if jump is not None:
        fast, slow = latencies[:jump], latencies[jump:]
        rows = (
            EvidenceRow("phase timing", f"the first {len(fast)} answers", "median ms", round(median(fast) * 1000)),
            EvidenceRow("phase timing", f"the other {len(slow)} answers", "median ms", round(median(slow) * 1000)),
        )
        return Match("server-slow-from", Confidence.MEDIUM, rows)
    if latencies[-1] >= QUEUED * latencies[0] and r_squared(latencies) >= LINEAR:
        return Match("server-queueing", Confidence.MEDIUM, tuple(queue_rows(records)))
    return _slower_than_ramp(records, ramp)


def queue_rows(records: Sequence[JobRecord]) -> list[EvidenceRow]:
    """Return Little's law and the knee of one burst: the number of requests the server really processes at once."""
    spans = [(record.intended_s, record.intended_s + record.reached["answered"]) for record in records
             if "answered" in record.reached]  # fmt: skip
    seconds = [end - start for start, end in spans]
    elapsed = max(end for _, end in spans) - min(start for start, _ in spans)
    throughput = len(spans) / elapsed if elapsed > 0 else 0.0
    little = little_ratio(throughput, fmean(seconds), mean_in_flight(spans))
    return [
        EvidenceRow("phase timing", "answers", "throughput per second", round(throughput, 1)),
        EvidenceRow("phase timing", "answers", "knee (X_max * R_min)", round(knee(throughput, min(seconds)), 1)),
        EvidenceRow("phase timing", "answers", "peak in flight", peak_in_flight(spans)),
        EvidenceRow("phase timing", "answers", "Little's law ratio", round(little, 2)),
    ]


def answer_seconds(records: Sequence[JobRecord]) -> list[float]:
    """Seconds until the answer, for the records that were answered."""
    return [record.reached["answered"] for record in records if "answered" in record.reached]


def _jump(ordered: Sequence[float]) -> int | None:
    """Return the index where sorted latencies jump by at least half of their range. None without such a jump, or if it
    separates only a few."""
    whole = ordered[-1] - ordered[0]
    gaps = [(after - before, index) for index, (before, after) in enumerate(zip(ordered, ordered[1:], strict=False), 1)]
    widest, at = max(gaps)
    enough = min(at, len(ordered) - at) >= len(ordered) // 20 + 1
    return at if enough and widest >= JUMP * whole and ordered[at] >= JUMPED * ordered[at - 1] else None


def _slower_than_ramp(records: Sequence[JobRecord], ramp: Sequence[Sequence[JobRecord]]) -> Match | None:
    """All answers are equally slow, while a smaller load was answered fast: slow from some number in between on."""
    middle = median(answer_seconds(records))
    fast = [step for step in ramp if len(step) < len(records) and (found := answer_seconds(step))
            and QUEUED * median(found) <= middle]  # fmt: skip
    if not fast:
        return None
    largest = max(fast, key=len)
    rows = (
        EvidenceRow(
            "phase timing", f"{len(largest)} at once", "median ms", round(median(answer_seconds(largest)) * 1000)
        ),
        EvidenceRow("phase timing", f"{len(records)} at once", "median ms", round(middle * 1000)),
    )
    return Match("server-slow-from", Confidence.MEDIUM, rows)
