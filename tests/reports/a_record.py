"""A record with one scenario of every kind, made in memory, for the tests of single reports."""

from __future__ import annotations

import datetime
from typing import Any

from support.reporting.record.model import Record, ScenarioResult, StepResult, Trouble
from support.reporting.record.requests import request_times

STARTED = datetime.datetime(2026, 3, 4, 5, 6, 7, tzinfo=datetime.UTC)
FINGERPRINT = {
    "title": "A site",
    "focus_server": "server:1",
    "kubernetes": "v1.34.1",
    "mongodb": "not known: no connection",
    "nodes": ["a", "b"],
    "git": "0123456789abcdef",
    "configuration": {"identity": {"tickets_url": "https://tickets.invalid/browse"}},
}


def scenario(scenario_id: str = "JL-01a", status: str = "passed", **changed: Any) -> ScenarioResult:
    values: dict[str, Any] = {
        "id": scenario_id,
        "requirement": scenario_id[:5],
        "name": f"Example {scenario_id}",
        "feature": "features/job_lifecycle/opening.feature",
        "line": 12,
        "rule": "One job for each investigation",
        "tags": ["JL", scenario_id.split(".")[0], "REQ_PZ-13899"],
        "status": status,
        "reason": None if status == "passed" else f"Then it runs: {status} because of a reason",
        "duration_s": 1.5,
        "feature_name": "A job is opened",
        "started": STARTED + datetime.timedelta(seconds=1),
        "steps": [
            StepResult("When", "it is opened", "passed", 0.5),
            StepResult("Then", "it runs", "failed", 1.0, "no"),
        ],
    }
    return ScenarioResult(**{**values, **changed})


def record(*scenarios: ScenarioResult, **changed: Any) -> Record:
    values: dict[str, Any] = {
        "environment": "staging",
        "started": STARTED,
        "finished": STARTED + datetime.timedelta(seconds=60),
        "duration_s": 60.0,
        "scenarios": list(scenarios),
        "fingerprint": FINGERPRINT,
        "figures": {"configure_p95_ms": 41.5},
        "requests": request_times(
            [("POST https://h/x/configure", 0.2), ("POST https://h/x/configure", 0.4)], "https://h/x"
        ),
    }
    return Record(**{**values, **changed})


def everything() -> Record:
    """A record with each status, an outline with a failed row, a known issue, a leftover and an error of the suite."""
    rows = [
        scenario(f"CF-01b.{number}", status, row={"n": str(number)}, name=f"Row {number}")
        for number, status in ((1, "passed"), (2, "failed"), (3, "skipped"))
    ]
    return record(
        scenario("JL-01a", tags=["JL", "JL-01a", "TEST_PZ-1", "REQ_PZ-2", "smoke"]),
        scenario("JL-01b", "failed"),
        scenario("JL-02a", "error"),
        scenario("JL-03a", "skipped", tags=["backlog"], started=None, duration_s=0.0),
        scenario("JL-04a", "known_issue", ticket="PZ-99"),
        scenario("JL-05a", "unexpected_pass", ticket="PZ-98"),
        *rows,
        suite_errors=[Trouble("after_all", "boom")],
        leftovers=["job 1-16"],
    )
