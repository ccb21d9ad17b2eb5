"""Wrong use of the sandbox: one sentence, exit code 2, and nothing left behind."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from environments.sandbox.shared.errors import UsageError
from environments.sandbox.supervisor.settings import SandboxSettings, parse_settings

ROOT = Path(__file__).resolve().parents[3]


def test_defaults_hold_without_anything_set() -> None:
    assert parse_settings([]) == SandboxSettings()


def test_values_get_the_type_of_their_setting() -> None:
    settings = parse_settings(["gpu_slices=120", "time_scale=0.5", "fibre=waiting", "controller_qps=0.4"])
    assert (settings.gpu_slices, settings.time_scale, settings.fibre) == (120, 0.5, "waiting")
    assert settings.controller_qps == 0.4


@pytest.mark.parametrize(
    ("assignment", "sentence"),
    [
        ("nodes", "--set nodes: write it as key=value"),
        ("node=3", "--set node: no such setting; allowed are addresses, answers, cleanup_image, "),
        ("nodes=many", "--set nodes=many: must be a number from 1 to 100"),
        ("nodes=0", "--set nodes=0: must be a number from 1 to 100"),
        ("time_scale=2", "--set time_scale=2: must be a number from 0.001 to 1"),
        ("nodes=2.5", "--set nodes=2.5: must be a number from 1 to 100"),
        ("live_keepalive_s=nan", "--set live_keepalive_s=nan: must be a number from 0 to 86400"),
        ("job_image=A B", "--set job_image=A B: must be the name of an image, such as registry.example/job:1"),
        ("fibre=broken", "--set fibre=broken: allowed are connected and waiting"),
        ("answers=short", "--set answers=short: allowed are required and deployed"),
        ("nodeport_last=12000", "--set nodeport_last=12000: must not be below nodeport_first=12301"),
    ],
)
def test_wrong_setting_is_one_sentence(assignment: str, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_settings([assignment])
    assert str(caught.value).startswith(sentence)


def refused(*arguments: str) -> str:
    """The only output line of ``sandbox`` when it is used wrongly."""
    command = [sys.executable, "-m", "environments.sandbox", *arguments]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    lines = ended.stderr.splitlines()
    assert len(lines) == 1, ended.stderr
    return lines[0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("sideways",), "invalid choice: 'sideways'"),
        (("up", "--colour", "blue"), "unrecognized arguments: --colour blue"),
        (("up", "--set", "speed=9"), "--set speed: no such setting"),
        (("up", "--fault", "nope"), "--fault nope: no such fault in faults.toml"),
        (
            ("up", "--profile", "nope"),
            "--profile nope: no such profile; allowed are as-required, as-a-real-control-plane",
        ),
        (("up", "--run-file", "/no/such/folder/run.json"), "the folder /no/such/folder does not exist"),
    ],
)
def test_wrong_use_of_the_command_is_one_sentence(arguments: tuple[str, ...], words: str) -> None:
    assert words in refused(*arguments)


def test_port_that_is_taken_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = refused("up", "--set", f"control_port={port}")
    assert f"port {port} for control API is already taken" in said
