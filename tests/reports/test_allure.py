"""Allure results: the place of a scenario in the tree, its links and attachments, and its stable history id."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from a_record import STARTED, everything, record, scenario

from support.reporting.record.model import Record, StepResult
from support.reporting.writers.allure import write_allure
from support.reporting.writers.allure_html import AllureError, self_contained, write_allure_html


def written(of: Record, folder: Path) -> dict[str, dict[str, Any]]:
    results = [json.loads(path.read_text()) for path in write_allure(of, folder).glob("*-result.json")]
    return {result["fullName"]: result for result in results}


def labels(result: dict[str, Any], name: str) -> list[str]:
    return [label["value"] for label in result["labels"] if label["name"] == name]


def test_every_status_has_its_word(tmp_path: Path) -> None:
    assert {name: result["status"] for name, result in written(everything(), tmp_path).items()} == {
        "JL-01a": "passed",
        "JL-01b": "failed",
        "JL-02a": "broken",
        "JL-03a": "skipped",
        "JL-04a": "skipped",
        "JL-05a": "failed",
        "CF-01b.1": "passed",
        "CF-01b.2": "failed",
        "CF-01b.3": "skipped",
        "suite: hooks, clean-up and leftovers": "broken",
    }


def test_a_scenario_stands_under_area_feature_and_rule(tmp_path: Path) -> None:
    result = written(record(scenario()), tmp_path)["JL-01a"]
    assert [labels(result, name) for name in ("epic", "feature", "story")] == [
        ["Job lifecycle"],
        ["A job is opened"],
        ["One job for each investigation"],
    ]
    assert result["titlePath"] == ["Job lifecycle", "A job is opened", "One job for each investigation"]
    assert labels(result, "tag") == ["JL", "JL-01a", "REQ_PZ-13899"]
    assert labels(result, "requirement") == ["JL-01"]


@pytest.mark.parametrize(
    ("tags", "severity"),
    [([], "normal"), (["smoke"], "critical"), (["negative"], "minor"), (["negative", "smoke"], "critical")],
)
def test_the_severity_comes_from_the_tags(tmp_path: Path, tags: list[str], severity: str) -> None:
    assert labels(written(record(scenario(tags=tags)), tmp_path)["JL-01a"], "severity") == [severity]


def test_tickets_are_linked_where_it_is_known_where_they_are(tmp_path: Path) -> None:
    found = written(everything(), tmp_path)
    assert found["JL-01a"]["links"] == [
        {"type": "issue", "url": "https://tickets.invalid/browse/PZ-2", "name": "PZ-2"},
        {"type": "tms", "url": "https://tickets.invalid/browse/PZ-1", "name": "PZ-1"},
    ]
    assert {link["name"] for link in found["JL-04a"]["links"]} == {"PZ-13899", "PZ-99"}
    assert "links" not in written(dataclasses.replace(everything(), fingerprint={}), tmp_path)["JL-01a"]


def test_the_history_belongs_to_the_id_whatever_title_and_file(tmp_path: Path) -> None:
    before = written(record(scenario()), tmp_path)["JL-01a"]
    after = written(record(scenario(name="New", feature="features/x/y.feature", rule=None)), tmp_path)["JL-01a"]
    assert (before["historyId"], before["testCaseId"]) == (after["historyId"], after["testCaseId"])
    rows = written(everything(), tmp_path)
    assert rows["CF-01b.1"]["testCaseId"] == rows["CF-01b.2"]["testCaseId"]
    assert rows["CF-01b.1"]["historyId"] != rows["CF-01b.2"]["historyId"]
    assert rows["CF-01b.2"]["parameters"] == [{"name": "n", "value": "2"}]


def test_steps_have_their_durations_and_statuses_in_the_time_of_the_scenario(tmp_path: Path) -> None:
    result = written(record(scenario(status="failed")), tmp_path)["JL-01a"]
    first = round(STARTED.timestamp() * 1000) + 1000
    assert (result["start"], result["stop"]) == (first, first + 1500)
    assert [(step["name"], step["status"], step["stop"] - step["start"]) for step in result["steps"]] == [
        ("When it is opened", "passed", 500),
        ("Then it runs", "failed", 1000),
    ]
    assert result["steps"][1]["statusDetails"] == {"message": "no"}


def test_what_is_known_says_so_and_a_skip_says_why(tmp_path: Path) -> None:
    found = written(everything(), tmp_path)
    assert found["JL-04a"]["statusDetails"]["known"] is True
    assert found["JL-03a"]["statusDetails"]["message"] == "Then it runs: skipped because of a reason"
    assert (
        found["suite: hooks, clean-up and leftovers"]["statusDetails"]["message"]
        == "after_all: boom\nleft over: job 1-16"
    )


def test_evidence_tables_and_texts_are_attached(tmp_path: Path) -> None:
    (tmp_path / "evidence").mkdir()
    for suffix in ("txt", "jobs.yaml", "events.txt", "logs.txt"):
        (tmp_path / "evidence" / f"JL-01a.{suffix}").write_text(f"what {suffix} says")
    paths = [f"elsewhere/evidence/JL-01a.{suffix}" for suffix in ("txt", "jobs.yaml", "events.txt", "logs.txt")]
    step = StepResult("Given", "a table", "passed", 0.1, None, [["a", "b"], ["1", "x,y"]], "some text")
    of = record(scenario(status="failed", steps=[step], evidence=[*paths, "evidence/gone.txt", "evidence/../../x"]))
    result = written(of, tmp_path)["JL-01a"]
    assert {one["name"]: read(tmp_path, one) for one in result["attachments"]} == {
        "Requests and answers": "what txt says",
        "Description of the jobs": "what jobs.yaml says",
        "Events of the cluster": "what events.txt says",
        "Logs of the pods": "what logs.txt says",
    }
    assert {one["name"]: read(tmp_path, one) for one in result["steps"][0]["attachments"]} == {
        "Table": 'a,b\n1,"x,y"\n',
        "Text": "some text",
    }


def read(reports: Path, attachment: dict[str, Any]) -> str:
    return (reports / "allure-results" / attachment["source"]).read_text()


def test_the_environment_categories_and_executor_lie_beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    facts = {**everything().fingerprint, "odd key": "a\\b\nc ü𝄞"}
    folder = write_allure(dataclasses.replace(everything(), fingerprint=facts), tmp_path)
    properties = (folder / "environment.properties").read_text().splitlines()
    assert properties[:2] == ["environment=staging", "focus_server=server:1"]
    assert properties[-1] == r"odd_key=a\\b c \u00fc\ud834\udd1e"
    assert json.loads((folder / "executor.json").read_text())["type"] == "local"
    names = [category["name"] for category in json.loads((folder / "categories.json").read_text())]
    assert names[0] == "Known issues" and len(names) == len(set(names))


def test_the_executor_names_the_job_of_github(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("ACTIONS", "true"), ("SERVER_URL", "https://g"), ("REPOSITORY", "o/r"), ("RUN_ID", "7")):
        monkeypatch.setenv(f"GITHUB_{name}", value)
    executor = json.loads((write_allure(record(), tmp_path) / "executor.json").read_text())
    assert (executor["type"], executor["buildUrl"]) == ("github", "https://g/o/r/actions/runs/7")


def test_results_of_an_earlier_run_are_gone(tmp_path: Path) -> None:
    write_allure(everything(), tmp_path)
    assert set(written(record(scenario()), tmp_path)) == {"JL-01a"}


GTAG = """<html><head></head><script async src="https://www.googletagmanager.com/gtag/js?id=G-1"></script>
<script>
  function gtag(){dataLayer.push(arguments);}
  gtag('config', 'G-1');
</script><script>window.kept = 1</script></html>"""


def test_analytics_are_taken_out_of_the_page_and_nothing_may_be_fetched() -> None:
    page = self_contained(GTAG)
    assert "gtag" not in page and "googletagmanager" not in page
    assert "window.kept = 1" in page
    assert """<head><meta http-equiv="Content-Security-Policy" content="default-src 'none';""" in page


@pytest.mark.parametrize(
    ("page", "why"),
    [
        ('<head></head><script src="https://other.invalid/x.js"></script>', "would fetch https://other.invalid/x.js"),
        ("<body></body>", "has no head"),
    ],
)
def test_a_page_that_would_call_out_is_not_kept(page: str, why: str) -> None:
    with pytest.raises(AllureError, match=why):
        self_contained(page)


def tool(folder: Path, script: str) -> None:
    """Create a program called allure as the only one on the path."""
    path = folder / "bin" / "allure"
    path.parent.mkdir()
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    os.environ["PATH"] = str(path.parent) + os.pathsep + "/bin"


def test_without_the_tool_there_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AllureError, match="^the npm tool allure is not installed .*, so there is no page of it$"):
        write_allure_html(write_allure(everything(), tmp_path), tmp_path / "allure.html", "T")


def test_a_tool_that_fails_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    tool(tmp_path, "echo warming up; echo 'needs node 22' >&2; exit 1")
    with pytest.raises(AllureError, match="^allure failed: needs node 22$"):
        write_allure_html(write_allure(everything(), tmp_path), tmp_path / "allure.html", "T")
    assert not (tmp_path / "allure.html").exists()


@pytest.mark.skipif(shutil.which("allure") is None, reason="the npm tool allure is not installed")
def test_the_real_tool_makes_a_page_that_calls_nobody(tmp_path: Path) -> None:
    write_allure_html(write_allure(everything(), tmp_path), tmp_path / "allure.html", "Focus Server on staging")
    page = (tmp_path / "allure.html").read_text()
    assert "googletagmanager" not in page
    assert "Focus Server on staging" in page
