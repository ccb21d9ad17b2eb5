"""The gap report of a capacity run, as far as the reports of a run repeat it: what was asked for and what was held."""

from __future__ import annotations

import datetime
import json
import re
from dataclasses import dataclass
from pathlib import Path

from support.reporting.record.model import Record

VERDICTS = ("pass", "fail", "inconclusive")


class CapacityReportError(Exception):
    """A gap report of this run cannot be read; one sentence."""


@dataclass(frozen=True)
class CapacityReport:
    """How many jobs must be open at once, how many were, and how many are missing; ``sentence`` says it in words."""

    path: Path
    target_jobs: int
    achieved_jobs: int
    gap_jobs: int
    verdict: str
    sentence: str
    next_steps: tuple[str, ...] = ()


def capacity_report_of(record: Record, reports: Path) -> CapacityReport | None:
    """The last gap report that was written while the run went on, or None: an older one tells of another run."""
    for path in sorted(reports.glob(f"infra_gap_report_{record.environment}_*.json"), reverse=True):
        written = _written(path, record.environment)
        if written is not None and record.started.replace(microsecond=0) <= written <= record.finished:
            return _read(path)
    return None


def _written(path: Path, environment: str) -> datetime.datetime | None:
    """The moment in the file's name."""
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
