"""Whole runs with the load of many testers: green on a healthy site, red on a broken one, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hamcrest import equal_to

from support import waits
from tests.endings.test_run_endings import Behave, _read

EIGHTY = "title: Eighty at one moment\nshape: constant\njobs: 80\n"
PATIENT = {
    "FOCUS__CAPACITY__GENERATOR_SHARE": "1",
    "FOCUS__LIMITS__CONFIGURE_P95_MS": "5000",
    "FOCUS__LIMITS__ANSWER_UNDER_LOAD_P95_MS": "60000",
}
"""Long time limits, so that the results do not depend on how busy this machine is."""


def load(folder: Path, profile: str, *options: str, **variables: str) -> Behave:
    (file := folder / "profile.yaml").write_text(profile)
    command = [sys.executable, "-c", "from tools.cli import main; main()", "load", "--profile", str(file)]
    command += ["-e", "sandbox", "--reports", str(folder / "reports"), *(options or ("--workers", "2"))]
    return Behave(folder, command=command, **{**PATIENT, **variables})


@contextmanager
def broken_sandbox(folder: Path, fault: str) -> Iterator[Path]:
    """A sandbox with this fault; yields its run file."""
    file, command = folder / "run-file.json", [sys.executable, "-m", "environments.sandbox"]
    subprocess.run(
        [*command, "up", "--detach", "--run-file", str(file), "--fault", fault],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    try:
        yield file
    finally:
        subprocess.run([*command, "down", "--run-file", str(file)], check=True, stdout=subprocess.DEVNULL)


def verdict(run: Behave) -> tuple[str, str]:
    (scenario,) = run.record()["scenarios"]
    return scenario["status"], str(scenario["reason"])


@pytest.mark.nightly
def test_a_healthy_site_holds_the_load(tmp_path: Path) -> None:
    run = load(tmp_path, EIGHTY)
    code, errors = run.end()
    status, said = verdict(run)
    assert (code, status) == (0, "passed"), said + errors
    assert run.record()["leftovers"] == []
    assert run.leaves_nothing(20.0), run.left_behind()


@pytest.mark.nightly
def test_cycles_of_live_and_historic_investigations_are_judged_together(tmp_path: Path) -> None:
    run = load(tmp_path, "title: Cycles\nshape: cycles\ninvestigations: mixed\njobs: 10\ntimes: 8\n")
    code, errors = run.end()
    assert code == 0, verdict(run)[1] + errors
    (report,) = (run.reports / "runs").rglob("infra_gap_report_sandbox_*.json")
    text = report.read_text()
    assert "80 of 80 jobs were open, in 8 turns" in text and '"engine": "Locust, FastHttpUser"' in text


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("fault", "profile", "words"),
    [
        ("leftovers-after-load", EIGHTY, "left over: "),
        ("slow-after-load", EIGHTY.replace("80", "200"), "do not open as fast as before"),
        ("slow-from-100-jobs", EIGHTY.replace("80", "200"), "P95 of the answers"),
    ],
)
def test_what_is_broken_makes_the_load_red(tmp_path: Path, fault: str, profile: str, words: str) -> None:
    limits = {"FOCUS__LIMITS__ANSWER_UNDER_LOAD_P95_MS": "1500"} if fault == "slow-from-100-jobs" else {}
    with broken_sandbox(tmp_path, fault) as file:
        run = load(tmp_path, profile, "--workers", "2", "--run-file", str(file), **limits)
        code, _ = run.end()
    status, said = verdict(run)
    assert (code, status) == (1, "failed") and words in said


@pytest.mark.nightly
def test_ctrl_c_in_the_midst_of_the_load_leaves_nothing(tmp_path: Path) -> None:
    run = load(tmp_path, "title: Ramp\nshape: ramp\njobs: 60\nover_s: 1500\n")
    wait_for_the_load(run)
    run.process.send_signal(signal.SIGINT)
    code, _ = run.end()
    assert code != 0 and run.record()["leftovers"] == []
    assert run.leaves_nothing(20.0), run.left_behind()


@pytest.mark.nightly
def test_a_worker_that_is_killed_decides_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    run = load(tmp_path, "title: Ramp\nshape: ramp\njobs: 60\nover_s: 1000\n")
    wait_for_the_load(run)
    os.kill(_a_worker_of(run), signal.SIGKILL)
    code, _ = run.end()
    status, said = verdict(run)
    assert (code, status) == (1, "error") and "was lost during the load" in said
    (report,) = (run.reports / "runs").rglob("infra_gap_report_sandbox_*.json")
    found = json.loads(report.read_text())
    assert "was lost before its answers came" in found["gap_analysis"]["sentence"], found["gap_analysis"]
    assert found["gap_analysis"]["verdict"] == "inconclusive"
    assert run.record()["leftovers"] == []
    assert run.leaves_nothing(20.0), run.left_behind()


def wait_for_the_load(run: Behave) -> None:
    """Wait until the first of the profile's sixty investigations is open; single ones were opened before."""

    def is_open() -> bool:
        ledgers = [file.read_text() for file in run.reports.glob("ledger-*.jsonl")]
        entries = [json.loads(line) for text in ledgers for line in text.splitlines() if line.endswith("}")]
        of_the_load = {one["intended"] for one in entries if one.get("number") == 60}
        return any("opened" in one and one["intention"] in of_the_load for one in entries)

    waits.until(is_open, equal_to(True), within_s=120, what="the first investigation of the load")


def _a_worker_of(run: Behave) -> int:
    mark = f"TMPDIR={run.temporary}".encode()
    for process in Path("/proc").iterdir():
        files = [process / "cmdline", process / "environ"] if process.name.isdigit() else []
        texts = [_read(file) for file in files]
        if texts and b"load/worker.py" in texts[0] and mark in texts[1]:
            return int(process.name)
    raise AssertionError("there is no worker")


@pytest.mark.nightly
def test_workers_that_do_not_come_are_one_sentence(tmp_path: Path) -> None:
    run = load(tmp_path, EIGHTY, "--expect-workers", "2", "--listen", "127.0.0.1:47557", "--within-s", "3")
    code, errors = run.end()
    assert code == 2 and "0 of 2 workers came within 3 s to 127.0.0.1:47557" in errors
    assert len(errors.splitlines()) == 1, errors
    assert run.leaves_nothing(20.0), run.left_behind()
