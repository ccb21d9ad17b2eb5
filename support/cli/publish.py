"""``focus-acceptance report all|allure|xray``: the reports of a run made again from its record."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from support.files import PROJECT
from support.reporting.publish import publish
from support.reporting.record.model import Record
from support.reporting.record.reading import ReadingError, read_record
from support.reporting.writers.allure import FOLDER, write_allure
from support.reporting.writers.allure_html import AllureError, write_allure_html
from support.reporting.writers.xray import WORDS, write_xray


def everything(reports: Path) -> int:
    """Every report; prints where each is. Exit code 2 if the record cannot be used or a report cannot be made."""

    def make(record: Record) -> int:
        published = publish(record, reports, PROJECT / "features")
        for one in published:
            if one.path is not None:
                print(one.path)
            else:
                print(f"report {one.name}: {one.problem}", file=sys.stderr)
        return 2 if any(one.problem for one in published) else 0

    return with_record(reports, make)


def allure_page(reports: Path) -> int:
    """Allure's own page of the run; exit code 2 if its tool is not there."""

    def make(record: Record) -> int:
        page = reports / "allure.html"
        write_allure(record, reports)
        write_allure_html(reports / FOLDER, page, f"Focus Server on {record.environment}")
        print(page)
        return 0

    return with_record(reports, make)


def xray(reports: Path, edition: str) -> int:
    """The results in the words of an edition of Xray."""
    if edition not in WORDS:
        print(f"report: --edition {edition}: allowed are {', '.join(WORDS)}", file=sys.stderr)
        return 2

    def make(record: Record) -> int:
        print(write_xray(record, reports, edition))
        return 0

    return with_record(reports, make)


def with_record(reports: Path, make: Callable[[Record], int]) -> int:
    try:
        return make(read_record(reports / "run.json"))
    except (ReadingError, AllureError) as error:
        print(f"report: {error}", file=sys.stderr)
    except OSError as error:
        print(f"report: cannot write to {reports}: {error.strerror}", file=sys.stderr)
    return 2
