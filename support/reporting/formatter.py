"""The behave formatter `record`: writes the run record and an entry of the history.

It writes at the end of the run, because a status is not final before: behave lets hooks and clean-ups change it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from behave.formatter.base import Formatter

from support.reporting.capacity_report import CapacityReportError, capacity_report_of
from support.reporting.history import append, entry_of
from support.reporting.record.context import current
from support.reporting.record.model import Record, now, write_record


class RunRecord(Formatter):  # type: ignore[misc]  # behave ships no types, so its Formatter is Any to mypy
    """Writes `run.json` into the folder of the run, below the one named by userdata `reports` (default `reports`), and
    an entry into the one named by userdata `history` (default: `history` in the reports; empty for none)."""

    name = "record"
    description = "The run record: reports/run.json"

    def __init__(self, stream_opener: Any, config: Any) -> None:
        super().__init__(stream_opener, config)
        self._config = config

    def scenario(self, scenario: Any) -> None:
        current().scenario_starts[id(scenario)] = now()

    def close(self) -> None:
        if not self._config.dry_run:
            write_reports(self._config)
        super().close()


def reports_directory(config: Any) -> Path:
    """Return the folder of the reports: userdata `reports`, by default `reports` in the working directory."""
    return Path(config.userdata.get("reports", "reports"))


def run_folder(config: Any) -> Path:
    """Return the folder that only this run writes to, or the reports folder for a run without this suite's runner."""
    return current().folder or reports_directory(config)


def history_folder(config: Any) -> Path | None:
    """Return the history folder: userdata `history`, by default `history` in the reports; None if it is empty."""
    named = config.userdata.get("history", str(reports_directory(config) / "history"))
    return Path(named) if named else None


def write_reports(config: Any) -> None:
    """Write the finished record and its entry in the history. If a folder cannot be written, the run is refused.

    Nothing is written for a run that was refused before, because it has judged nothing.
    """
    directory = run_folder(config)
    record = current().record
    if record is None:
        raise RuntimeError("the record formatter needs runner = support.runner:StrictRunner")
    if current().refusal is not None:
        return
    try:
        write_record(record, directory)
        history = history_folder(config)
        if history is not None and _belongs_to_the_history(record):
            append(history, entry_of(record, _jobs_held(record, directory)))
    except OSError as error:
        current().refusal = current().refusal or f"reports: cannot write to {directory}: {error.strerror}"


def _belongs_to_the_history(record: Record) -> bool:
    """Whether the run covers the whole suite, or belongs to a series of repeats, on a system not broken on purpose."""
    return (record.selection.complete or record.repeat is not None) and not record.broken_on_purpose


def _jobs_held(record: Record, directory: Path) -> int | None:
    """Return the jobs held according to this run's gap report, or None. Publishing reports one that is unreadable."""
    try:
        found = capacity_report_of(record, directory)
    except CapacityReportError:
        return None
    return None if found is None else found.achieved_jobs
