"""A history of earlier runs on one environment, one per day, for the tests of trends."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

from site_project import NOW, result

from support.reporting.history import HistoryEntry, append, entry_of
from support.reporting.record.model import Record
from support.reporting.record.requests import RequestTimes


def kept_run(folder: Path, days_before: int, environment: str, *scenarios: Any, **changed: Any) -> HistoryEntry:
    """Add one run to the history, `days_before` that of the site project; by default with two passed examples."""
    values: dict[str, Any] = {
        "environment": environment,
        "started": NOW - datetime.timedelta(days=days_before),
        "finished": NOW,
        "duration_s": 60.0 + days_before % 7,
        "scenarios": list(scenarios) or [result("JL-01a"), result("JL-01b")],
        "fingerprint": {"git": "0123456789abcdef", "title": environment},
        "requests": [RequestTimes("POST /configure", 9, 2.0, 0.3, {"0.5": 0.2, "0.95": 0.2 + days_before % 5 / 100})],
    }
    entry = entry_of(Record(**{**values, **changed}))
    append(folder, entry)
    return entry


def kept_runs(folder: Path, number: int, environment: str) -> None:
    """Add a run on each of the days before; each fifth run fails."""
    for day in range(1, number + 1):
        status = "failed" if day % 5 == 0 else "passed"
        kept_run(folder, day, environment, result("JL-01a"), result("JL-01b", status, closest_deadline=0.8))
