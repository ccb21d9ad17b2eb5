"""Everything that is made of a run record, in one place: by the run itself at its end, and again on demand.

One report that cannot be made neither hides another nor the verdict: it is named in a sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from support.faults.catalogue import CATALOGUE_FILE
from support.reporting.allure import write_allure
from support.reporting.capacity_report import CapacityReport, CapacityReportError, capacity_report_of
from support.reporting.github import append_summary, workflow_commands, write_summary
from support.reporting.junit import write_junit
from support.reporting.metrics import write_metrics
from support.reporting.model import Record
from support.reporting.site import SiteError, write_site
from support.reporting.site.reading import read_record
from support.reporting.xray import write_features, write_xray


@dataclass(frozen=True)
class Published:
    """A report: where it is, or the sentence that says why it could not be made."""

    name: str
    path: Path | None
    problem: str = ""


def publish(record: Record, reports: Path, features: Path) -> list[Published]:
    """Write every report of a record whose ``run.json`` lies in ``reports``; ``features`` are those that were run."""
    capacity, problems = _capacity(record, reports)
    makers: dict[str, Callable[[], Path]] = {
        "junit": lambda: write_junit(record, reports),
        "summary": lambda: write_summary(record, reports, capacity),
        "metrics": lambda: write_metrics(record, reports, capacity),
        "xray": lambda: write_xray(record, reports),
        "features": lambda: write_features(features, reports),
        "allure": lambda: write_allure(record, reports),
        "site": lambda: write_site(reports / "run.json", features, CATALOGUE_FILE, reports / "site"),
    }
    return [*problems, *_made(makers)]


def publish_run(reports: Path, features: Path, environment: Mapping[str, str]) -> list[Published]:
    """What a run does at its end: every report of the record it has written, and what GitHub shows of it where GitHub
    runs it."""
    record = read_record(reports / "run.json")
    published = publish(record, reports, features)
    site = next((one.path for one in published if one.name == "site"), None)
    if site is not None:
        print(f"Site: {site}")
    if environment.get("GITHUB_ACTIONS") == "true":
        summary = next((one.path for one in published if one.name == "summary"), None)
        if summary is not None:
            append_summary(summary, environment)
        for command in workflow_commands(record):
            print(command)
    return published


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
