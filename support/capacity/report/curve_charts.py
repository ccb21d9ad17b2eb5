"""The curves of a load as SVG coordinates, and the page of a load without a gap report."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from support.capacity.report.page_words import moment, templates

WIDTH, HEIGHT = 640, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 20, 16, 40
_STEPS = (1, 2, 2.5, 5, 10)

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Chart:
    """A chart whose axes go from zero to a round number. ``told`` describes it in a sentence.

    ``line`` joins the points, as steps if ``stepped``; without it they are dots. ``limit`` is a level that must not be
    exceeded and ``mark`` a place on the lower axis, each with its label.
    """

    id: str
    title: str
    told: str
    x_words: str
    y_words: str
    points: Points
    line: bool = True
    stepped: bool = False
    limit: tuple[float, str] | None = None
    mark: tuple[float, str] | None = None
    width, height = WIDTH, HEIGHT
    left, right, top, bottom = _LEFT, WIDTH - _RIGHT, _TOP, HEIGHT - _BOTTOM

    @property
    def x_top(self) -> float:
        return round_top([*(x for x, _ in self.points), *([self.mark[0]] if self.mark else [])])

    @property
    def y_top(self) -> float:
        return round_top([*(y for _, y in self.points), *([self.limit[0]] if self.limit else [])])

    def x(self, value: float) -> float:
        return round(self.left + (self.right - self.left) * value / self.x_top, 1)

    def y(self, value: float) -> float:
        return round(self.bottom - (self.bottom - self.top) * value / self.y_top, 1)

    @property
    def path(self) -> str:
        """The points of a polyline."""
        places: list[tuple[float, float]] = []
        for x, y in self.points:
            if self.stepped and places:
                places.append((self.x(x), places[-1][1]))
            places.append((self.x(x), self.y(y)))
        return " ".join(f"{x},{y}" for x, y in places)

    def ticks(self, top: float) -> list[float]:
        return [top * share for share in (0, 0.25, 0.5, 0.75, 1)]


def round_top(values: Iterable[float]) -> float:
    """Return the smallest round number that is not below any of the values; never zero."""
    most = max(values, default=0.0)
    if most <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(most))
    return next(step * power for step in _STEPS if step * power >= most)


def charts_of(found: Mapping[str, Any]) -> list[Chart]:
    """Return the three curves of ``curves``; the last only if it has several points."""
    return [_open(found), _answers(found), *([_throughput(found)] if len(found["throughput"]) > 1 else [])]


def _open(found: Mapping[str, Any]) -> Chart:
    points = [(step["at_s"], step["jobs"]) for step in found["open"]]
    most = max(jobs for _, jobs in points)
    summary = f"At most {most} of {found['asked']} were open at one moment, {points[-1][1]} at the end."
    limit = (float(found["asked"]), f"asked for: {found['asked']}") if most > found["asked"] / 2 else None
    return Chart("open", "Jobs open over time", summary, "seconds", "jobs open", points, stepped=True, limit=limit)


def _answers(found: Mapping[str, Any]) -> Chart:
    points = [(answer["at_s"], answer["ms"]) for answer in found["answers"]]
    late = sum(ms > found["limit_ms"] for _, ms in points)
    none = found["asked"] - len(points)
    summary = f"{len(points)} answers, {late} of them after more than {found['limit_ms']:g} ms; {none} never opened."
    return Chart(
        "answers",
        "Time to the answer, over time",
        summary,
        "seconds",
        "ms",
        points,
        line=False,
        limit=(found["limit_ms"], f"limit of P95: {found['limit_ms']:g} ms"),
    )


def _throughput(found: Mapping[str, Any]) -> Chart:
    points = [(point["in_flight"], point["per_s"]) for point in found["throughput"]]
    most = max(per_s for _, per_s in points)
    summary = f"At most {most:g} answers a second. The knee, beyond which requests queue: {found['knee']:g} at once."
    mark = (found["knee"], f"knee: {found['knee']:g}")
    return Chart("throughput", "Throughput against concurrency", summary, "requests in flight", "answers per s", points,
                 mark=mark)  # fmt: skip


def render_load(title: str, environment: str, finished: str, found: Mapping[str, Any]) -> str:
    """Render the page of a load that does not measure the site's capacity. ``finished`` is ISO 8601."""
    page = templates().get_template("load_curves.html")
    return page.render(
        title=title, environment=environment, finished=moment(finished), found=found, charts=charts_of(found)
    )
