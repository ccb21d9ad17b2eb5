"""The behave formatter `record`: writes reports/run.json, what is made from it for CI, and an entry of the history.

It waits for the end of the run, because only then is a status final: behave lets hooks and clean-ups change it.
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
    """Writes `run.json` and `junit.xml` into the folder named by userdata `reports` (default `reports`), and an entry
    of the history into the one named by userdata `history` (default `history` in there; empty for none)."""

    name = "record"
    description = "The run record: reports/run.json and reports/junit.xml"

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
    """Where reports are looked for: userdata `reports`, by default `reports` in the working directory."""
    return Path(config.userdata.get("reports", "reports"))


def run_folder(config: Any) -> Path:
    """Where this run alone writes; the reports themselves for a run without the runner of this suite."""
    return current().folder or reports_directory(config)


def history_folder(config: Any) -> Path | None:
    """The history of the runs: userdata `history`, by default `history` in the reports; None if it is empty."""
    named = config.userdata.get("history", str(reports_directory(config) / "history"))
    return Path(named) if named else None


def write_reports(config: Any) -> None:
    """Write the finished record. A folder that cannot be written is the refusal of the run.

    A run that was refused has judged nothing, and is not part of the history.
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
    """Runs of the whole suite on a system that nobody has broken on purpose; in a series of repeats also parts."""
    return (record.selection.complete or record.repeat is not None) and not record.broken_on_purpose


def _jobs_held(record: Record, directory: Path) -> int | None:
    """What the gap report of this run says, if there is one; that it cannot be read is said where metrics are made."""
    try:
        found = capacity_report_of(record, directory)
    except CapacityReportError:
        return None
    return None if found is None else found.achieved_jobs
