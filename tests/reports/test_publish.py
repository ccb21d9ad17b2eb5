"""Publishing all reports of a run: fast, independent of each other, and reproducible from the record alone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from a_record import record, scenario
from behave_project import BehaveProject
from passing_project import passing_project
from typer.testing import CliRunner

from support.cli import app
from support.files import PROJECT
from support.reporting.publish import publish
from support.reporting.record.model import write_record
from tests.pace import plain_work_s, took_s


@pytest.fixture
def project(tmp_path: Path) -> BehaveProject:
    return passing_project(tmp_path)


def test_all_reports_of_two_hundred_scenarios_are_quickly_made(tmp_path: Path) -> None:
    (tmp_path / "evidence").mkdir()
    results = [scenario(f"JL-{n // 26:02}{chr(97 + n % 26)}", "failed" if n % 4 == 0 else "passed") for n in range(200)]
    for one in results:
        for suffix in ("txt", "jobs.yaml", "events.txt", "logs.txt"):
            path = tmp_path / "evidence" / f"{one.id}.{suffix}"
            path.write_text("a line of evidence\n" * 500)
            one.evidence.append(str(path))
    of = record(*results)
    write_record(of, tmp_path)
    plainly_s = plain_work_s()
    assert took_s(lambda: publish(of, tmp_path, PROJECT / "features", tmp_path)) < 20 * plainly_s
    made = publish(of, tmp_path, PROJECT / "features", tmp_path)
    assert [one.problem for one in made] == [""] * len(made)


def test_a_report_that_cannot_be_made_is_named_reddens_the_run_and_hides_no_other(project: BehaveProject) -> None:
    blocked = project.folder / "reports" / "xray.json"
    hooks = f"""
        import pathlib
        def after_all(context): pathlib.Path({str(blocked)!r}).mkdir(parents=True)
    """
    outcome = project.write({}, hooks).run(publish="all")
    assert (outcome.code, outcome.checked["verdict"]) == (1, "passed")
    assert outcome.err == "report xray.json: cannot be put in its place: Is a directory\n"
    assert (project.folder / "reports" / "metrics.prom").is_file()
    assert (project.folder / "reports" / "site" / "index.html").is_file()


def test_a_gap_report_that_cannot_be_read_is_named_and_the_rest_is_made(tmp_path: Path) -> None:
    of = record(scenario())
    write_record(of, tmp_path)
    (tmp_path / "infra_gap_report_staging_20260304T050630Z.json").write_text("{")
    made = publish(of, tmp_path, PROJECT / "features", tmp_path)
    assert [one.name for one in made if one.problem] == ["capacity"]
    assert (tmp_path / "summary.md").is_file() and (tmp_path / "metrics.prom").is_file()


def test_the_verdict_of_an_earlier_run_does_not_outlive_a_run_that_dies(project: BehaveProject) -> None:
    project.run(publish="all")
    hooks = "import os\ndef before_all(context): pass\ndef before_scenario(context, scenario): os._exit(9)\n"
    outcome = project.write({}, hooks).run(publish="all")
    assert outcome.code == 9
    assert outcome.checked["verdict"] == "failed"
    assert "has not ended, or was killed" in outcome.checked["why_failed"][0] + str(outcome.checked["suite"])
    assert outcome.junit is not None and 'errors="1"' in outcome.junit
    # The last run's reports stay until newer ones exist.
    assert (project.folder / "reports" / "site" / "index.html").is_file()


def test_an_unknown_wish_is_refused(project: BehaveProject) -> None:
    outcome = project.run(publish="some")
    assert (outcome.code, outcome.err) == (2, "-D publish=some: allowed are all, record\n")


def test_github_is_told_once_by_the_run(project: BehaveProject) -> None:
    summary = project.folder / "job.md"
    project.write({"a/x.feature": "Feature: F\n  @JL-09a\n  Scenario: S\n    When it says no\n"})
    outcome = project.run(publish="all", GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(summary))
    assert "::error file=features/a/x.feature,line=3,title=JL-09a S::When it says no: no" in outcome.out.splitlines()
    assert summary.read_text().count("## FAILED: 1 failed.") == 1


def test_every_report_can_be_made_again_from_the_record_alone(project: BehaveProject, tmp_path: Path) -> None:
    project.run(publish="all")
    again = tmp_path / "again"
    again.mkdir()
    shutil.copy(project.folder / "reports" / "run.json", again)
    done = CliRunner().invoke(app, ["report", "all", "--reports", str(again)])
    assert done.exit_code == 0, done.output
    for name in ("junit.xml", "summary.md", "metrics.prom", "xray.json"):
        assert (again / name).read_bytes() == (project.folder / "reports" / name).read_bytes(), name
    assert done.stdout.splitlines()[-1] == str(again / "site" / "index.html")


def test_xray_in_the_words_of_the_server(tmp_path: Path) -> None:
    write_record(record(scenario(status="failed")), tmp_path)
    arguments = ["report", "xray", "--reports", str(tmp_path), "--edition"]
    assert CliRunner().invoke(app, [*arguments, "server"]).exit_code == 0
    assert json.loads((tmp_path / "xray.json").read_text())["tests"][0]["status"] == "FAIL"
    refused = CliRunner().invoke(app, [*arguments, "desktop"])
    assert (refused.exit_code, refused.stderr) == (2, "report: --edition desktop: allowed are cloud, server\n")


@pytest.mark.parametrize("command", ["all", "allure", "xray"])
def test_without_a_record_there_is_one_sentence(tmp_path: Path, command: str) -> None:
    done = CliRunner().invoke(app, ["report", command, "--reports", str(tmp_path)])
    assert (done.exit_code, done.stderr) == (2, "report: run.json: cannot be read: No such file or directory\n")


def test_the_page_of_allure_without_its_tool_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_record(record(scenario()), tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    done = CliRunner().invoke(app, ["report", "allure", "--reports", str(tmp_path)])
    assert done.exit_code == 2
    assert done.stderr.startswith("report: the npm tool allure is not installed")
    assert len(done.stderr.splitlines()) == 1
