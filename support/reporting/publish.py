"""Writes all reports of a run record, at the end of the run and again on demand.

A report that cannot be made hides neither the other reports nor the verdict; one sentence names it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from support.fault_catalogue import CATALOGUE_FILE
from support.reporting.capacity_report import CapacityReport, CapacityReportError, capacity_report_of
from support.reporting.history import read_history
from support.reporting.history.changes import since_the_last_green_run
from support.reporting.record.folder import show
from support.reporting.record.model import Record
from support.reporting.site import SiteError, build, write_site
from support.reporting.writers.allure import write_allure
from support.reporting.writers.github import append_summary, workflow_commands, write_summary
from support.reporting.writers.junit import write_junit
from support.reporting.writers.metrics import write_metrics
from support.reporting.writers.xray import write_features, write_xray


@dataclass(frozen=True)
class Published:
    """A report: its path, or one sentence that says why it could not be made."""

    name: str
    path: Path | None
    problem: str = ""


def prepare() -> None:
    """Do the slow preparation of the first report early. Callers use time in which they wait anyway."""
    build.prepare()


def publish(record: Record, folder: Path, features: Path, reports: Path) -> list[Published]:
    """Write every report of the record whose ``run.json`` is in ``folder``. ``features`` are the features of the run.

    ``reports`` holds the history of the runs and the results of the fault matrix.
    """
    capacity, problems = _capacity(record, folder)
    makers: dict[str, Callable[[], Path]] = {
        "junit": lambda: write_junit(record, folder),
        "summary": lambda: write_summary(
            record, folder, capacity, since_the_last_green_run(record, read_history(reports / "history"))
        ),
        "metrics": lambda: write_metrics(record, folder, capacity),
        "xray": lambda: write_xray(record, folder),
        "features": lambda: write_features(features, folder),
        "allure": lambda: write_allure(record, folder),
        "site": lambda: write_site(record, folder, features, CATALOGUE_FILE, folder / "site", reports),
    }
    return [*problems, *_made(makers)]


def publish_run(record: Record, folder: Path, reports: Path, features: Path, every: bool) -> list[Published]:
    """Write the reports of a run into its own folder, then copy them to the usual places.

    Without ``every``, only JUnit is written. On GitHub Actions, also add the job summary and annotations.
    """
    published = publish(record, folder, features, reports) if every else [*_made({"junit": _junit(record, folder)})]
    published += [Published(name, None, problem) for name, problem in show(record, folder, reports).items()]
    if every:
        _tell(record, folder, reports)
    return published


def _junit(record: Record, folder: Path) -> Callable[[], Path]:
    return lambda: write_junit(record, folder)


def _tell(record: Record, folder: Path, reports: Path) -> None:
    """Print the path of the site. On GitHub Actions, add the job summary and print the annotations."""
    site = (reports if record.selection.complete else folder) / "site" / "index.html"
    if site.is_file():
        print(f"Site: {site}")
    if os.environ.get("GITHUB_ACTIONS") == "true":
        if (folder / "summary.md").is_file():
            append_summary(folder / "summary.md", os.environ)
        for command in workflow_commands(record):
            print(command)


def _capacity(record: Record, reports: Path) -> tuple[CapacityReport | None, list[Published]]:
    try:
        return capacity_report_of(record, reports), []
    except CapacityReportError as error:
        return None, [Published("capacity", None, str(error))]


def _made(makers: dict[str, Callable[[], Path]]) -> Iterator[Published]:
    for name, make in makers.items():
        try:
            yield Published(name, make())
        except SiteError as error:
            yield Published(name, None, str(error))
        except OSError as error:
            yield Published(name, None, f"cannot be made: {error.strerror or error}")
