"""``focus-acceptance list``, ``report failed`` and ``--version``: lists to select scenarios and to run them again."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from support.gherkin.requirements import read_requirements
from support.reporting.record.model import Record, ScenarioResult, write_record
from tools.cli import app

NOW = datetime.datetime(2026, 3, 4, 5, 6, 7, tzinfo=datetime.UTC)


def called(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments))


def listed(kind: str) -> list[dict[str, Any]]:
    done = called("list", kind, "--json")
    assert done.exit_code == 0, done.output
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


def test_every_requirement_is_listed_with_its_scenarios() -> None:
    rows = {row["id"]: row for row in listed("requirements")}
    assert list(rows) == list(read_requirements().titles)
    assert "JL-01a" in rows["JL-01"]["scenarios"]


def test_scenarios_faults_and_tags_name_each_other() -> None:
    scenarios = {row["id"]: row for row in listed("scenarios")}
    assert scenarios["JL-01a"]["place"].startswith("features/job_lifecycle/opening.feature:")
    named = {name.split(".")[0] for row in listed("faults") for name in row["scenarios"]}
    assert named <= set(scenarios)
    tags = {row["tag"]: row for row in listed("tags")}
    assert tags["@smoke"]["scenarios"] > 0
    assert {tag for row in scenarios.values() for tag in row["tags"]} <= set(tags)


def test_every_phrase_is_listed_with_its_noun_and_is_used() -> None:
    rows = listed("phrases")
    assert [row for row in rows if not row["uses"]] == []
    assert any(row["noun"] == "job" and row["phrase"].startswith("Then ") for row in rows)


def test_a_list_for_people_is_one_line_each_and_a_wrong_kind_is_wrong_use() -> None:
    lines = called("list", "requirements").stdout.splitlines()
    assert len(lines) == len(read_requirements().titles)
    assert called("list", "requirement").exit_code == 2


def test_the_version_names_the_package() -> None:
    done = called("--version")
    assert done.exit_code == 0
    assert done.stdout.startswith("focus-acceptance 0.")


def run_with(reports: Path, **statuses: str) -> None:
    scenarios = [
        ScenarioResult(name.replace("_", "-"), "x", "n", "f", 1, None, [], status, None, 0.1)
        for name, status in statuses.items()
    ]
    write_record(Record("sandbox", NOW, NOW, 1.0, scenarios), reports)


def test_what_failed_is_a_tag_expression_with_each_outline_once(tmp_path: Path) -> None:
    run_with(tmp_path, **{"JL_01a": "failed", "JL_01b": "passed", "CF_01b.1": "error", "CF_01b.2": "failed"})
    done = called("report", "failed", "--reports", str(tmp_path))
    assert (done.exit_code, done.stdout) == (0, "@JL-01a or @CF-01b\n")


@pytest.mark.parametrize("record", [True, False])
def test_nothing_to_run_again_is_wrong_use(tmp_path: Path, record: bool) -> None:
    if record:
        run_with(tmp_path, JL_01a="passed")
    done = called("report", "failed", "--reports", str(tmp_path))
    assert done.exit_code == 2
    assert done.stdout == ""
    assert ("no scenario failed in the last run" if record else "run.json: cannot be read") in done.stderr
