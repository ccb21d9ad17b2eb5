"""``python -m tools.examples REPORTS DESTINATION``: the reports of a run as committed examples.

The record is kept without the places of this machine; everything else is made from it again, so that the examples show
what the code makes, and a test can tell when they do not.
"""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from support.reporting.compare import compare, comparison_lines
from support.reporting.facts import inside_reports
from support.reporting.history import History, entry_of
from support.reporting.history.flaky import flaky_lines, judge
from support.reporting.record.model import Record, Repeat
from support.reporting.record.reading import read_record
from support.reporting.writers.allure import write_allure
from support.reporting.writers.github import workflow_commands, write_summary
from support.reporting.writers.junit import write_junit
from support.reporting.writers.metrics import write_metrics
from support.reporting.writers.xray import write_xray

ANNOTATIONS = "annotations.txt"
HISTORY, FLAKY, COMPARISON = "history.json", "flaky.txt", "compare.txt"


def keep(reports: Path, destination: Path) -> None:
    """Replace the examples in ``destination``."""
    shutil.rmtree(destination / "evidence", ignore_errors=True)
    shutil.copytree(reports / "evidence", destination / "evidence")
    record = json.loads((reports / "run.json").read_text(encoding="utf-8"))
    for scenario in record["scenarios"]:
        scenario["evidence"] = [f"reports/{inside_reports(path)}" for path in scenario["evidence"]]
    record = _without_places(record)
    (destination / "run.json").write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    derive(destination)


def derive(destination: Path) -> None:
    """Make the other examples from the record among them."""
    record = read_record(destination / "run.json")
    for write in (write_junit, write_summary, write_metrics, write_xray, write_allure):
        write(record, destination)
    commands = "\n".join(workflow_commands(record)) + "\n"
    (destination / ANNOTATIONS).write_text(commands, encoding="utf-8")
    for name, lines in _over_runs(record).items():
        (destination / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _over_runs(record: Record) -> dict[str, list[str]]:
    """What is told of several runs: of this one, and of two days before, when what fails in it passed."""
    good = [
        replace(one, status="passed", reason=None, closest_deadline=0.62) if one.is_bad else one
        for one in record.scenarios
    ]
    earlier = [
        replace(record, scenarios=good, started=record.started - timedelta(days=days), repeat=Repeat(days, "series"))
        for days in (2, 1)
    ]
    entries = tuple(map(entry_of, (*earlier, record)))
    return {
        HISTORY: [entries[-1].line().strip()],
        FLAKY: list(flaky_lines(judge(History(entries)))),
        COMPARISON: list(comparison_lines(compare(earlier[-1], record))),
    }


def _without_places(value: Any) -> Any:
    """Absolute paths and what is drawn anew for each sandbox mean nothing to a reader."""
    if isinstance(value, dict):
        return {key: _without_places(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_places(item) for item in value]
    if isinstance(value, str) and value.startswith("/") and Path(value).exists():
        return f"<sandbox>/{Path(value).name}"
    return value


if __name__ == "__main__":
    keep(Path(sys.argv[1]), Path(sys.argv[2]))
