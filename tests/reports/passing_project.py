"""A project with three passing scenarios in two features, for tests of runs that fail for another reason."""

from __future__ import annotations

from pathlib import Path

from behave_project import BehaveProject, Outcome

FEATURE = """
    Feature: A job is opened
      Rule: One job for each investigation
        @JL-01a
        Example: It passes
          When it works

        @JL-01b
        Example: It passes as well
          When it works
    """
OTHER = """
    Feature: Another
      @PV-01a
      Scenario: It passes too
        When it works
    """


def passing_project(folder: Path) -> BehaveProject:
    return BehaveProject(folder).write({"job_lifecycle/a.feature": FEATURE, "validation/b.feature": OTHER})


def with_hooks(project: BehaveProject, hooks: str) -> BehaveProject:
    return project.write({}, hooks)


def statuses(outcome: Outcome) -> dict[str, str]:
    return {entry["id"]: entry["status"] for entry in outcome.checked["scenarios"]}


def errors(outcome: Outcome) -> list[tuple[str, str]]:
    return [(error["where"], error["message"]) for error in outcome.checked["suite"]["errors"]]
