"""The Xray export: one test per scenario or outline, identified by its key or by a description, for each edition."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from a_record import everything, record, scenario
from behave_project import ROOT

from support.reporting.writers.xray import write_features, write_xray, xray_results

SCHEMA = json.loads((ROOT / "support" / "reporting" / "xray.schema.json").read_text())


def told(edition: str = "cloud") -> dict[str, dict[str, Any]]:
    content = xray_results(everything(), edition)
    jsonschema.validate(content, SCHEMA)
    return {test.get("testKey") or test["testInfo"]["definition"]: test for test in content["tests"]}


def test_a_failure_of_any_kind_is_failed_and_what_did_not_run_is_to_do() -> None:
    assert {name: test["status"] for name, test in told().items()} == {
        "PZ-1": "PASSED",
        "JL-01b": "FAILED",
        "JL-02a": "FAILED",
        "JL-03a": "TODO",
        "JL-04a": "FAILED",
        "JL-05a": "FAILED",
        "CF-01b": "FAILED",
    }


def test_the_server_edition_has_its_own_words() -> None:
    assert {test["status"] for test in told("server").values()} == {"PASS", "FAIL", "TODO"}


def test_a_scenario_without_a_key_is_described_by_its_id_and_requirements() -> None:
    assert told()["JL-01b"]["testInfo"] == {
        "projectKey": "PZ",
        "summary": "JL-01b Example JL-01b",
        "type": "Generic",
        "definition": "JL-01b",
        "requirementKeys": ["PZ-13899"],
        "labels": ["focus-acceptance", "JL-01"],
    }


def test_the_rows_of_an_outline_are_iterations_of_one_test() -> None:
    test = told()["CF-01b"]
    assert test["testInfo"]["summary"] == "CF-01b One job for each investigation"
    assert [(one["name"], one["status"]) for one in test["iterations"]] == [
        ("CF-01b.1", "PASSED"),
        ("CF-01b.2", "FAILED"),
        ("CF-01b.3", "TODO"),
    ]
    assert test["iterations"][1]["parameters"] == [{"name": "n", "value": "2"}]
    assert test["comment"].splitlines()[0] == "CF-01b.2 failed: Then it runs: failed because of a reason"


@pytest.mark.parametrize(
    ("statuses", "folded"),
    [(("passed", "passed"), "PASSED"), (("passed", "skipped"), "TODO"), (("skipped", "failed"), "FAILED")],
)
def test_a_row_that_did_not_run_leaves_the_test_to_be_done(statuses: tuple[str, ...], folded: str) -> None:
    rows = [scenario(f"CF-01b.{n}", status, row={"n": str(n)}) for n, status in enumerate(statuses, start=1)]
    (test,) = xray_results(record(*rows))["tests"]
    assert test["status"] == folded


def test_a_known_issue_names_its_ticket_as_a_defect() -> None:
    assert told()["JL-04a"]["defects"] == ["PZ-99"]
    assert "defects" not in told()["JL-05a"]


def test_the_execution_says_when_on_what_and_why_it_is_red() -> None:
    info = xray_results(everything())["info"]
    assert (info["startDate"], info["finishDate"]) == ("2026-03-04T05:06:07+00:00", "2026-03-04T05:07:07+00:00")
    assert info["testEnvironments"] == ["staging"]
    assert info["description"].splitlines()[1:] == ["after_all: boom", "left over: job 1-16"]


def test_the_file_is_what_the_schema_says(tmp_path: Path) -> None:
    jsonschema.validate(json.loads(write_xray(everything(), tmp_path).read_text()), SCHEMA)


def test_the_archive_of_features_is_the_same_for_the_same_features(tmp_path: Path) -> None:
    features = tmp_path / "features"
    for name in ("b/two.feature", "a/one.feature"):
        (features / name).parent.mkdir(parents=True)
        (features / name).write_text(f"Feature: {name}\n")
    (features / "a" / "notes.txt").write_text("no feature")
    first = write_features(features, tmp_path).read_bytes()
    (features / "a" / "one.feature").touch()
    assert write_features(features, tmp_path).read_bytes() == first
    with zipfile.ZipFile(tmp_path / "features.zip") as archive:
        assert archive.namelist() == ["a/one.feature", "b/two.feature"]
        assert archive.read("a/one.feature") == b"Feature: a/one.feature\n"


def test_an_archive_without_features_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no feature"):
        write_features(tmp_path, tmp_path)
    assert list(tmp_path.iterdir()) == []
