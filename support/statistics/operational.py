"""Laws that hold for a server of any design (docs/facts/capacity.md 4.5): Little's law and the knee."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def little_ratio(throughput: float, mean_response_s: float, mean_in_flight: float) -> float:
    """Return X * R / N; near 1 when all requests are accounted for. Use the mean response time, never the median."""
    if mean_in_flight <= 0:
        raise ValueError("Little's law needs a mean number in flight above 0")
    return throughput * mean_response_s / mean_in_flight


def knee(largest_throughput: float, smallest_response_s: float) -> float:
    """Return N* = X_max * R_min: the number of requests the server works on at the same time. Beyond it they queue."""
    return largest_throughput * smallest_response_s


def mean_in_flight(intervals: Sequence[tuple[float, float]]) -> float:
    """The average number of (start, end) intervals open between the first start and the last end."""
    if not intervals:
        return 0.0
    span = max(end for _, end in intervals) - min(start for start, _ in intervals)
    return sum(end - start for start, end in intervals) / span if span > 0 else float(len(intervals))


def peak_in_flight(intervals: Iterable[tuple[float, float]]) -> int:
    """The most (start, end) intervals open at one moment. One that ends as another starts does not overlap it."""
    changes = sorted(change for start, end in intervals for change in ((start, 1), (end, -1)))
    peak = now = 0
    for _, change in changes:
        now += change
        peak = max(peak, now)
    return peak


def arrival_spread_ms(moments_s: Iterable[float]) -> float:
    """Milliseconds between the first and the last of the moments; 0 for fewer than two."""
    moments = list(moments_s)
    return (max(moments) - min(moments)) * 1000 if moments else 0.0
