"""The behave formatter `record`: writes reports/run.json, and the JUnit file that is made from it.

It waits for the end of the run, because only then is a status final: behave lets hooks and clean-ups change it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from behave.formatter.base import Formatter

from support.reporting.context import current
from support.reporting.junit import write_junit
from support.reporting.model import write_record


class RunRecord(Formatter):  # type: ignore[misc]  # behave ships no types, so its Formatter is Any to mypy
    """Writes `run.json` and `junit.xml` into the folder named by userdata `reports` (default `reports`)."""

    name = "record"
    description = "The run record: reports/run.json and reports/junit.xml"

    def __init__(self, stream_opener: Any, config: Any) -> None:
        super().__init__(stream_opener, config)
        self._directory = Path(config.userdata.get("reports", "reports"))
        self._dry_run = bool(config.dry_run)

    def close(self) -> None:
        if not self._dry_run:
            write_reports(self._directory)
        super().close()


def write_reports(directory: Path) -> None:
    """Write the finished record. A folder that cannot be written is the refusal of the run."""
    record = current().record
    if record is None:
        raise RuntimeError("the record formatter needs runner = support.runner:StrictRunner")
    try:
        write_record(record, directory)
        write_junit(record, directory)
    except OSError as error:
        current().refusal = current().refusal or f"reports: cannot write to {directory}: {error.strerror}"
