"""The part of a capacity run's gap report that the run's reports repeat: the jobs required and the jobs held open."""

from __future__ import annotations

import datetime
import json
import re
from dataclasses import dataclass
from pathlib import Path

from support.reporting.record.model import Record

VERDICTS = ("pass", "fail", "inconclusive")


class CapacityReportError(Exception):
    """The gap report of the run cannot be read. The message is one sentence."""


@dataclass(frozen=True)
class CapacityReport:
    """The number of jobs that must be open at once, that were, and that are missing. ``sentence`` puts it in words."""

    path: Path
    target_jobs: int
    achieved_jobs: int
    gap_jobs: int
    verdict: str
    sentence: str
    next_steps: tuple[str, ...] = ()


def capacity_report_of(record: Record, reports: Path) -> CapacityReport | None:
    """Return the last gap report written during the run, or None. An older report belongs to another run."""
    for path in sorted(reports.glob(f"infra_gap_report_{record.environment}_*.json"), reverse=True):
        written = _written(path, record.environment)
        if written is not None and record.started.replace(microsecond=0) <= written <= record.finished:
            return _read(path)
    return None


def _written(path: Path, environment: str) -> datetime.datetime | None:
    """Return the time in the file name, or None if the name has none."""
    digits = re.sub(r"\D", "", path.stem.removeprefix(f"infra_gap_report_{environment}_"))[:14]
    try:
        return datetime.datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=datetime.UTC)
    except ValueError:
        return None


def _read(path: Path) -> CapacityReport:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        gap = content["gap_analysis"]
        verdict = str(gap["verdict"]).lower()
        if verdict not in VERDICTS:
            raise ValueError(f"verdict: {verdict}")
        return CapacityReport(
            path,
            int(gap["target"]),
            int(gap["achieved"]),
            int(gap["gap"]),
            verdict,
            str(gap["sentence"]),
            tuple(map(str, content.get("next_steps", ()))),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CapacityReportError(f"{path.name}: not a gap report: {type(error).__name__} {error}") from error
