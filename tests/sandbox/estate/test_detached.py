"""A detached sandbox: ready when the command returns, found again by its run file, gone after ``down``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from environments.sandbox.__main__ import main

ROOT = Path(__file__).resolve().parents[3]


def sandbox(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "environments.sandbox", *arguments]
    return subprocess.run(command, cwd=ROOT, text=True, capture_output=True, timeout=120, check=False)


def test_it_stays_up_until_it_is_ended(tmp_path: Path) -> None:
    place = ["--run-file", str(tmp_path / "run.json")]
    up = sandbox("up", "--detach", *place)
    try:
        assert up.returncode == 0, up.stderr
        assert up.stdout.splitlines()[-1] == "ready"
        url = json.loads((tmp_path / "run.json").read_text())["control"]["url"]
        assert urlsplit(url).hostname == "127.0.0.1"
        second = sandbox("up", "--detach", *place)
        assert second.returncode == 2
        assert "one runs already" in second.stderr
    finally:
        down = sandbox("down", *place)
    assert (down.returncode, down.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == []


def test_one_that_cannot_start_says_why(tmp_path: Path) -> None:
    up = sandbox("up", "--detach", "--run-file", str(tmp_path / "run.json"), "--fault", "nope")
    assert (up.returncode, up.stderr) == (2, "sandbox: --fault nope: no such fault in faults.toml\n")
    assert list(tmp_path.iterdir()) == []


def test_where_it_could_not_be_found_again_it_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert main(["up", "--detach", "--run-file", str(tmp_path / "run.json")]) == 2
    assert capsys.readouterr().err == (
        "sandbox: --detach: needs Linux; without it the sandbox stays in the foreground\n"
    )


def test_nothing_to_end_is_wrong_use(tmp_path: Path) -> None:
    down = sandbox("down", "--run-file", str(tmp_path / "run.json"))
    assert down.returncode == 2
    assert down.stderr.startswith("sandbox: down: no sandbox runs with the run file")


def test_its_help_names_every_setting_and_where_faults_are_told() -> None:
    told = sandbox("up", "--help").stdout
    assert "gpu_slices=240" in told and "fibre=connected  of connected, waiting" in told
    assert "focus-acceptance list faults" in told
