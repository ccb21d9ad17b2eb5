"""``focus-acceptance report failed``: a tag expression that runs the failed scenarios of the last run again."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from support.reporting.record.places import RECORD
from support.reporting.record.reading import ReadingError, read_record

_ROW = re.compile(r"\.\d+$")


def run(reports: Path) -> int:
    """Print an expression such as ``@JL-01a or @CF-01b``. Exit code 2 if there is no record or nothing failed."""
    try:
        record = read_record(reports / RECORD)
    except ReadingError as error:
        print(f"report: {error}", file=sys.stderr)
        return 2
    # A row of an outline cannot be run alone, so the whole outline is named.
    failed = dict.fromkeys(_ROW.sub("", one.id) for one in record.scenarios if one.is_bad)
    if not failed:
        print(f"report: no scenario failed in the last run on {record.environment}", file=sys.stderr)
        return 2
    print(" or ".join(f"@{name}" for name in failed))
    return 0
