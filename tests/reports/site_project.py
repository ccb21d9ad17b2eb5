"""A small set of features with a fault catalogue and a run, written into a folder, and the site made from it."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

from support.reporting.record.model import Record, ScenarioResult, StepResult, Trouble, write_record
from support.reporting.site import write_site

NOW = datetime.datetime(2026, 3, 4, 5, 6, 7, 890000, tzinfo=datetime.UTC)

OPENING = """\
@JL
Feature: A job is opened for every investigation
  As the operator of a site I expect one job,
  so that I can watch the fibre.

  Rule: Opening a live investigation starts exactly one job

    @JL-01a @REQ_PZ-13899 @smoke
    Example: The job is running
      Given a connected fibre
      When a client opens a live investigation
      Then a job for it is running within its deadline

    @JL-01b @REQ_PZ-13899 @TEST_PZ-2
    Example: It is the only one
      When a client opens a live investigation
      Then it is the only job that was started

  Rule: A client can cancel

    @JL-14a @REQ_PZ-13670 @backlog
    Example: Everything is gone
      When the client cancels it
      Then everything is gone
"""
WINDOWS = """\
@PV
Feature: The time range is valid
  As a client I make mistakes.

  Background:
    Given a connected fibre

  Rule: The time range is valid

    @PV-04a @REQ_PZ-13869 @negative
    Scenario Outline: A window that <defect> is refused
      When a client asks for a window that <defect>
      Then nothing is started

      Examples: Windows that cannot be
        | defect               | reason            |
        | ends before it starts | start and end mixed up |
        | lies in the future   | not recorded yet  |

      Examples: Others
        | defect        | reason  |
        | is very long  | too big |

    @PV-04b
    Example: A table and a text
      When a client asks for these windows
        | from | to |
        | 1    | 2  |
      Then the answer says
        \"\"\"
        too <b>big</b>
        \"\"\"
"""
CATALOGUE = """\
[[fault]]
id = "two-jobs"
requirement = "JL-01"
notice = "Every request starts a <second> job."
process = "focus_server"
scenarios = { JL-01b = "started: " }

[[fault]]
id = "reversed-window-accepted"
requirement = "PV-04"
notice = "A window that ends before it starts opens."
process = "focus_server"
scenarios = { "PV-04a.1" = "answered 200", PV-04a = "answered 200" }
"""


class SiteProject:
    """Features, catalogue and reports in one folder; `make` writes the record and the site and returns the site."""

    def __init__(self, root: Path) -> None:
        self.features = root / "features"
        self.catalogue = root / "faults.toml"
        self.reports = root / "reports"
        self.site = self.reports / "site"
        self.reports.mkdir()
        self.catalogue.write_text(CATALOGUE, encoding="utf-8")
        self.feature("job_lifecycle/opening", OPENING)
        self.feature("prelaunch_validation/windows", WINDOWS)

    def feature(self, name: str, text: str) -> None:
        path = self.features / f"{name}.feature"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def evidence(self, name: str) -> str:
        path = self.reports / "evidence" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("Traceback (most recent call last)", encoding="utf-8")
        return f"reports/evidence/{name}"

    def matrix(self, **content: Any) -> None:
        self._results("faults/matrix.json", content)

    def mutants(self, **content: Any) -> None:
        self._results("mutants/mutants.json", content)

    def _results(self, name: str, content: object) -> None:
        path = self.reports / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content), encoding="utf-8")

    def make(self, *results: ScenarioResult, **changed: Any) -> Path:
        known = {"title": "Staging site", "nodes": ["a", "b"], "git": "0123456789abcdef", "configuration": {}}
        changed = {"fingerprint": known, **changed}
        record = Record("staging", NOW, NOW + datetime.timedelta(seconds=65), 65.0, list(results), **changed)
        write_record(record, self.reports)
        write_site(record, self.reports, self.features, self.catalogue, self.site)
        return self.site


def result(scenario_id: str = "JL-01a", status: str = "passed", **changed: Any) -> ScenarioResult:
    """A result; its feature belongs to the area of its id."""
    opening = scenario_id.startswith("JL")
    values: dict[str, Any] = {
        "id": scenario_id,
        "requirement": scenario_id[:5],
        "name": "The job is running",
        "feature": f"features/{'job_lifecycle/opening' if opening else 'prelaunch_validation/windows'}.feature",
        "line": 9,
        "rule": "Opening a live investigation starts exactly one job",
        "tags": [scenario_id],
        "status": status,
        "reason": None if status == "passed" else f"why {status}",
        "duration_s": 0.25,
    }
    return ScenarioResult(**{**values, **changed})


def failed(scenario_id: str, keyword: str, step: str, error: str, **changed: Any) -> ScenarioResult:
    """A result whose last step failed, with its reason in the form that a run writes."""
    values: dict[str, Any] = {
        "status": "failed",
        "reason": f"{keyword} {step}: {error}",
        "steps": [
            StepResult("When", "a client opens a live investigation", "passed", 0.1),
            StepResult(keyword, step, "failed", 0.1, error),
        ],
    }
    return result(scenario_id, **{**values, **changed})


def trouble(message: str) -> Trouble:
    return Trouble("before_all", message)
