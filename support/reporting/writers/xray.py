"""Writes the files that Xray can import: the results of a run, and the features. Nothing is sent anywhere.

A scenario with a tag ``TEST_PZ-1`` is the test with that key. A scenario without such a tag is described by its id, its
title and the requirements it covers (``testInfo``), so that Xray creates a test once and finds it again. The rows of an
outline are iterations of one test.
"""

from __future__ import annotations

import datetime
import errno
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from support.files import write_atomically
from support.gherkin.dictionary import TICKET_PROJECT
from support.reporting.facts import tickets
from support.reporting.record.model import Record, ScenarioResult
from support.reporting.text import verdict_sentence

RESULTS = "xray.json"
FEATURES = "features.zip"
WORDS = {
    "cloud": {"passed": "PASSED", "failed": "FAILED", "todo": "TODO"},
    "server": {"passed": "PASS", "failed": "FAIL", "todo": "TODO"},
}
"""Edition of Xray -> its names of the results."""
_MEANINGS = {
    "passed": "passed",
    "failed": "failed",
    "error": "failed",
    "unexpected_pass": "failed",
    "known_issue": "failed",
    "skipped": "todo",
}
# The longest title that Jira accepts.
_SUMMARY = 255
# The fixed time of all files in the archive, so that it does not depend on when it was made.
_EPOCH = (1980, 1, 1, 0, 0, 0)


def write_xray(record: Record, reports: Path, edition: str = "cloud") -> Path:
    """Write ``xray.json`` for an edition of Xray and return its path."""
    path = reports / RESULTS
    write_atomically(path, json.dumps(xray_results(record, edition), indent=2, ensure_ascii=False) + "\n")
    return path


def xray_results(record: Record, edition: str = "cloud") -> dict[str, Any]:
    """Return the run as a test execution in Xray's own JSON format (``xray.schema.json``)."""
    groups: dict[str, list[ScenarioResult]] = {}
    for scenario in record.scenarios:
        groups.setdefault(scenario.id.split(".")[0] if scenario.row else scenario.id, []).append(scenario)
    title = str(record.fingerprint.get("title") or record.environment)
    return {
        "info": {
            "project": TICKET_PROJECT,
            "summary": f"Focus Server on {title}",
            "description": "\n".join([verdict_sentence(record), *record.looser_limits, *record.suite_problems()]),
            "revision": str(record.fingerprint.get("git") or "unknown"),
            "startDate": _moment(record.started),
            "finishDate": _moment(record.finished),
            "testEnvironments": [record.environment],
        },
        "tests": [_test(test_id, rows, record, WORDS[edition]) for test_id, rows in groups.items()],
    }


def _test(test_id: str, rows: Sequence[ScenarioResult], record: Record, words: dict[str, str]) -> dict[str, Any]:
    first = rows[0]
    keys = tickets(first, "TEST")
    started = min(row.started or record.started for row in rows)
    test: dict[str, Any] = {"testKey": keys[0]} if keys else {"testInfo": _information(test_id, rows)}
    test |= {
        "start": _moment(started),
        "finish": _moment(started + datetime.timedelta(seconds=sum(row.duration_s for row in rows))),
        "status": words[_folded(rows)],
    }
    if comment := _comment(rows):
        test["comment"] = comment
    if defects := sorted({row.ticket for row in rows if row.ticket and row.status == "known_issue"}):
        test["defects"] = defects
    if first.row:
        test["iterations"] = [_iteration(row, words) for row in rows]
    return test


def _information(test_id: str, rows: Sequence[ScenarioResult]) -> dict[str, Any]:
    first = rows[0]
    # The rows of an outline may have different titles, but they share one rule.
    name = first.name if len({row.name for row in rows}) == 1 else first.rule or first.feature_name
    return {
        "projectKey": TICKET_PROJECT,
        "summary": f"{test_id} {name}"[:_SUMMARY],
        "type": "Generic",
        "definition": test_id,
        "requirementKeys": tickets(first, "REQ"),
        "labels": ["focus-acceptance", *([first.requirement] if first.requirement else [])],
    }


def _iteration(row: ScenarioResult, words: dict[str, str]) -> dict[str, Any]:
    iteration: dict[str, Any] = {
        "name": row.id,
        "parameters": [{"name": name, "value": value} for name, value in row.row.items()],
        "status": words[_MEANINGS[row.status]],
    }
    if row.reason is not None:
        iteration["log"] = row.reason
    return iteration


def _folded(rows: Sequence[ScenarioResult]) -> str:
    """Combine the rows: one failed row fails the test; otherwise one row that did not run leaves it as todo."""
    meanings = {_MEANINGS[row.status] for row in rows}
    return next(meaning for meaning in ("failed", "todo", "passed") if meaning in meanings)


def _comment(rows: Sequence[ScenarioResult]) -> str:
    reasons = {f"{row.status.replace('_', ' ')}: {row.reason}" for row in rows if row.reason is not None}
    if len(rows) == 1 or len(reasons) == 1:
        return next(iter(reasons), "")
    return "\n".join(f"{row.id} {row.status.replace('_', ' ')}: {row.reason}" for row in rows if row.reason is not None)


def write_features(features: Path, reports: Path) -> Path:
    """Write ``features.zip`` with all feature files below ``features``. The same features give the same bytes. Raises
    FileNotFoundError if there are none."""
    path = reports / FEATURES
    files = sorted(features.rglob("*.feature"))
    if not files:
        raise FileNotFoundError(errno.ENOENT, f"there is no feature in {features}")
    temporary = path.with_suffix(".zip.part")
    with zipfile.ZipFile(temporary, "w") as archive:
        for file in files:
            entry = zipfile.ZipInfo(file.relative_to(features).as_posix(), _EPOCH)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            archive.writestr(entry, file.read_bytes())
    temporary.replace(path)
    return path


def _moment(moment: datetime.datetime) -> str:
    """Format a time for Xray: in seconds and with the UTC offset."""
    return moment.astimezone(datetime.UTC).isoformat(timespec="seconds")
