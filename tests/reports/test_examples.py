"""docs/examples is what the code generates from the same records, and follows its schemas."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from behave_project import ROOT, SCHEMA

from tools.examples import ANNOTATIONS, COMPARISON, FLAKY, HISTORY, derive, keep

EXAMPLES = ROOT / "docs" / "examples"
AGAIN = "make them anew with scripts/examples.sh"


@pytest.fixture(scope="module")
def derived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("examples") / "examples"
    shutil.copytree(EXAMPLES, folder, ignore=shutil.ignore_patterns("allure-results"))
    derive(folder)
    return folder


@pytest.mark.parametrize(
    "name", ["junit.xml", "summary.md", "metrics.prom", "xray.json", ANNOTATIONS, HISTORY, FLAKY, COMPARISON]
)
def test_an_example_is_what_the_code_makes_of_the_record(derived: Path, name: str) -> None:
    assert (derived / name).read_text() == (EXAMPLES / name).read_text(), AGAIN


def results(folder: Path) -> dict[str, Any]:
    """Results by scenario, without the names that are generated anew for each writing."""
    found = {}
    for path in (folder / "allure-results").glob("*-result.json"):
        result = json.loads(path.read_text())
        result.pop("uuid")
        for attachment in result.get("attachments", []):
            attachment["source"] = (folder / "allure-results" / attachment["source"]).read_text()
        found[result["fullName"]] = result
    return found


def test_the_results_for_allure_are_what_the_code_makes_of_the_record(derived: Path) -> None:
    assert results(derived) == results(EXAMPLES), AGAIN
    assert len(results(EXAMPLES)["JL-05c"]["attachments"]) == 4


def test_the_record_and_the_results_for_xray_follow_their_schemas() -> None:
    record = json.loads((EXAMPLES / "run.json").read_text())
    jsonschema.validate(record, SCHEMA)
    schema = json.loads((ROOT / "support" / "reporting" / "xray.schema.json").read_text())
    jsonschema.validate(json.loads((EXAMPLES / "xray.json").read_text()), schema)
    schema = json.loads((ROOT / "support" / "reporting" / "history" / "history.schema.json").read_text())
    jsonschema.validate(json.loads((EXAMPLES / HISTORY).read_text()), schema)
    assert {scenario["status"] for scenario in record["scenarios"]} == {"passed", "failed", "skipped"}
    schema = json.loads((ROOT / "support" / "capacity" / "infra_gap_report.schema.json").read_text())
    reports = {path.stem: json.loads(path.read_text()) for path in (EXAMPLES / "gap_reports").glob("*.json")}
    for report in reports.values():
        jsonschema.validate(report, schema)
    found = {name: report["bottleneck_analysis"][0]["id"] for name, report in reports.items()}
    assert found == {"gpu_slices": "gpu-slices", "pod_quota": "quota", "mongodb_pool": "mongo-pool"}


def test_examples_name_no_place_of_the_machine_and_no_secret() -> None:
    for path in EXAMPLES.rglob("*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"(?<!\w)/(tmp|root|work|var/tmp|home/(?!prisma/))", text), path
            assert not re.search(r"Bearer (?!\*\*\*)|BEGIN [A-Z ]*PRIVATE KEY", text), path


def test_keeping_examples_leaves_out_places_of_the_machine(tmp_path: Path) -> None:
    reports = tmp_path / "reports"
    shutil.copytree(EXAMPLES / "evidence", reports / "evidence")
    record = json.loads((EXAMPLES / "run.json").read_text())
    record["fingerprint"]["configuration"]["kubernetes"]["kubeconfig"] = str(tmp_path)
    for scenario in record["scenarios"]:
        scenario["evidence"] = [str(tmp_path / path) for path in scenario["evidence"]]
    (reports / "run.json").write_text(json.dumps(record))
    keep(reports, tmp_path / "kept")
    assert str(tmp_path) not in (tmp_path / "kept" / "run.json").read_text()
    assert (tmp_path / "kept" / "evidence" / "JL-05c.txt").is_file()
