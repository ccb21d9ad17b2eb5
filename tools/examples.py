"""``python -m tools.examples REPORTS DESTINATION [NAME]``: turn the reports of a run into committed examples.

With a name, only the gap report of the run is kept, as ``gap_reports/NAME.json`` and its page. Exit code 2 and one
sentence if the run has no gap report, or one with another verdict than fail.

The record is stored without the paths of this machine. Everything else is generated from it again, so that the examples
show what the code produces and a test can detect outdated ones.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from support.capacity.report.gap_page import render
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


class NoExampleError(Exception):
    """A run that has nothing to show; the message is one sentence."""


def keep_gap_report(reports: Path, destination: Path, name: str) -> None:
    """Replace the example of this name, JSON and page. Raises NoExampleError."""
    places = (reports, reports / "evidence")  # a growth that was stopped leaves its report there
    found = sorted((one for place in places for one in place.glob("infra_gap_report_*.json")), key=lambda one: one.name)
    if not found:
        raise NoExampleError(f"{reports}: no gap report")
    report = _without_places(json.loads(found[-1].read_text(encoding="utf-8")))
    if report["gap_analysis"]["verdict"] != "fail":
        raise NoExampleError(f"{found[-1]}: {report['gap_analysis']['sentence']}")
    destination.mkdir(parents=True, exist_ok=True)
    text = json.dumps(report, indent=2, ensure_ascii=False) + "\n"
    (destination / f"{name}.json").write_text(text, encoding="utf-8")
    (destination / f"{name}.html").write_text(render(report), encoding="utf-8")


def main(arguments: Sequence[str]) -> int:
    reports, destination = Path(arguments[0]), Path(arguments[1])
    try:
        if len(arguments) > 2:
            keep_gap_report(reports, destination / "gap_reports", arguments[2])
        else:
            keep(reports, destination)
    except NoExampleError as nothing:
        print(f"examples: {nothing}", file=sys.stderr)
        return 2
    return 0


def derive(destination: Path) -> None:
    """Generate the other examples from the record in ``destination``."""
    record = read_record(destination / "run.json")
    for write in (write_junit, write_summary, write_metrics, write_xray, write_allure):
        write(record, destination)
    commands = "\n".join(workflow_commands(record)) + "\n"
    (destination / ANNOTATIONS).write_text(commands, encoding="utf-8")
    for name, lines in _over_runs(record).items():
        (destination / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _over_runs(record: Record) -> dict[str, list[str]]:
    """Return the reports over several runs: this one, and two on earlier days in which its failures passed."""
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
    """Shorten absolute paths to ``<sandbox>/NAME``: their folders differ for each sandbox and mean nothing."""
    if isinstance(value, dict):
        return {key: _without_places(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_places(item) for item in value]
    if isinstance(value, str) and value.startswith("/") and Path(value).exists():
        return f"<sandbox>/{Path(value).name}"
    return value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
