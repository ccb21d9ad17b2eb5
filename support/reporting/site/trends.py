"""Trends over the runs of an environment: duration, failures, latency, capacity, and flaky scenarios."""

from __future__ import annotations

import contextlib
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from support.reporting.history import History, HistoryEntry
from support.reporting.history.entry import CAPACITY, LATENCY
from support.reporting.history.flaky import Flakiness, TooFewRuns, judge
from support.reporting.record.context import FIGURE_NAME
from support.reporting.record.model import Record
from support.reporting.site.charts import Point, chart, told
from support.reporting.site.language import N_, _, gettext

SHOWN = 60
"""The maximum number of runs in a chart. Older runs do not help to explain the present."""
LISTED = 10
_COMPARABLE = 0.8
MILLISECONDS, SECONDS = N_(" ms"), N_(" s")


@dataclass(frozen=True)
class Measure:
    """The content of a chart: a figure of the history, its title, its unit, and the name of its limit. A response time
    is the time within which 95 % of the requests were answered."""

    figure: str
    title: str
    unit: str
    limit: str = ""


# Requests by one client and by many at once are not comparable, so each has its own chart. Figures of the whole run
# come last and have no limit, because they mix both.
_MEASURES = (
    Measure(CAPACITY, N_("Jobs open at once"), "", "target_jobs"),
    Measure("opening_p95_ms", N_("Opening, one client"), MILLISECONDS, "configure_p95_ms"),
    Measure("openings_at_once_p95_ms", N_("Opening, many clients at once"), MILLISECONDS, "answer_under_load_p95_ms"),
    Measure("health_check_p95_ms", N_("Health check, one client"), MILLISECONDS, "ack_p95_ms"),
    Measure(
        "health_checks_at_once_p95_ms", N_("Health check, many clients at once"), MILLISECONDS, "ack_concurrent_p95_ms"
    ),
    Measure(f"{LATENCY}GET /channels", N_("Channels"), MILLISECONDS, "channels_ms"),
    Measure(f"{LATENCY}GET /live_metadata", N_("Live metadata"), MILLISECONDS, "live_metadata_ms"),
    Measure(f"{LATENCY}GET /metadata/{{job_id}}", N_("Metadata of a job"), MILLISECONDS),
    Measure(f"{LATENCY}POST /recordings_in_time_range", N_("Recordings of a window"), MILLISECONDS),
    Measure(f"{LATENCY}POST /configure", N_("Openings of the whole run, alone and at once"), MILLISECONDS),
    Measure(f"{LATENCY}GET /ack", N_("Health checks of the whole run, alone and at once"), MILLISECONDS),
)
_UNITS = {"ms": MILLISECONDS, "s": SECONDS, "percent": " %"}


@dataclass(frozen=True)
class TrendView:
    """One chart, and its content in one sentence (`told`)."""

    title: str
    svg: Markup
    told: str


@dataclass(frozen=True)
class EnvironmentTrends:
    """The trends of one environment. `runs` are the last ones, the newest first. `flakiness` is None if there are too
    few runs to compare. `left_out` is the number of runs that are not in the charts."""

    environment: str
    runs: tuple[HistoryEntry, ...]
    trends: tuple[TrendView, ...]
    left_out: int
    flakiness: Flakiness | None


def trends_of(history: History, record: Record) -> list[EnvironmentTrends]:
    """Return the trends of each environment, the one of the latest run first. Only the environment of the record has
    limits, since its record holds them."""
    return [
        _of(history, environment, _limits(record) if environment == record.environment else {})
        for environment in history.environments()
    ]


def _limits(record: Record) -> dict[str, float]:
    """Return the limits in the configuration of the run, by their names there."""
    configuration = record.fingerprint.get("configuration") or {}
    found = {**configuration.get("capacity", {}), **configuration.get("limits", {})}
    return {name: float(value) for name, value in found.items() if isinstance(value, int | float)}


def comparable(entries: Sequence[HistoryEntry]) -> list[HistoryEntry]:
    """Return the last runs that can be compared: complete, on a quiet machine, and with nearly all scenarios.

    Nearly all means 80 % of the largest of these runs, because examples are added over time.
    """
    last = [entry for entry in entries if entry.ended == "complete" and not entry.under_load][-SHOWN:]
    most = max((entry.ran for entry in last), default=0)
    return [entry for entry in last if entry.ran and entry.ran >= _COMPARABLE * most]


def _of(history: History, environment: str, limits: Mapping[str, float]) -> EnvironmentTrends:
    entries = history.of(environment)
    shown = comparable(entries)
    flakiness = None
    with contextlib.suppress(TooFewRuns):
        flakiness = judge(history, environment)
    return EnvironmentTrends(
        environment=environment,
        runs=tuple(reversed(entries[-LISTED:])),
        trends=tuple(_trends(shown, limits)),
        left_out=min(len(entries), SHOWN) - len(shown),
        flakiness=flakiness,
    )


def _trends(entries: Sequence[HistoryEntry], limits: Mapping[str, float]) -> Iterator[TrendView]:
    yield from _trend(_("Duration in seconds"), SECONDS, entries, lambda entry: entry.duration_s)
    yield from _trend(_("Examples that failed"), "", entries, lambda entry: float(entry.bad))
    noted = {**limits, **(entries[-1].figures if entries else {})}
    for one in [*_MEASURES, *_others(entries)]:
        value = operator.methodcaller("figure", one.figure)
        yield from _trend(_titled(one), one.unit, entries, value, noted.get(one.limit))


def _titled(one: Measure) -> str:
    within = one.figure.startswith(LATENCY) or one.figure.endswith("_p95_ms")
    return _("%(what)s: 95 %% answered within", what=gettext(one.title)) if within else gettext(one.title)


def _others(entries: Sequence[HistoryEntry]) -> Iterator[Measure]:
    """Yield the other figures that scenarios measured, by name. `mongodb_started_s` becomes `Mongodb started`, in
    seconds. `mongodb_started_limit_s` is the limit in that chart and has no chart of its own."""
    found = {name for entry in entries for name in entry.figures if FIGURE_NAME.fullmatch(name)}
    limits = {name: _limit_of(name) for name in found if _limit_of(name) in found}
    for name in sorted(found - {one.figure for one in _MEASURES} - set(limits.values())):
        words, _, unit = name.rpartition("_")
        said = words if unit in _UNITS and words else name
        unit = _UNITS.get(unit, "") if words else ""
        yield Measure(name, said.replace("_", " ").capitalize(), unit, limits.get(name, ""))


def _limit_of(figure: str) -> str:
    """Return the name of the figure that holds the limit of a figure."""
    words, _, unit = figure.rpartition("_")
    return f"{words}_limit_{unit}"


def _trend(
    title: str,
    unit: str,
    entries: Sequence[HistoryEntry],
    value: Callable[[HistoryEntry], float | None],
    limit: float | None = None,
) -> Iterator[TrendView]:
    """Yield one chart, or none if no run has a value."""
    points = [
        Point(entry.started, found, entry.verdict == "failed")
        for entry in entries
        if (found := value(entry)) is not None
    ]
    if points:
        shown = gettext(unit)
        yield TrendView(title, chart(title, shown, points, limit), told(shown, points, limit))
