"""The gap report as one self-contained HTML file: no script, no font, no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from support.capacity.report.curve_charts import charts_of
from support.capacity.report.page_words import PHASE_WORDS, duration, templates

_WORDS = {"pass": "Target reached", "fail": "Target missed", "inconclusive": "Not decided"}
_CLASSES = {"pass": "good", "fail": "bad", "inconclusive": "warn"}


def render(report: Mapping[str, Any]) -> str:
    """Render the page of a report made by ``build_report``."""
    result = report["result"]
    opening = [each for each in result["phases"] if each["phase"] != "released"] if result else []
    verdict = report["gap_analysis"]["verdict"]
    return (
        templates()
        .get_template("infra_gap_report.html")
        .render(
            report=report,
            verdict=_WORDS[verdict],
            verdict_class=_CLASSES[verdict],
            classes=_CLASSES,
            causes=_causes(report),
            phases=_phase_bars(opening),
            slowest=_slowest(opening),
            ramp=RampChart(report["ramp"], report["target"]["jobs"]),
            charts=charts_of(report["curves"]) if report["curves"] else [],
        )
    )


def _causes(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a bar for each cause and one for unknown causes; widths are in percent of the longest."""
    rows = [
        {"title": each["title"], "failed": each["primary_for_jobs"], "late": each["slow_jobs"],
         "confidence": each["confidence"]}
        for each in report["bottleneck_analysis"]
    ]  # fmt: skip
    unknown = report["unattributed"]
    if unknown["jobs"] or unknown["slow_jobs"]:
        rows.append({"title": "unknown: no evidence names a cause", "failed": unknown["jobs"],
                     "late": unknown["slow_jobs"], "confidence": None})  # fmt: skip
    most = max((row["failed"] + row["late"] for row in rows), default=0)
    for row in rows:
        row["failed_width"] = round(100 * row["failed"] / most, 2)
        row["late_width"] = round(100 * row["late"] / most, 2)
    return rows


def _phase_bars(phases: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the positions of P50, P95 and maximum of each phase, in percent of the longest of all."""
    longest = max((phase["max_ms"] for phase in phases), default=0.0) or 1.0
    return [
        {**phase, "word": PHASE_WORDS[phase["phase"]],
         **{f"at_{key}": round(100 * phase[f"{key}_ms"] / longest, 2) for key in ("p50", "p95", "max")}}
        for phase in phases
    ]  # fmt: skip


def _slowest(phases: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the phase that adds most to the P95 of the phase before it."""
    before, most, slowest = 0.0, -1.0, None
    for phase in phases:
        if phase["p95_ms"] - before > most:
            most, slowest = phase["p95_ms"] - before, PHASE_WORDS[phase["phase"]]
        before = phase["p95_ms"]
    return slowest


class RampChart:
    """Opened jobs and P95 of the answers by the number of jobs requested at once, as a 640 x 220 SVG."""

    width, height = 640, 220
    left, right, top, bottom = 44, 52, 14, 34

    def __init__(self, points: Sequence[Mapping[str, Any]], target: int) -> None:
        self.points = points
        self._jobs: int = max([target, *(point["jobs"] for point in points)])
        self._ms: float = max([1.0, *(point["p95_ms"] or 0.0 for point in points)])
        self.target = target

    def x(self, jobs: float) -> float:
        return round(self.left + (self.width - self.left - self.right) * jobs / self._jobs, 1)

    def y(self, jobs: float) -> float:
        return round(self.height - self.bottom - (self.height - self.top - self.bottom) * jobs / self._jobs, 1)

    def y_ms(self, milliseconds: float) -> float:
        return round(self.height - self.bottom - (self.height - self.top - self.bottom) * milliseconds / self._ms, 1)

    @property
    def opened(self) -> str:
        return " ".join(f"{self.x(point['jobs'])},{self.y(point['ok'])}" for point in self.points)

    @property
    def latency(self) -> str:
        known = (point for point in self.points if point["p95_ms"] is not None)
        return " ".join(f"{self.x(point['jobs'])},{self.y_ms(point['p95_ms'])}" for point in known)

    @property
    def ticks(self) -> list[int]:
        """Labels below the axis, without those that would overlap."""
        kept: list[int] = []
        for jobs in sorted({0, self.target, *(point["jobs"] for point in self.points)}, reverse=True):
            if not kept or self.x(kept[-1]) - self.x(jobs) >= 26:
                kept.append(jobs)
        return kept

    @property
    def longest(self) -> str:
        return duration(self._ms)
