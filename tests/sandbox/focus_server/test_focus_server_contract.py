"""The OpenAPI document and the server agree: schemathesis derives requests from the document and checks the answers.

The requests are derived from the document alone and are the same in every run.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox.focus_server.estate import STORAGE, Estate, ago, recording

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
LIMIT_S = 600.0
"""A limit against a tool that hangs. It has to be generous, because it counts wall-clock time on a machine that may be
busy: 120 s were too few beside 24 busy programs."""


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    estate = Estate(tmp_path_factory.mktemp("contract"), configure_ms=1)
    yield estate
    estate.stop()


@pytest.fixture
def estate(started: Estate) -> Iterator[Estate]:
    started.restore()
    started.mongodb.store(STORAGE, [recording(ago(hours=hour)) for hour in range(1, 200)])
    yield started
    started.restore()


def _tested(estate: Estate, folder: Path, examples: int, *options: str) -> subprocess.CompletedProcess[str]:
    base = f"https://127.0.0.1:{estate.port}/focus-server"
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIGURATION)]
    command += ["run", f"{base}/openapi.json", "--url", base, "--tls-verify", estate.config["kubernetes"]["ca_file"]]
    command += ["--max-examples", str(examples), "--generation-deterministic", "--no-color"]
    env = {"HOME": str(folder), "PATH": os.environ["PATH"]}
    return subprocess.run(
        [*command, *options], cwd=folder, env=env, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )


def test_every_answer_is_documented_and_none_is_an_error_of_the_server(estate: Estate, tmp_path: Path) -> None:
    done = _tested(estate, tmp_path, 40, "--continue-on-failure")
    assert done.returncode == 0, done.stdout
    counts = re.search(r"(\d+) generated, (\d+) passed", done.stdout)
    assert counts is not None, done.stdout
    assert counts[1] == counts[2] and int(counts[1]) > 500
    assert "Selected: 6/6" in done.stdout and "1 covered / 1 selected" in done.stdout
    log = estate.process.log_file.read_text()
    opened = len(re.findall(r'"POST /focus-server/configure HTTP/1.1" 200 OK', log))
    assert opened > 10 and len(estate.kubernetes.created) == 3 * opened


@pytest.mark.parametrize(
    ("fault", "path", "found"),
    [
        ("unknown-job-id-answered-500", "/metadata/{job_id}", "Server error"),
        ("job-id-missing-from-answer", "/configure", "Response violates schema"),
        ("recordings-404-when-none", "/recordings_in_time_range", "Undocumented status code"),
        ("wrong-method-answered", "/channels", "Wrong response to undeclared method"),
    ],
)
def test_a_server_that_breaks_the_contract_is_found_out(
    estate: Estate, tmp_path: Path, fault: str, path: str, found: str
) -> None:
    estate.process.set_faults(fault)
    done = _tested(
        estate, tmp_path, 5, "--phases", "examples,coverage", "--no-shrink", "--max-failures=1", "--include-path", path
    )
    assert done.returncode == 1 and found in done.stdout, done.stdout
