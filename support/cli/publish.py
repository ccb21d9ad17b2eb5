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
    """Every report; prints where each is. Exit code 2 if the record cannot be used or a report cannot be made."""

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
    """Allure's own page of the run; exit code 2 if its tool is not there."""

    def make(record: Record, folder: Path) -> int:
        page = folder / "allure.html"
        write_allure(record, folder)
        write_allure_html(folder / FOLDER, page, f"Focus Server on {record.environment}")
        print(_shown(page, record, folder, reports))
        return 0

    return with_record(reports, make)


def xray(reports: Path, edition: str) -> int:
    """The results in the words of an edition of Xray."""
    if edition not in WORDS:
        print(f"report: --edition {edition}: allowed are {', '.join(WORDS)}", file=sys.stderr)
        return 2

    def make(record: Record, folder: Path) -> int:
        print(_shown(write_xray(record, folder, edition), record, folder, reports))
        return 0

    return with_record(reports, make)


def _shown(path: Path, record: Record, folder: Path, reports: Path) -> Path:
    """Where a person finds what was written into the folder of the run."""
    inside = path.relative_to(folder)
    return place_of(inside.parts[0], record, folder, reports) / PurePath(*inside.parts[1:])


def with_record(reports: Path, make: Callable[[Record, Path], int]) -> int:
    """``make`` of the last record in ``reports`` and of the folder its run has written; exit code 2 without one."""
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
