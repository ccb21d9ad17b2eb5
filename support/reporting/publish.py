"""Everything that is made of a run record, in one place: by the run itself at its end, and again on demand.

One report that cannot be made neither hides another nor the verdict: it is named in a sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from support.fault_catalogue import CATALOGUE_FILE
from support.reporting.capacity_report import CapacityReport, CapacityReportError, capacity_report_of
from support.reporting.record.model import Record
from support.reporting.site import SiteError, write_site
from support.reporting.writers.allure import write_allure
from support.reporting.writers.github import append_summary, workflow_commands, write_summary
from support.reporting.writers.junit import write_junit
from support.reporting.writers.metrics import write_metrics
from support.reporting.writers.xray import write_features, write_xray


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
        "site": lambda: write_site(record, reports, features, CATALOGUE_FILE, reports / "site"),
    }
    return [*problems, *_made(makers)]


def publish_junit(record: Record, reports: Path) -> list[Published]:
    """What is written of a run that asked for its record only."""
    return list(_made({"junit": lambda: write_junit(record, reports)}))


def publish_run(record: Record, reports: Path, features: Path, environment: Mapping[str, str]) -> list[Published]:
    """What a run does at its end: every report of its record, and what GitHub shows of it where GitHub
    runs it."""
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
