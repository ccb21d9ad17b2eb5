"""``focus-acceptance report``: what can be made of a run record."""

from __future__ import annotations

import sys
from pathlib import Path

from support.faults.catalogue import CATALOGUE_FILE
from support.reporting.history import read_history
from support.reporting.history.flaky import TooFewRuns, flaky_lines, judge
from support.reporting.site import SiteError, write_site
from support.sandbox import PROJECT


def write_documentation(reports: Path) -> int:
    """The living documentation of the run in ``reports``; exit code 0, or 2 when there is no usable record."""
    try:
        start_page = write_site(reports / "run.json", PROJECT / "features", CATALOGUE_FILE, reports / "site")
    except SiteError as error:
        print(f"report: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"report: cannot write to {reports / 'site'}: {error.strerror}", file=sys.stderr)
        return 2
    print(start_page)
    return 0


def flaky(reports: Path, environment: str | None) -> int:
    """Print which scenarios are flaky; exit code 1 if there is one, 2 if there are too few runs to say so."""
    history = read_history(reports / "history")
    for sentence in history.unreadable:
        print(f"report: {sentence}", file=sys.stderr)
    try:
        found = judge(history, environment)
    except TooFewRuns as error:
        print(f"report: {error}", file=sys.stderr)
        return 2
    for line in flaky_lines(found):
        print(line)
    return 1 if found.mixed else 0
