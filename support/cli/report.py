"""``focus-acceptance report``: commands that evaluate the record of a run."""

from __future__ import annotations

import os
import sys
import webbrowser
from collections.abc import Mapping
from pathlib import Path

from support.cli.publish import with_record
from support.fault_catalogue import CATALOGUE_FILE
from support.files import PROJECT
from support.reporting.capacity_report import CapacityReportError, capacity_report_of
from support.reporting.compare import compare, comparison_lines, run_at
from support.reporting.history import read_history
from support.reporting.history.flaky import TooFewRuns, flaky_lines, judge
from support.reporting.record.folder import latest, place_of
from support.reporting.record.model import Record
from support.reporting.record.reading import ReadingError
from support.reporting.site import SiteError, write_site
from support.reporting.text import Painter, safe, summary_lines
from support.reporting.writers.bundle import BundleError, write_bundle


def write_documentation(reports: Path) -> int:
    """Write the living documentation of the run in ``reports``. Exit code 2 if the record or the site is unusable."""

    def make(record: Record, folder: Path) -> int:
        write_site(record, folder, PROJECT / "features", CATALOGUE_FILE, folder / "site", reports)
        print(place_of("site", record, folder, reports) / "index.html")
        return 0

    try:
        return with_record(reports, make)
    except SiteError as error:
        print(f"report: {error}", file=sys.stderr)
        return 2


def flaky(reports: Path, environment: str | None, series: str | None = None) -> int:
    """Print which scenarios are flaky, in the runs of a series or in all. Exit code 1 if there is one, 2 if there are
    too few runs to judge."""
    history = read_history(reports / "history")
    for sentence in history.unreadable:
        print(f"report: {sentence}", file=sys.stderr)
    try:
        found = judge(history, environment, series)
    except TooFewRuns as error:
        print(f"report: {error}", file=sys.stderr)
        return 2
    for line in flaky_lines(found):
        print(line)
    return 1 if found.mixed else 0


def bundle(reports: Path) -> int:
    """Write the archive of the run in ``reports`` and print its path; exit code 2 if there is no usable record."""

    def make(record: Record, folder: Path) -> int:
        gap = capacity_report_of(record, folder)
        files = () if gap is None else (gap.path, gap.path.with_suffix(".html"))
        print(write_bundle(record, folder, _summary(record, reports), files, reports))
        return 0

    try:
        return with_record(reports, make)
    except CapacityReportError as error:
        print(f"report: {error}", file=sys.stderr)
        return 2


def summary(reports: Path) -> int:
    """Print the console's summary of the last run again. Exit code 1 if that run failed, like the run itself."""

    def tell(record: Record, folder: Path) -> int:
        print(_summary(record, reports), end="")
        return 0 if record.verdict == "passed" else 1

    return with_record(reports, tell)


def open_site(reports: Path) -> int:
    """Print the path of the living documentation, and show it in the browser of the desktop if there is a desktop."""
    start_page = next(
        (page for folder in (latest(reports), reports) if (page := folder / "site" / "index.html").is_file()),
        reports / "site" / "index.html",
    )
    if not start_page.is_file():
        print(f"report: {start_page} is not there: focus-acceptance report site makes it", file=sys.stderr)
        return 2
    print(start_page)
    if has_desktop(sys.platform, os.environ):
        webbrowser.open(start_page.resolve().as_uri())
    return 0


def has_desktop(platform: str, environment: Mapping[str, str]) -> bool:
    """Whether a desktop can show a window. A browser in the terminal would only be in the way."""
    if environment.get("CI"):
        return False
    return platform in ("darwin", "win32") or any(environment.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def compare_runs(before: Path, after: Path) -> int:
    """Print what differs. Exit code 1 if something fails that did not before, 2 if one of the paths holds no run."""
    try:
        found = compare(run_at(before), run_at(after))
    except (ReadingError, BundleError) as error:
        print(f"report: {error}", file=sys.stderr)
        return 2
    for line in comparison_lines(found):
        print(safe(line))
    return 1 if found.is_worse else 0


def _summary(record: Record, reports: Path) -> str:
    return "".join(f"{line}\n" for line in summary_lines(record, Painter(False, None), str(reports)))
