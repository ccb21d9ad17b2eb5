"""Curves of a load over time: open investigations, response times, and throughput by concurrency."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from support.capacity.load.results import JobRecord, LoadStep
from support.statistics.operational import knee, mean_in_flight
from support.statistics.percentiles import percentile

SLICES = 12
"""Number of rows of the table beside the curves."""


@dataclass(frozen=True)
class OpeningMoments:
    """One investigation. All moments are seconds since the load began; None for a moment that never came.

    It is open from the moment its job runs until no service publishes its port any more.
    """

    asked_s: float
    answered_s: float | None = None
    running_s: float | None = None
    gone_s: float | None = None


@dataclass(frozen=True)
class Throughput:
    """``in_flight`` simultaneous requests on average, ``per_s`` answered per second. The fastest took ``fastest_s``."""

    in_flight: float
    per_s: float
    fastest_s: float


def openings_of(records: Iterable[JobRecord], began_s: float) -> list[OpeningMoments]:
    """Return the openings of a load. ``began_s`` is on the monotonic clock, like the records."""
    return [_opening(record, record.intended_s - began_s) for record in records]


def _opening(record: JobRecord, asked_s: float) -> OpeningMoments:
    def at(passed_s: float | None) -> float | None:
        return None if passed_s is None else asked_s + passed_s

    reached = record.reached
    return OpeningMoments(asked_s, at(reached.get("answered")), at(reached.get("running")), at(record.port_free_s))


def throughput_of(openings: Sequence[OpeningMoments]) -> Throughput | None:
    """Return the throughput of investigations requested together, or None if it cannot be determined."""
    spans = [(one.asked_s, one.answered_s) for one in openings if one.answered_s is not None]
    elapsed_s = max((end for _, end in spans), default=0.0) - min((start for start, _ in spans), default=0.0)
    if elapsed_s <= 0:
        return None
    return Throughput(mean_in_flight(spans), len(spans) / elapsed_s, min(end - start for start, end in spans))


def curves_of_step(step: LoadStep, limit_ms: float, points: Iterable[Throughput | None]) -> dict[str, Any]:
    """The curves of one load. ``points`` are the throughputs of the loads before it and its own."""
    began_s = min(record.intended_s for record in step.records)
    return curves(openings_of(step.records, began_s), limit_ms, points)


def curves(openings: Sequence[OpeningMoments], limit_ms: float, points: Iterable[Throughput | None]) -> dict[str, Any]:
    """The curves in the form reports hold them. ``limit_ms`` is the limit for P95 of the answers."""
    known = sorted((one for one in points if one is not None), key=lambda one: one.in_flight)
    answers = sorted((one.answered_s, one.asked_s) for one in openings if one.answered_s is not None)
    moments = [moment for one in openings for moment in (one.asked_s, one.answered_s, one.running_s, one.gone_s)]
    seconds = max(moment for moment in moments if moment is not None)
    steps = list(_open_over_time(openings, seconds))
    return {
        "seconds": round(seconds, 3),
        "limit_ms": limit_ms,
        "asked": len(openings),
        "open": steps,
        "answers": [{"at_s": round(at_s, 3), "ms": round((at_s - asked_s) * 1000, 1)} for at_s, asked_s in answers],
        "slices": [_slice(openings, steps, number, seconds) for number in range(SLICES)] if seconds > 0 else [],
        "throughput": [{"in_flight": round(one.in_flight, 2), "per_s": round(one.per_s, 2)} for one in known],
        "knee": round(knee(max(one.per_s for one in known), min(one.fastest_s for one in known)), 1) if known else None,
    }


def _open_over_time(openings: Iterable[OpeningMoments], seconds: float) -> Iterator[dict[str, Any]]:
    """Yield the number of open investigations after each change, from zero at the start to the end of the load."""
    changes: dict[float, int] = {}
    for one in openings:
        if one.running_s is not None:
            changes[one.running_s] = changes.get(one.running_s, 0) + 1
            if one.gone_s is not None:
                end_s = max(one.gone_s, one.running_s)
                changes[end_s] = changes.get(end_s, 0) - 1
    now = 0
    yield {"at_s": 0.0, "jobs": 0}
    for at_s in sorted(changes):
        now += changes[at_s]
        yield {"at_s": round(at_s, 3), "jobs": now}
    yield {"at_s": round(seconds, 3), "jobs": now}


def _slice(
    openings: Sequence[OpeningMoments], steps: Sequence[Mapping[str, Any]], number: int, seconds: float
) -> dict[str, Any]:
    """A twelfth of the time: the requests and answers in it, and the most investigations open at once."""
    from_s, to_s = seconds * number / SLICES, seconds * (number + 1) / SLICES
    is_last = number == SLICES - 1

    def within(at_s: float | None) -> bool:
        return at_s is not None and from_s <= at_s and (at_s < to_s or is_last)

    took_ms = [(one.answered_s - one.asked_s) * 1000 for one in openings
               if one.answered_s is not None and within(one.answered_s)]  # fmt: skip
    before = [step["jobs"] for step in steps if step["at_s"] <= from_s]
    meanwhile = [step["jobs"] for step in steps if within(step["at_s"])]
    return {
        "from_s": round(from_s, 3),
        "to_s": round(to_s, 3),
        "asked": sum(within(one.asked_s) for one in openings),
        "answered": len(took_ms),
        "most_open": max([*before[-1:], *meanwhile], default=0),
        "mean_ms": round(fmean(took_ms), 1) if took_ms else None,
        "p95_ms": round(percentile(took_ms, 0.95).value, 1) if took_ms else None,
        "max_ms": round(max(took_ms), 1) if took_ms else None,
    }
