"""Runs on a site whose live jobs end 45 s after their client stops consuming.

A client that only holds a connection loses its jobs; one that drains the stream keeps them. Each run opens twenty jobs
one after the other.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.endings.test_run_endings import Behave

SITE = {
    "FOCUS__SANDBOX__SETTINGS__LIVE_KEEPALIVE_S": "45",
    "FOCUS__SANDBOX__SETTINGS__CONFIGURE_TURNS": "one",
    "FOCUS__SANDBOX__SETTINGS__CONFIGURE_MS": "150",
    "FOCUS__CAPACITY__HEAVY_JOBS": "20",
    # Only the survival of the jobs is judged here, also on a busy machine.
    "FOCUS__LIMITS__CONFIGURE_P95_MS": "1000",
    "FOCUS__CAPACITY__GENERATOR_SHARE": "1",
}
"""A site with a critical section around id and port.

The last of 20 jobs opens when the first has run for 3 s, which is 150 s of the real system.
"""


def run_with(folder: Path, client: str) -> tuple[int, dict]:
    run = Behave(folder, "-D", "publish=record", "--tags=@CA-04a", FOCUS__STREAM_CLIENT=client, **SITE)
    code, _ = run.end()
    (scenario,) = run.record()["scenarios"]
    return code, scenario


@pytest.mark.nightly
def test_a_client_that_only_holds_a_connection_loses_its_jobs_and_is_named(tmp_path: Path) -> None:
    code, scenario = run_with(tmp_path, "tcp")
    assert code == 1
    assert "the tester's client did not consume their streams" in scenario["reason"]
    assert "stream_client: tcp only holds a connection, grpc drains the stream" in scenario["reason"]


@pytest.mark.nightly
def test_a_client_that_drains_the_stream_keeps_them(tmp_path: Path) -> None:
    code, scenario = run_with(tmp_path, "grpc")
    assert (code, scenario["status"], scenario["reason"]) == (0, "passed", None)


@pytest.mark.parametrize("hidden", ["grpc"])
def test_without_the_extra_it_is_one_sentence(tmp_path: Path, hidden: str) -> None:
    program = (
        "import importlib.util, runpy, sys; found = importlib.util.find_spec; "
        f"importlib.util.find_spec = lambda name, *more: None if name == {hidden!r} else found(name, *more); "
        "sys.argv = ['behave', *sys.argv[1:]]; runpy.run_module('behave', run_name='__main__')"
    )
    command = [sys.executable, "-c", program, "-D", f"reports={tmp_path / 'reports'}", "--tags=@CA-04a"]
    run = Behave(tmp_path, command=command, FOCUS__STREAM_CLIENT="grpc")
    code, errors = run.end()
    assert (code, errors) == (
        2,
        "stream_client: grpc needs the package grpcio, which is not installed; allowed: make extras (python "
        "tools/setup.py extras), or tcp\n",
    )
