"""Series of runs: shuffled, some on a busy machine, each one kept; and series that are ended early."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from behave_project import NO_SANDBOX, ROOT, STEPS, BehaveProject
from hamcrest import equal_to, greater_than

from support import waits
from support.reporting.history import read_history
from support.reporting.history.flaky import judge
from support.waits import Stopwatch
from tests import warm
from tools.repeat.load import Strain, busy
from tools.repeat.series import behave, run_series

DEPENDENT = """
    Feature: Two that are not independent
      @AA-01a
      Scenario: Nobody was here before
        Then nobody was here

      @AA-01b
      Scenario: Somebody comes
        When somebody comes
    """
OWN_STEPS = """
import time
came = []

@when("somebody comes")
def comes(context): came.append(1)

@then("nobody was here")
def nobody(context): assert not came, "somebody was here"

@when("it takes long")
def long(context):
    open("waiting", "w").close()
    time.sleep(20)
"""
STARTER = (
    "import os, runpy, sys; os.chdir(sys.argv.pop(1)); runpy.run_module('behave', run_name='__main__', alter_sys=True)"
)

BURNING = """
import time
from tools.repeat.load import Strain, busy
with busy(Strain(1)) as pids:
    print(*pids, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BehaveProject:
    for name, value in NO_SANDBOX.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "project").mkdir()
    return BehaveProject(tmp_path / "project").write({"a/x.feature": DEPENDENT}, steps=STEPS + OWN_STEPS)


def command(project: BehaveProject) -> list[str]:
    return [sys.executable, "-c", STARTER, str(project.folder)]


def test_scenarios_that_depend_on_their_order_are_found(project: BehaveProject, tmp_path: Path) -> None:
    # The strain begins after the runs are over: what it does is another test's.
    turns = list(run_series(command(project), "s", 6, 1, tmp_path / "reports", Strain(after_s=600)))
    assert [(turn.number, turn.seed, turn.under_load) for turn in turns] == [
        (number, number, number % 3 == 0) for number in range(1, 7)
    ]
    history = read_history(tmp_path / "reports" / "history")
    assert [(entry.series, entry.shuffle, entry.under_load) for entry in history.entries] == [
        ("s", turn.seed, turn.under_load) for turn in turns
    ]
    assert {turn.code for turn in turns} == {0, 1}, "the seeds must give both orders"
    found = judge(history)
    assert [mixed.id for mixed in found.mixed] == ["AA-01a"]
    assert found.mixed[0].statuses == {
        "passed": [turn.verdict for turn in turns].count("passed"),
        "failed": [turn.verdict for turn in turns].count("failed"),
    }
    for turn in turns:
        said = (turn.folder / "console.txt").read_text(encoding="utf-8")
        assert ("somebody was here" in said) == (turn.verdict == "failed")


def test_a_series_ends_with_the_first_run_that_cannot_be_used(project: BehaveProject, tmp_path: Path) -> None:
    hooks = """
        class Wrong(Exception):
            exit_code = 2
        def before_all(context): raise Wrong("environments: unknown environment 'x'")
        """
    project.write({}, hooks)
    turns = list(run_series(command(project), "s", 3, 1, tmp_path / "reports"))
    assert [turn.code for turn in turns] == [2]
    assert "unknown environment" in (turns[0].folder / "console.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ending_a_series_lets_its_run_clean_up(project: BehaveProject, tmp_path: Path, number: signal.Signals) -> None:
    feature = "Feature: X\n  @AA-01a\n  Scenario: Y\n    When it is left to nobody\n    And it takes long\n"
    steps = STEPS.replace("def leave(who): raise", "def leave(who): open('cleaned', 'w').close(); raise") + OWN_STEPS
    project.write({"a/x.feature": feature}, steps=steps)
    reports = tmp_path / "reports"
    program = (
        "import sys; from pathlib import Path; from tools.repeat.series import run_series\n"
        "from support.hooks.signals import terminated_like_interrupted\n"
        "with terminated_like_interrupted():\n"
        "    list(run_series(sys.argv[2:], 's', 3, 1, Path(sys.argv[1])))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(reports), *command(project)],
        env=project.variables({}),
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as series:
        waits.until((project.folder / "waiting").exists, equal_to(True), within_s=20, what="the run to begin")
        series.send_signal(number)
        assert series.wait(timeout=20) != 0
    assert (project.folder / "cleaned").exists()
    assert [entry.ended for entry in read_history(reports / "history").entries] == ["interrupted"]
    assert [path.name for path in (reports / "repeats").iterdir()] == ["001"]


def used_s(pid: int) -> float:
    """Seconds of processor time of a process; field 14 and 15 of its stat file."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to see what a process uses")
def test_a_busy_machine_is_busy_until_it_is_not_needed_any_more() -> None:
    with busy(Strain(processes=1)) as [pid]:
        waits.until(lambda: used_s(pid), greater_than(0.3), within_s=20, what="the processor to be used")
    assert not is_running(pid)


def test_a_strain_says_which_runs_it_concerns() -> None:
    assert [number for number in range(1, 8) if Strain().concerns(number)] == [3, 6]
    assert [number for number in range(1, 4) if Strain(every=1).concerns(number)] == [1, 2, 3]
    assert not any(Strain(every=0).concerns(number) for number in range(1, 8))


def test_a_burner_that_is_needed_no_more_before_its_time_never_begins() -> None:
    with busy(Strain(processes=1, after_s=600)) as [pid]:
        pass
    assert not is_running(pid)


def test_a_burner_ends_with_its_time() -> None:
    watch = Stopwatch()
    command = [sys.executable, "-m", "tools.repeat.load", "0.2", "0.1"]
    ended = subprocess.run(command, cwd=ROOT, stdin=subprocess.PIPE, timeout=20, check=False)
    assert ended.returncode == 0
    assert watch.given_s() < 10


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to see whether a process runs")
def test_a_burner_ends_when_whoever_started_it_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", BURNING], cwd=ROOT, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        starter.kill()
    waits.until(lambda: is_running(pid), equal_to(False), within_s=20, what="the burner to end")


def test_what_is_not_ready_is_left_out_whatever_the_tags_are() -> None:
    assert behave("staging", "")[-1] == "env=staging"
    assert behave("staging", "@JL or @PV")[-1] == "--tags=(@JL or @PV) and not (@wip or @quarantine)"


def repeated(*arguments: str) -> subprocess.CompletedProcess[str]:
    return warm.run("tests.focus_acceptance", "repeat", *arguments, timeout_s=600)


def test_an_environment_that_is_not_known_is_one_sentence(tmp_path: Path) -> None:
    ended = repeated("-e", "nowhere", "--times", "2", "--seed", "5", "--reports", str(tmp_path))
    assert ended.returncode == 2
    assert ended.stdout == "2 runs on nowhere, the first with --seed 5\n"
    assert ended.stderr.startswith("repeat: environments: unknown environment 'nowhere'; available: ")
    assert ended.stderr.count("\n") == 1
    assert not (tmp_path / "history").exists()


def test_a_tag_that_is_not_known_is_said_before_anything_is_run(tmp_path: Path) -> None:
    ended = repeated("--tags", "@nope", "--reports", str(tmp_path))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "@nope" in ended.stderr
