"""``focus-acceptance report all|allure|xray``: the reports of a run made again from its record."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path, PurePath

from support.files import PROJECT
from support.reporting.publish import publish
from support.reporting.record.folder import latest, place_of, show
from support.reporting.record.model import Record
from support.reporting.record.places import RECORD
from support.reporting.record.reading import ReadingError, read_record
from support.reporting.writers.allure import FOLDER, write_allure
from support.reporting.writers.allure_html import AllureError, write_allure_html
from support.reporting.writers.xray import WORDS, write_xray


def everything(reports: Path) -> int:
    """Make all reports and print their paths. Exit code 2 if the record cannot be used or a report cannot be made."""

    def make(record: Record, folder: Path) -> int:
        published = publish(record, folder, PROJECT / "features", reports)
        for one in published:
            if one.path is not None:
                print(_shown(one.path, record, folder, reports))
            else:
                print(f"report {one.name}: {one.problem}", file=sys.stderr)
        return 2 if any(one.problem for one in published) else 0

    return with_record(reports, make)


def allure_page(reports: Path) -> int:
    """Make Allure's own page of the run. Exit code 2 if the tool is not installed."""

    def make(record: Record, folder: Path) -> int:
        page = folder / "allure.html"
        write_allure(record, folder)
        write_allure_html(folder / FOLDER, page, f"Focus Server on {record.environment}")
        print(_shown(page, record, folder, reports))
        return 0

    return with_record(reports, make)


def xray(reports: Path, edition: str) -> int:
    """Write the results in the terms of an edition of Xray. Exit code 2 for an unknown edition."""
    if edition not in WORDS:
        print(f"report: --edition {edition}: allowed are {', '.join(WORDS)}", file=sys.stderr)
        return 2

    def make(record: Record, folder: Path) -> int:
        print(_shown(write_xray(record, folder, edition), record, folder, reports))
        return 0

    return with_record(reports, make)


def _shown(path: Path, record: Record, folder: Path, reports: Path) -> Path:
    """Return the path at which a person finds a file that was written into the folder of the run."""
    inside = path.relative_to(folder)
    return place_of(inside.parts[0], record, folder, reports) / PurePath(*inside.parts[1:])


def with_record(reports: Path, make: Callable[[Record, Path], int]) -> int:
    """Call ``make`` with the last record in ``reports`` and the folder of its run, and put the results in their place.

    Exit code 2 if there is no usable record, or a result cannot be made or put in its place.
    """
    folder = latest(reports)
    try:
        record = read_record(folder / RECORD)
        code = make(record, folder)
        problems = show(record, folder, reports)
        for name, problem in problems.items():
            print(f"report {name}: {problem}", file=sys.stderr)
        return 2 if problems else code
    except (ReadingError, AllureError) as error:
        print(f"report: {error}", file=sys.stderr)
    except OSError as error:
        print(f"report: cannot write to {reports}: {error.strerror}", file=sys.stderr)
    return 2
