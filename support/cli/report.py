"""``focus-acceptance report``: what can be made of a run record."""

from __future__ import annotations

import sys
from pathlib import Path

from support.faults.catalogue import CATALOGUE_FILE
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
