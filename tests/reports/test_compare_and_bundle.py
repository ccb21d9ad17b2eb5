"""Comparison of two runs, bundles of a run, and the command line for both."""

from __future__ import annotations

import datetime
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from site_project import NOW, result, trouble

from support.cli.report import bundle, compare_runs, has_desktop, open_site, summary
from support.reporting.compare import compare, comparison_lines, run_at
from support.reporting.record.model import Record, ScenarioResult, write_record


def record(*scenarios: ScenarioResult, **changed: Any) -> Record:
    values: dict[str, Any] = {"environment": "staging", "started": NOW, "finished": NOW, "duration_s": 5.0}
    return Record(**{**values, "scenarios": list(scenarios), **changed})


def told(before: Record, after: Record) -> list[str]:
    return list(comparison_lines(compare(before, after)))


def ids(found: tuple[ScenarioResult, ...]) -> list[str]:
    return [scenario.id for scenario in found]


BEFORE = record(
    result("JL-01a"),
    result("JL-01b", "failed"),
    result("JL-02a", "error"),
    result("JL-03a"),
    result("JL-04a", "skipped"),
    result("JL-05a", "known_issue"),
)
AFTER = record(
    result("JL-01a", "failed", reason="it is gone\nand more"),
    result("JL-01b"),
    result("JL-02a", "failed"),
    result("JL-04a", "error"),
    result("JL-05a", "unexpected_pass"),
    result("JL-06a"),
    result("JL-07a", "failed"),
)


def test_every_change_is_told_once_in_its_place() -> None:
    found = compare(BEFORE, AFTER)
    assert ids(found.newly_failing) == ["JL-01a", "JL-04a", "JL-05a", "JL-07a"]
    assert ids(found.newly_passing) == ["JL-01b"]
    assert ids(found.still_failing) == ["JL-02a"]
    assert ids(found.added) == ["JL-06a", "JL-07a"]
    assert ids(found.removed) == ["JL-03a"]
    assert found.is_worse


def test_the_comparison_is_told_with_its_sentence_first() -> None:
    lines = told(BEFORE, AFTER)
    assert lines[:3] == [
        "WORSE: 4 newly failing, 1 newly passing.",
        "  before  staging, 2026-03-04 05:06 UTC: failed (1 error, 1 failed, 1 known_issue, 2 passed, 1 skipped)",
        "  after   staging, 2026-03-04 05:06 UTC: failed (1 error, 3 failed, 2 passed, 1 unexpected_pass)",
    ]
    assert "  JL-01a  The job is running: it is gone" in lines
    assert "  JL-03a  The job is running: was passed" in lines


def test_the_same_run_twice_is_not_worse() -> None:
    assert told(BEFORE, BEFORE)[0] == "NOT WORSE: 0 newly failing, 0 newly passing."
    assert not compare(BEFORE, BEFORE).is_worse


@pytest.mark.parametrize(
    ("before_s", "after_s", "slower"),
    [(0.5, 1.0, True), (0.5, 0.99, False), (0.4, 0.89, False), (2.0, 3.9, False), (2.0, 4.0, True), (0.0, 0.5, True)],
)
def test_slower_is_twice_as_long_and_half_a_second_more(before_s: float, after_s: float, slower: bool) -> None:
    found = compare(record(result(duration_s=before_s)), record(result(duration_s=after_s)))
    assert bool(found.slower) == slower
    assert not found.is_worse


def test_a_failure_is_not_slow() -> None:
    assert not compare(record(result(duration_s=1)), record(result("JL-01a", "failed", duration_s=9))).slower


def test_a_run_that_failed_without_a_scenario_is_worse() -> None:
    found = compare(record(result()), record(result(), suite_errors=[trouble("no sweep")]))
    assert found.is_worse
    assert "  1 trouble outside of the scenarios" in list(comparison_lines(found))


def test_other_environments_are_said() -> None:
    assert "  These are runs on different environments." in told(record(result()), record(result(), environment="x"))


# The archive.


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    folder = tmp_path / "reports"
    write_record(record(result(), result("JL-01b", "failed")), folder)
    for name in ("junit.xml", "site/index.html", "site/area-x.html", "evidence/JL-01b.txt", "allure-results/a.json"):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name, encoding="utf-8")
    for name in ("history/x.json", "faults/matrix.json", "ledger-staging.jsonl", "evidence/.half", "bundle-old.zip"):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("not of this run", encoding="utf-8")
    (tmp_path / "secret").write_text("not ours", encoding="utf-8")
    (folder / "evidence" / "link").symlink_to(tmp_path / "secret")
    return folder


NAME = "bundle-staging-20260304T050607Z.zip"


def test_a_bundle_has_everything_of_the_run_and_nothing_else(reports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bundle(reports) == 0
    assert capsys.readouterr().out.strip() == str(reports / NAME)
    with zipfile.ZipFile(reports / NAME) as archive:
        assert archive.testzip() is None
        top = "focus-acceptance-staging-20260304T050607Z"
        names = [name.removeprefix(f"{top}/") for name in archive.namelist()]
        assert names == [
            "summary.txt",
            "allure-results/a.json",
            "evidence/JL-01b.txt",
            "junit.xml",
            "run.json",
            "site/area-x.html",
            "site/index.html",
        ]
        assert archive.read(f"{top}/summary.txt").decode().startswith("FAILED: 1 failed.")


def test_the_same_run_gives_the_same_bytes(reports: Path) -> None:
    assert bundle(reports) == 0
    first = (reports / NAME).read_bytes()
    (reports / "junit.xml").touch()
    assert bundle(reports) == 0
    assert (reports / NAME).read_bytes() == first


def test_the_gap_report_of_the_run_is_in_its_bundle(reports: Path) -> None:
    gap = {"gap_analysis": {"target": 200, "achieved": 180, "gap": 20, "verdict": "FAIL", "sentence": "20 missing"}}
    for second in ("20260304T050607Z", "20260303T000000Z"):
        (reports / f"infra_gap_report_staging_{second}.json").write_text(json.dumps(gap), encoding="utf-8")
    (reports / "infra_gap_report_staging_20260304T050607Z.html").write_text("<h1>Gap</h1>", encoding="utf-8")
    assert bundle(reports) == 0
    with zipfile.ZipFile(reports / NAME) as archive:
        found = [Path(name).name for name in archive.namelist() if "gap" in name]
    assert found == [f"infra_gap_report_staging_20260304T050607Z.{kind}" for kind in ("html", "json")]


def test_an_odd_environment_makes_a_name_that_is_safe_everywhere(tmp_path: Path) -> None:
    write_record(record(result(), environment="../../x y"), tmp_path)
    assert bundle(tmp_path) == 0
    [made] = tmp_path.glob("*.zip")
    assert made.name == "bundle-______x_y-20260304T050607Z.zip"
    with zipfile.ZipFile(made) as archive:
        assert not [name for name in archive.namelist() if ".." in name]


def test_a_bundle_that_cannot_be_written_leaves_nothing_half(reports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (reports / NAME).mkdir()
    assert bundle(reports) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not list(reports.glob("*.part"))


# The command line.


def test_runs_are_compared_as_record_folder_or_bundle(
    reports: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bundle(reports) == 0
    good = write_record(record(result(), result("JL-01b")), tmp_path / "good")
    assert compare_runs(good, reports / NAME) == 1
    assert "WORSE: 1 newly failing" in capsys.readouterr().out
    assert compare_runs(reports / NAME, good) == 0
    assert compare_runs(reports, reports / "run.json") == 0


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "nothing.zip: cannot be read: No such file or directory"),
        (b"PK not really", "nothing.zip: not a zip archive"),
        (b"", "nothing.zip: not a zip archive"),
    ],
)
def test_what_is_no_run_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, says: str
) -> None:
    path = tmp_path / "nothing.zip"
    if content is not None:
        path.write_bytes(content)
    assert compare_runs(path, path) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert says in err


@pytest.mark.parametrize("names", [[], ["a/run.json", "b/run.json"], ["run.json"], ["a/b/run.json"]])
def test_an_archive_of_something_else_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], names: list[str]
) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for name in names:
            archive.writestr(name, "{}")
    assert compare_runs(tmp_path / "x.zip", tmp_path / "x.zip") == 2
    assert "not a bundle of a run" in capsys.readouterr().err


def test_a_record_of_another_kind_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "run.json").write_text("[]", encoding="utf-8")
    assert compare_runs(tmp_path, tmp_path) == 2
    assert "run.json: not a run record of the schema focus-acceptance/run/1" in capsys.readouterr().err


def test_control_characters_of_a_run_are_shown_not_obeyed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_record(record(result("JL-01a", "failed", name="\x1b[31mred", reason="\x07")), tmp_path / "b")
    write_record(record(result(), started=NOW - datetime.timedelta(days=1)), tmp_path / "a")
    assert compare_runs(tmp_path / "a", tmp_path / "b") == 1
    assert "\\x1b[31mred: \\x07" in capsys.readouterr().out


def test_the_summary_is_that_of_the_console_and_its_code_that_of_the_run(
    reports: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert summary(reports) == 1
    assert capsys.readouterr().out.splitlines()[0] == "FAILED: 1 failed."
    write_record(record(result()), tmp_path / "good")
    assert summary(tmp_path / "good") == 0
    assert summary(tmp_path / "none") == 2
    assert "run.json: cannot be read" in capsys.readouterr().err


def test_open_prints_where_the_site_is(
    reports: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    for name in ("CI", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    assert open_site(reports) == 0
    assert opened == []
    monkeypatch.setenv("DISPLAY", ":0")
    assert open_site(reports) == 0
    assert opened == [(reports / "site" / "index.html").resolve().as_uri()]
    assert capsys.readouterr().out == f"{reports / 'site' / 'index.html'}\n" * 2
    assert open_site(reports / "site") == 2
    assert "focus-acceptance report site makes it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("platform", "environment", "desktop"),
    [
        ("linux", {}, False),
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"WAYLAND_DISPLAY": "w"}, True),
        ("darwin", {}, True),
        ("win32", {}, True),
        ("darwin", {"CI": "true"}, False),
    ],
)
def test_a_window_is_opened_only_where_somebody_sees_it(
    platform: str, environment: dict[str, str], desktop: bool
) -> None:
    assert has_desktop(platform, environment) == desktop


def test_a_bundle_is_read_back_as_it_was(reports: Path) -> None:
    assert bundle(reports) == 0
    assert run_at(reports / NAME).as_json() == run_at(reports).as_json()
