"""Verdicts, console text and JUnit made from plain values."""

from __future__ import annotations

import datetime
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
from behave_project import SCHEMA, BehaveProject

from support.reporting.causes import causes_of
from support.reporting.record.model import Record, ScenarioResult, Trouble, write_record
from support.reporting.text import Painter, safe, scenario_lines, summary_lines, verdict_sentence
from support.reporting.writers.console import wants_colour
from support.reporting.writers.junit import junit_xml
from tests.warm import WarmProcess

NOW = datetime.datetime(2026, 3, 4, 5, 6, 7, 890000, tzinfo=datetime.UTC)
PLAIN = Painter(colour=False, width=None)


def scenario(status: str = "passed", scenario_id: str = "JL-01a", **changed: Any) -> ScenarioResult:
    values: dict[str, Any] = {
        "id": scenario_id,
        "requirement": scenario_id[:5],
        "name": "The job runs",
        "feature": "features/job_lifecycle/opening.feature",
        "line": 12,
        "rule": "One job",
        "tags": ["JL", scenario_id],
        "status": status,
        "reason": None if status == "passed" else f"why {status}",
        "duration_s": 0.25,
    }
    return ScenarioResult(**{**values, **changed})


def record(*scenarios: ScenarioResult, **changed: Any) -> Record:
    return Record("staging", NOW, NOW + datetime.timedelta(seconds=2), 2.0, list(scenarios), **changed)


@pytest.mark.parametrize(
    ("made", "verdict"),
    [
        (record(scenario()), "passed"),
        (record(scenario("known_issue")), "passed"),
        (record(scenario(), scenario("skipped", "JL-01b")), "passed"),
        (record(scenario(), scenario("failed", "JL-01b")), "failed"),
        (record(scenario(), scenario("error", "JL-01b")), "failed"),
        (record(scenario(), scenario("unexpected_pass", "JL-01b")), "failed"),
        (record(scenario(), leftovers=["grpc-job-1-1"]), "failed"),
        (record(scenario(), suite_errors=[Trouble("after_all", "boom")]), "failed"),
        (record(scenario("skipped")), "failed"),
        (record(), "failed"),
    ],
)
def test_the_verdict_follows_from_the_results(made: Record, verdict: str) -> None:
    assert made.verdict == verdict
    assert made.as_json()["verdict"] == verdict
    assert verdict_sentence(made).startswith(verdict.upper())
    jsonschema.validate(made.as_json(), SCHEMA)


@pytest.mark.parametrize(
    "damage",
    [
        {"schema": "focus-acceptance/run/2"},
        {"verdict": "ok"},
        {"started": "2026-03-04 05:06:07"},
        {"environment": None},
    ],
)
def test_the_schema_refuses_what_the_interface_does_not_promise(damage: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**record(scenario()).as_json(), **damage}, SCHEMA)


@pytest.mark.parametrize(
    "damage",
    [
        {"status": "hook_error"},
        {"status": "failed"},
        {"tags": ["@JL"]},
        {"requirement": "JL-01a"},
        {"duration_s": -1},
    ],
)
def test_the_schema_refuses_a_malformed_scenario(damage: dict[str, Any]) -> None:
    made = record(scenario()).as_json()
    made["scenarios"][0].update(damage)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(made, SCHEMA)


def test_the_record_is_replaced_as_a_whole(tmp_path: Path) -> None:
    write_record(record(scenario()), tmp_path)
    path = write_record(record(scenario("failed")), tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.json"]
    read = json.loads(path.read_text(encoding="utf-8"))
    assert (read["verdict"], read["started"]) == ("failed", "2026-03-04T05:06:07.890Z")


def test_a_record_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    write_record(record(scenario()), tmp_path)
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(ValueError, match="Circular"):
        write_record(record(scenario(), leftovers=circle), tmp_path)
    assert json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))["leftovers"] == []


def test_values_without_a_json_form_and_broken_unicode_are_written_as_text(tmp_path: Path) -> None:
    path = write_record(record(scenario("failed", reason="half \ud800"), fingerprint={"at": Path("x")}), tmp_path)
    read = json.loads(path.read_text(encoding="utf-8"))
    assert read["fingerprint"] == {"at": "x"}
    assert read["scenarios"][0]["reason"].startswith("half ")


def test_junit_carries_any_text() -> None:
    ugly = "".join(map(chr, range(32))) + "\x7f\ufffe\ud800 <&>\"' ]]> \U0001f600"
    root = ElementTree.fromstring(junit_xml(record(scenario("failed", name=ugly, reason=ugly), leftovers=[ugly])))
    assert "\\x00" in (root[0][0].get("name") or "")
    assert "<&>\"' ]]> \U0001f600" in (root[0][0].get("name") or "")


def test_junit_is_red_for_troubles_of_the_suite_alone() -> None:
    made = record(scenario(), suite_errors=[Trouble("after_all", "boom")], leftovers=["grpc-job-1-1"])
    case = list(ElementTree.fromstring(junit_xml(made)).iter("testcase"))[-1]
    assert case[0].get("message") == "after_all: boom"
    assert case[0].text == "after_all: boom\nleft over: grpc-job-1-1"
    empty = ElementTree.fromstring(junit_xml(record()))
    assert empty.get("errors") == "1"


def test_a_passed_scenario_is_one_line() -> None:
    assert list(scenario_lines(scenario(), PLAIN)) == ["  JL-01a   passed     0.25 s  The job runs"]


def test_a_narrow_terminal_gets_narrow_lines() -> None:
    bad = scenario("failed", name="The job is running " * 6, reason="Then it runs: wanted Running, " * 6)
    for line in [*scenario_lines(bad, Painter(False, 60)), *summary_lines(record(bad), Painter(False, 60), "reports")]:
        assert len(line) <= 60, line


def test_a_terminal_too_narrow_for_anything_does_not_break() -> None:
    assert list(scenario_lines(scenario("failed"), Painter(True, 1)))


def test_the_summary_starts_with_the_verdict() -> None:
    lines = list(summary_lines(record(scenario(), scenario("skipped", "JL-02a")), PLAIN, "reports"))
    assert lines[0] == "PASSED: 1 of 2 scenarios passed, 1 skipped."
    assert "    1  why skipped: JL-02a" in lines
    assert lines[-1] == "Record: reports/run.json"


def cascade() -> Record:
    """Three scenarios with the same observation on different jobs and at different times, and one with another."""
    seen = "job {} is Pending: 0/{} nodes are available, as of 12:0{}:01"
    alike = [
        scenario("failed", name, reason=f"Then it runs: wanted a running job, {seen.format(job, number, number)}")
        for number, (name, job) in enumerate((("CA-01a", "1-1"), ("JL-01a", "2-17"), ("IN-06a", "3-4")))
    ]
    return record(*alike, scenario("failed", "PF-01a", reason="Then it is fast: the answers were late"))


def test_failures_are_folded_by_what_was_seen_the_lowest_layer_first() -> None:
    lines = list(summary_lines(cascade(), PLAIN, "reports"))
    start = lines.index("  - IN-06a  The job runs")
    assert lines[start + 2 : start + 6] == [
        "      the same was seen in 2 more:",
        "        JL-01a  The job runs",
        "        CA-01a  The job runs",
        "  - PF-01a  The job runs",
    ]


def test_what_differs_in_its_words_is_another_cause() -> None:
    one, other = (scenario("failed", name, reason=why) for name, why in (("JL-01a", "no port"), ("JL-01b", "no pod")))
    assert len(causes_of(record(one, other))) == 2
    assert len(causes_of(record(one, scenario("error", "JL-01b", reason="no port")))) == 2


def test_a_further_failure_of_a_cause_is_one_line_below_its_own() -> None:
    lines = list(scenario_lines(scenario("failed", "JL-01b"), PLAIN, "JL-01a"))
    assert lines[1:] == ["      the same was seen in JL-01a: see features/job_lifecycle/opening.feature:12"]


def test_an_interrupted_run_is_headed_so() -> None:
    interrupted = record(
        scenario(), interrupted="the run was interrupted", suite_errors=[Trouble("run", "interrupted")]
    )
    assert verdict_sentence(interrupted).startswith("INTERRUPTED: ")


def test_control_characters_are_shown_not_obeyed() -> None:
    assert safe("a\x1b[2Jb\x07\rc\u202ed\te") == "a\\x1b[2Jb\\x07\\rc\\u202ed    e"


def on_a_terminal(project: BehaveProject, **environment: str) -> str:
    """The output of a run on a pseudo terminal."""
    parent, child = pty.openpty()
    variables = project.variables({"TERM": "xterm", "COLUMNS": "70", **environment})
    with Path(os.devnull).open("rb") as nothing:
        process = WarmProcess("behave", [], (nothing.fileno(), child, child), project.folder, variables)
    os.close(child)
    seen = b"".join(iter(_reader(parent), b""))
    os.close(parent)
    process.wait(60.0)
    return seen.decode()


def _reader(handle: int) -> Callable[[], bytes]:
    def read() -> bytes:
        try:
            return os.read(handle, 65536)
        except OSError:  # Linux raises this once the last writer has closed the terminal.
            return b""

    return read


def test_colour_is_for_terminals_without_no_color(tmp_path: Path) -> None:
    feature = (
        "Feature: F\n  @JL-01a\n  Scenario: A title that is rather long, so that it has to go on in another line\n"
    )
    project = BehaveProject(tmp_path).write({"job_lifecycle/a.feature": f"{feature}    When it works\n"})
    coloured = on_a_terminal(project)
    assert "\x1b[32mpassed\x1b[0m" in coloured
    lines = re.sub("\x1b\\[[0-9;]*[mK]", "", coloured).splitlines()
    assert max(len(line) for line in lines) <= 70
    assert any(line.startswith(" " * 29) and line.endswith("line") for line in lines)
    plain = on_a_terminal(project, NO_COLOR="1")
    assert "\x1b[32m" not in plain
    assert "\r\x1b[K  1 of 1  JL-01a" in plain, "progress is no colour"
    assert "USING RUNNER" not in plain


@pytest.mark.parametrize(
    ("terminal", "environment", "coloured"),
    [
        (True, {}, True),
        (True, {"NO_COLOR": ""}, True),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"TERM": "dumb"}, False),
        (False, {}, False),
        (False, {"FORCE_COLOR": "1"}, True),
        (True, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, True),
    ],
)
def test_colour_follows_the_two_conventions(terminal: bool, environment: dict[str, str], coloured: bool) -> None:
    assert wants_colour(terminal, environment) is coloured


TWO = """
    Feature: F
      @JL-01a
      Scenario: The first
        When it works

      @JL-01b
      Scenario: The second has a title that is much longer than a line of this terminal can be
        When it works
    """


def test_a_terminal_shows_what_runs_until_it_is_done(tmp_path: Path) -> None:
    seen = on_a_terminal(BehaveProject(tmp_path).write({"job_lifecycle/a.feature": TWO}))
    first, done, second = (
        seen.index(text)
        for text in ("\r\x1b[K  1 of 2  JL-01a  The first", "\r\x1b[K  JL-01a   ", "\r\x1b[K  2 of 2  JL-01b")
    )
    assert first < done < second
    running = re.search("\r\x1b\\[K(  2 of 2 [^\r\n]*)", seen)
    assert running is not None
    assert len(running.group(1)) == 69


def test_a_log_says_at_each_area_how_far_the_run_has_come(tmp_path: Path) -> None:
    other = TWO.replace("JL-01", "PV-01")
    project = BehaveProject(tmp_path).write({"job_lifecycle/a.feature": TWO, "validation/b.feature": other})
    lines = project.run().out.splitlines()
    assert "Job lifecycle" in lines
    [line] = [line for line in lines if line.startswith("Validation")]
    assert re.fullmatch(r"Validation  \(2 of 4 done, \d+ s\)", line)
    assert not [line for line in lines if "1 of 4" in line]


def test_a_reader_that_goes_away_ends_the_run_as_interrupted(tmp_path: Path) -> None:
    project = BehaveProject(tmp_path).write({"job_lifecycle/a.feature": TWO})
    process = subprocess.Popen(
        [sys.executable, "-m", "behave", "-D", "publish=record"],
        cwd=project.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        env=project.variables({}),
    )
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) == 1
    assert "interrupted: the reader of the output has gone" in said
    assert "Traceback" not in said
    kept = json.loads((project.folder / "reports" / "run.json").read_text(encoding="utf-8"))
    assert (kept["verdict"], kept["interrupted"]) == ("failed", "the run was interrupted")
