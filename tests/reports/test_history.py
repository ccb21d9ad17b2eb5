"""The history of runs: each run's entry is complete or absent, despite concurrent writers and killed processes."""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from behave_project import ROOT, BehaveProject
from passing_project import passing_project, with_hooks
from site_project import NOW, result, trouble

from support.reporting.history import HistoryEntry, append, entry_of, read_history
from support.reporting.record.context import RunContext
from support.reporting.record.model import Record, Repeat, write_record
from support.reporting.record.reading import read_record
from support.reporting.record.requests import RequestTimes

SCHEMA = json.loads((ROOT / "support" / "reporting" / "history" / "history.schema.json").read_text(encoding="utf-8"))
WRITER = """
import datetime, sys
from pathlib import Path
from support.reporting.history import append, read_history
from support.reporting.history.entry import HistoryEntry

folder, line, first, number = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
entry = HistoryEntry.model_validate_json(line)
print("ready", flush=True)
for second in range(first, first + number):
    append(folder, entry.model_copy(update={"started": entry.started + datetime.timedelta(seconds=second)}))
"""
KILLED = """
import time
from collections.abc import Callable
from pathlib import Path
Path.replace = lambda *any: (print("half", flush=True), time.sleep(60))
"""


def record(**changed: Any) -> Record:
    values: dict[str, Any] = {
        "environment": "staging",
        "started": NOW,
        "finished": NOW,
        "duration_s": 65.1234,
        "scenarios": [
            result("JL-01a", closest_deadline=0.61234),
            result("JL-01b", "failed"),
            result("PV-04a.2", "skipped"),
        ],
        "fingerprint": {"git": "abc", "title": "Staging", "nodes": ["a"]},
    }
    return Record(**{**values, **changed})


def written(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.validate(content, SCHEMA)
    return content


def writer(folder: Path, first: int, number: int, program: str = WRITER) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", program, str(folder), entry_of(record()).line(), str(first), str(number)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_the_published_schema_is_that_of_the_entry() -> None:
    described = {key: value for key, value in SCHEMA.items() if key != "$schema"}
    assert described == HistoryEntry.model_json_schema(by_alias=True)


def test_an_entry_keeps_what_comparisons_need(tmp_path: Path) -> None:
    repeat = Repeat(shuffle=7, series="20260304T050607Z", under_load=True)
    path = append(
        tmp_path,
        entry_of(
            record(repeat=repeat, requests=[RequestTimes("POST /configure", 2, 0.3, 0.2, {"0.5": 0.1, "0.95": 0.2125})])
        ),
    )
    kept = written(path)
    assert kept["environment"] == "staging"
    assert kept["started"] == "2026-03-04T05:06:07.890000Z"
    assert (kept["verdict"], kept["ended"], kept["revision"]) == ("failed", "complete", "abc")
    assert kept["counts"] == {"passed": 1, "failed": 1, "skipped": 1}
    assert kept["scenarios"] == {
        "JL-01a": ["passed", 0.25, 0.612],
        "JL-01b": ["failed", 0.25, None],
        "PV-04a.2": ["skipped", 0.25, None],
    }
    assert kept["figures"] == {"p95_ms POST /configure": 212.5}
    assert (kept["shuffle"], kept["series"], kept["under_load"]) == (7, "20260304T050607Z", True)
    assert path.read_text(encoding="utf-8").count("\n") == 1


@pytest.mark.parametrize(
    ("changed", "ended"),
    [
        ({}, "complete"),
        ({"suite_errors": [trouble("no cluster")]}, "not_started"),
        ({"interrupted": "the run was interrupted"}, "interrupted"),
    ],
)
def test_an_entry_says_how_the_run_ended(changed: dict[str, Any], ended: str) -> None:
    assert entry_of(record(**changed)).ended == ended


def test_a_run_of_changed_code_is_told_from_one_of_the_commit() -> None:
    changed = record(fingerprint={"git": "abc", "git_changes": "12ab", "title": "Staging", "nodes": ["a"]})
    assert entry_of(changed).revision == "abc+12ab"
    assert entry_of(changed).fingerprint == entry_of(record()).fingerprint
    assert entry_of(record(fingerprint={})).revision is None


def test_the_fingerprint_is_that_of_the_environment_not_of_its_ports() -> None:
    def fingerprint(endpoints: str, port: int, limit: int) -> str:
        configuration = {"endpoints": endpoints, "focus_server": {"port": port}, "limits": {"x_s": limit}}
        return entry_of(record(fingerprint={"configuration": configuration})).fingerprint

    assert fingerprint("run_file", 1, 5) == fingerprint("run_file", 2, 5)
    assert fingerprint("run_file", 1, 5) != fingerprint("run_file", 1, 6)
    assert fingerprint("given", 1, 5) != fingerprint("given", 2, 5)


def test_two_writers_at_once_lose_nothing_and_a_reader_sees_only_whole_entries(tmp_path: Path) -> None:
    writers = [writer(tmp_path, first, 100) for first in (0, 1000)]
    assert [said(one) for one in writers] == ["ready", "ready"]
    while any(one.poll() is None for one in writers):
        assert read_history(tmp_path).unreadable == ()
    for one in writers:
        one.communicate()
    assert [one.returncode for one in writers] == [0, 0]
    history = read_history(tmp_path)
    assert len({entry.started for entry in history.entries}) == 200
    assert history.entries == tuple(sorted(history.entries, key=lambda entry: entry.started))


def test_a_writer_that_is_killed_leaves_no_half_entry_and_its_rest_is_cleared_away(tmp_path: Path) -> None:
    append(tmp_path, entry_of(record()))
    killed = writer(tmp_path, 5, 1, KILLED + WRITER)
    assert [said(killed), said(killed)] == ["ready", "half"]
    killed.kill()
    killed.communicate()
    [rest] = tmp_path.glob(".*")
    assert len(read_history(tmp_path).entries) == 1
    assert read_history(tmp_path).unreadable == ()
    append(tmp_path, entry_of(record()))
    assert rest.exists(), "a writer that is still at work must not lose its file"
    long_ago = time.time() - 7200
    os.utime(rest, (long_ago, long_ago))
    append(tmp_path, entry_of(record()))
    assert not rest.exists()


def test_the_history_is_bounded_for_each_environment(tmp_path: Path) -> None:
    for minute in range(5):
        append(tmp_path, entry_of(record(started=NOW + datetime.timedelta(minutes=minute))), keep=3)
    append(tmp_path, entry_of(record(environment="sandbox", started=NOW)), keep=3)
    history = read_history(tmp_path)
    assert [entry.started.minute for entry in history.of("staging")] == [8, 9, 10]
    assert history.environments() == ["staging", "sandbox"]


def test_an_environment_with_an_odd_name_stays_in_the_folder(tmp_path: Path) -> None:
    path = append(tmp_path / "history", entry_of(record(environment="../../etc/x y")))
    assert path.parent == tmp_path / "history"
    assert read_history(path.parent).environments() == ["../../etc/x y"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "x.json: not an entry of the history: all of it: Invalid JSON"),
        ('{"schema": "focus-acceptance/history/9"}', "x.json: not an entry of the history: schema: "),
    ],
)
def test_what_cannot_be_read_is_said_and_the_rest_is_used(tmp_path: Path, text: str, says: str) -> None:
    append(tmp_path, entry_of(record()))
    (tmp_path / "x.json").write_text(text, encoding="utf-8")
    history = read_history(tmp_path)
    assert len(history.entries) == 1
    assert history.unreadable[0].startswith(says)


def test_no_history_is_an_empty_one(tmp_path: Path) -> None:
    assert read_history(tmp_path / "none").entries == ()


def _took_s(look: Callable[[], object]) -> float:
    started_s = time.process_time()
    look()
    return time.process_time() - started_s


def test_five_hundred_entries_are_small_and_quickly_read(tmp_path: Path) -> None:
    many = [result(f"JL-{number // 26:02d}{chr(97 + number % 26)}") for number in range(200)]
    entry = entry_of(record(scenarios=many))
    for second in range(500):
        append(tmp_path, entry.model_copy(update={"started": entry.started + datetime.timedelta(seconds=second)}))
    files = list(tmp_path.iterdir())
    plainly_s = min(_took_s(lambda: [json.loads(path.read_text(encoding="utf-8")) for path in files]) for _ in range(3))
    assert min(_took_s(lambda: read_history(tmp_path)) for _ in range(3)) < 3 * plainly_s
    assert len(read_history(tmp_path).entries) == 500
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 5_000_000


@pytest.mark.parametrize(
    ("name", "value"), [("P95", 1.0), ("", 1.0), ("p95_ms", float("nan")), ("p95_ms", float("inf"))]
)
def test_a_figure_that_nobody_could_read_is_refused(name: str, value: float) -> None:
    run = RunContext()
    run.figure("configure_p95_ms", 3)
    with pytest.raises(ValueError, match="figure"):
        run.figure(name, value)
    assert run.figures == {"configure_p95_ms": 3.0}


def test_the_history_keeps_what_scenarios_measured_and_what_the_gap_report_says() -> None:
    made = record(figures={"configure_p95_ms": 3.0})
    assert entry_of(made, jobs_held=180).figures == {"configure_p95_ms": 3.0, "jobs held": 180.0}


# Entries that a run writes itself.


def entries(project: BehaveProject, folder: str = "reports/history") -> list[dict[str, Any]]:
    return [written(path) for path in sorted((project.folder / folder).iterdir())]


@pytest.fixture
def project(tmp_path: Path) -> BehaveProject:
    return passing_project(tmp_path)


def test_every_run_is_appended(project: BehaveProject) -> None:
    for _ in range(2):
        assert project.run().code == 0
    first, second = entries(project)
    assert first["scenarios"].keys() == {"JL-01a", "JL-01b", "PV-01a"}
    assert first["started"] < second["started"]


def test_an_interrupted_run_is_appended_as_such(project: BehaveProject) -> None:
    project.write({"a/interrupted.feature": "Feature: X\n  @AA-01a\n  Scenario: Y\n    When the user presses Ctrl-C\n"})
    assert project.run().code == 1
    assert [(entry["ended"], entry["verdict"]) for entry in entries(project)] == [("interrupted", "failed")]


def test_a_run_that_cannot_begin_is_appended_as_such(project: BehaveProject) -> None:
    assert with_hooks(project, "def before_all(context): raise RuntimeError('no cluster')").run().code == 1
    assert [entry["ended"] for entry in entries(project)] == ["not_started"]


def test_wrong_use_is_no_run(project: BehaveProject) -> None:
    hooks = """
        class Wrong(Exception):
            exit_code = 2
        def before_all(context): raise Wrong("environments: unknown environment 'x'")
        """
    assert with_hooks(project, hooks).run().code == 2
    assert not (project.folder / "reports" / "history").exists()


def test_the_history_can_be_elsewhere_or_nowhere(project: BehaveProject) -> None:
    assert project.run("-D", "history=all/of it").code == 0
    assert project.run("-D", "history=").code == 0
    assert len(entries(project, "all/of it")) == 1
    assert not (project.folder / "reports" / "history").exists()


def test_a_history_that_cannot_be_written_is_said(project: BehaveProject) -> None:
    (project.folder / "blocked").write_text("", encoding="utf-8")
    outcome = project.run("-D", "history=blocked/history")
    assert outcome.code == 2
    assert outcome.err.count("\n") == 1
    assert "cannot write" in outcome.err


def test_the_record_can_be_read_back_as_it_was(tmp_path: Path) -> None:
    made = record(repeat=Repeat(shuffle=3), interrupted="because")
    assert read_record(write_record(made, tmp_path)).as_json() == made.as_json()
