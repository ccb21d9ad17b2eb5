"""What changes from run to run of an environment: duration, failures, latency, capacity, and what is flaky."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from support.reporting.history import History, HistoryEntry
from support.reporting.history.entry import CAPACITY, LATENCY
from support.reporting.history.flaky import Flakiness, TooFewRuns, judge
from support.reporting.record.context import FIGURE_NAME
from support.reporting.site.charts import Point, chart, told

SHOWN = 60
"""Runs in a chart, at most: what is older does not explain today."""
LISTED = 10
_COMPARABLE = 0.8
_REQUESTS = (
    "POST /configure",
    "GET /ack",
    "GET /channels",
    "GET /live_metadata",
    "GET /metadata/{job_id}",
    "POST /recordings_in_time_range",
)
"""What clients wait for."""


@dataclass(frozen=True)
class TrendView:
    """One chart, and what it shows in a sentence."""

    title: str
    svg: Markup
    told: str


@dataclass(frozen=True)
class EnvironmentTrends:
    """`runs` are the last ones, the newest first; `flakiness` is None where there is nothing to compare, `why_not` says
    so then. `left_out` runs are not in the charts."""

    environment: str
    runs: tuple[HistoryEntry, ...]
    trends: tuple[TrendView, ...]
    left_out: int
    flakiness: Flakiness | None
    why_not: str


def trends_of(history: History) -> list[EnvironmentTrends]:
    """Of each environment, the one of the latest run first."""
    return [_of(history, environment) for environment in history.environments()]


def comparable(entries: Sequence[HistoryEntry]) -> list[HistoryEntry]:
    """The runs that tell about the system: complete, on a quiet machine, and of nearly everything there is to run.

    Nearly: 80 % of the most that one of the last runs had, because examples are added over time.
    """
    last = [entry for entry in entries if entry.ended == "complete" and not entry.under_load][-SHOWN:]
    most = max((entry.ran for entry in last), default=0)
    return [entry for entry in last if entry.ran and entry.ran >= _COMPARABLE * most]


def _of(history: History, environment: str) -> EnvironmentTrends:
    entries = history.of(environment)
    shown = comparable(entries)
    flakiness, why_not = None, ""
    try:
        flakiness = judge(history, environment)
    except TooFewRuns as error:
        why_not = str(error)
    return EnvironmentTrends(
        environment=environment,
        runs=tuple(reversed(entries[-LISTED:])),
        trends=tuple(_trends(shown)),
        left_out=min(len(entries), SHOWN) - len(shown),
        flakiness=flakiness,
        why_not=why_not,
    )


def _trends(entries: Sequence[HistoryEntry]) -> Iterator[TrendView]:
    yield from _trend("Duration in seconds", " s", entries, lambda entry: entry.duration_s)
    yield from _trend("Examples that failed", "", entries, lambda entry: float(entry.bad))
    for request in _REQUESTS:
        title = f"{request}: 95 % answered within (ms)"
        yield from _trend(title, " ms", entries, operator.methodcaller("figure", f"{LATENCY}{request}"))
    for name in sorted({name for entry in entries for name in entry.figures if FIGURE_NAME.fullmatch(name)}):
        yield from _trend(name.replace("_", " "), "", entries, operator.methodcaller("figure", name))
    yield from _trend("Jobs open at once", "", entries, operator.methodcaller("figure", CAPACITY))


def _trend(
    title: str, unit: str, entries: Sequence[HistoryEntry], value: Callable[[HistoryEntry], float | None]
) -> Iterator[TrendView]:
    """One chart, or none if no run has a value."""
    points = [
        Point(entry.started, found, entry.verdict == "failed")
        for entry in entries
        if (found := value(entry)) is not None
    ]
    if points:
        yield TrendView(title, chart(title, unit, points), told(unit, points))
