"""Small SVG charts: one value for each run, in the colours of the page, but readable without colour."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from support.reporting.site.language import _, _n
from support.reporting.site.words import short_day

_WIDTH, _HEIGHT = 480, 170
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 8, 12, 28
_SMALLEST = 0.001
_STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True)
class Point:
    """The point of one run: its time, its value, and whether the run failed."""

    when: datetime.datetime
    value: float
    failed: bool


def chart(title: str, unit: str, points: Sequence[Point], limit: float | None = None) -> Markup:
    """Draw a line through the runs in their order, on a scale from zero to a round number. Failed runs are squares; the
    limit of the requirement is a dashed line. `unit` is appended to a number: ` ms`, or nothing."""
    top = _round_top(max(*(point.value for point in points), limit or 0.0))
    places = [(_x(index, len(points)), _y(point.value, top)) for index, point in enumerate(points)]
    parts = [
        Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(
            _WIDTH, _HEIGHT, f"{title}, {told(unit, points, limit)}"
        ),
        *_axis(top),
        *(_limit(limit, top, unit) if limit is not None else ()),
        Markup('<polyline points="{}"/>').format(" ".join(f"{x:.1f},{y:.1f}" for x, y in places)),
        *(_mark(point, place, unit) for point, place in zip(points, places, strict=True)),
        *_days(points),
        Markup("</svg>"),
    ]
    return Markup("\n").join(parts)


def told(unit: str, points: Sequence[Point], limit: float | None = None) -> str:
    """Return the content of the chart in one sentence."""
    values = sorted(point.value for point in points)
    middle = values[len(values) // 2]
    shown = {
        name: f"{number(value)}{unit}"
        for name, value in (("last", points[-1].value), ("median", middle), ("least", values[0]), ("most", values[-1]))
    }
    runs = _n("%(num)s run", "%(num)s runs", len(points))
    parts = _("%(runs)s: last %(last)s, median %(median)s, least %(least)s, most %(most)s", runs=runs, **shown)
    if limit is None:
        return f"{parts}."
    demanded = f"{number(limit)}{unit}"
    against = _("the limit is %(limit)s", limit=demanded)
    return f"{parts}; {against}."


def number(value: float) -> str:
    """Format a number with about three digits and without an exponent, for readability."""
    if 0 < value < _SMALLEST:
        return _("less than %(smallest)s", smallest=_SMALLEST)
    return f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


def _axis(top: float) -> Iterator[Markup]:
    for share in (0.0, 0.5, 1.0):
        y = _y(top * share, top)
        yield Markup('<line x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>').format(_LEFT, _WIDTH - _RIGHT, y, y)
        yield Markup('<text class="y" x="{}" y="{:.1f}">{}</text>').format(_LEFT - 6, y + 4, number(top * share))


def _limit(limit: float, top: float, unit: str) -> Iterator[Markup]:
    y, demanded = _y(limit, top), f"{number(limit)}{unit}"
    yield Markup('<line class="limit" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>').format(_LEFT, _WIDTH - _RIGHT, y, y)
    yield Markup('<text class="end limit" x="{}" y="{:.1f}">{}</text>').format(
        _WIDTH - _RIGHT, y - 4 if y > _TOP + 10 else y + 14, _("limit %(limit)s", limit=demanded)
    )


def _mark(point: Point, place: tuple[float, float], unit: str) -> Markup:
    x, y = place
    failed = ", " + _("failed") if point.failed else ""
    hint = f"{short_day(point.when)}: {number(point.value)}{unit}{failed}"
    if point.failed:
        shape = Markup('<rect class="bad" x="{:.1f}" y="{:.1f}" width="8" height="8">').format(x - 4, y - 4)
        return shape + Markup("<title>{}</title></rect>").format(hint)
    return Markup('<circle cx="{:.1f}" cy="{:.1f}" r="3"><title>{}</title></circle>').format(x, y, hint)


def _days(points: Sequence[Point]) -> Iterator[Markup]:
    ends = [("start", _LEFT, points[0])] + ([("end", _WIDTH - _RIGHT, points[-1])] if len(points) > 1 else [])
    for where, x, point in ends:
        yield Markup('<text class="{}" x="{}" y="{}">{}</text>').format(
            where, x, _HEIGHT - 8, escape(short_day(point.when))
        )


def _round_top(value: float) -> float:
    """Return the smallest round number not below `value`; never zero."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in _STEPS if step * power >= value)


def _x(index: int, count: int) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (index / (count - 1) if count > 1 else 0.5)


def _y(value: float, top: float) -> float:
    return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - value / top)
