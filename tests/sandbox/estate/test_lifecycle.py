"""The life of a whole sandbox: it starts in time, has a run file and a control API, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from environments.sandbox.rabbitmq.installed import is_installed
from support.waits import LOOK_AGAIN_S, Stopwatch
from tests.warm import Piped

ROOT = Path(__file__).resolve().parents[3]
START_LIMIT_S = 30.0


class Up:
    """``sandbox up`` as a child of this test, or of a parent that can be killed."""

    def __init__(self, run_file: Path, *arguments: str, under_parent: bool = False) -> None:
        self.run_file = run_file
        words = ["up", "--run-file", str(run_file), *arguments]
        self.process = _under_parent(words) if under_parent else Piped("environments.sandbox", *words)
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.strip() == "ready":
                break
        else:
            raise AssertionError("the sandbox ended before it was ready")
        self.endpoints = json.loads(run_file.read_text())
        self.folder = Path(self.endpoints["kubernetes"]["kubeconfig"]).parent
        self.pids = [part["pid"] for part in self.control("GET", "/state")["processes"].values()]

    def __enter__(self) -> Up:
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the sandbox, unless it has ended."""
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(60)

    def control(self, method: str, path: str, body: object = None) -> Any:
        data = json.dumps(body).encode() if body is not None else None
        access = self.endpoints["control"]
        headers = {"Authorization": f"Bearer {access['token']}", "Content-Type": "application/json"}
        request = urllib.request.Request(access["url"] + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def traces(self) -> list[str]:
        """Traces of the sandbox that still exist."""
        alive = [f"process {pid}" for pid in self.pids if Path(f"/proc/{pid}").exists()]
        files = [str(path) for path in (self.run_file, self.folder) if path.exists()]
        return alive + files


def _under_parent(words: list[str]) -> subprocess.Popen[str]:
    keep_as_child = "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:]))"
    command = [sys.executable, "-c", keep_as_child, sys.executable, "-m", "environments.sandbox", *words]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def wait_until(condition: Callable[[], bool], within_s: float) -> bool:
    waiting = Stopwatch()
    while not condition():
        if waiting.given_s() > within_s:
            return False
        threading.Event().wait(LOOK_AGAIN_S)
    return True


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Up]:
    """A sandbox that the test may stop."""
    with Up(tmp_path / "run.json") as started:
        yield started


def test_run_file_names_every_endpoint(up: Up) -> None:
    broker = {"rabbitmq"} if is_installed() else set()
    assert set(up.endpoints) == {"focus_server", "kubernetes", "mongodb", "ssh", "control"} | broker
    assert up.endpoints["focus_server"]["base_url"].startswith("https://127.0.0.1:")
    assert up.endpoints["focus_server"]["base_url"].endswith("/focus-server")
    assert up.run_file.stat().st_mode & 0o077 == 0


def test_faults_are_switched_over_the_control_api(up: Up) -> None:
    assert up.control("PUT", "/faults/nothing-is-started")["active"] is True
    assert up.control("GET", "/state")["faults"] == ["nothing-is-started"]
    assert up.control("DELETE", "/faults/nothing-is-started")["active"] is False
    up.control("PUT", "/faults/mongodb-slow")
    assert up.control("GET", "/proxies")["mongodb"]["toxics"][0]["type"] == "latency"
    up.control("POST", "/reset")
    assert up.control("GET", "/state")["faults"] == []
    assert up.control("GET", "/proxies")["mongodb"]["toxics"] == []


def test_the_state_tells_what_was_set_otherwise_than_usual_but_not_where_it_listens(tmp_path: Path) -> None:
    settings = ("gpu_slices=120", "nodes=2", "fibre=waiting", f"control_port={free_port()}")
    with Up(tmp_path / "run.json", *(word for one in settings for word in ("--set", one))) as started:
        assert started.control("GET", "/state")["changed_settings"] == {"gpu_slices": 120, "fibre": "waiting"}


def test_of_a_usual_sandbox_nothing_was_changed(up: Up) -> None:
    assert up.control("GET", "/state")["changed_settings"] == {}


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/nothing", None, 404),
        ("PUT", "/faults/nope", None, 404),
        ("POST", "/fibre", {"state": "broken"}, 400),
        ("POST", "/fibre", ["connected"], 400),
    ],
)
def test_control_api_refuses_in_one_sentence(up: Up, method: str, path: str, body: object, status: int) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        up.control(method, path, body)
    assert caught.value.code == status
    assert json.loads(caught.value.read())["error"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_leaves_nothing_behind(own: Up, number: signal.Signals) -> None:
    own.process.send_signal(number)
    assert own.process.wait(60) == 0
    assert own.traces() == []


def test_killed_parent_leaves_nothing_behind(tmp_path: Path) -> None:
    started = Up(tmp_path / "run.json", under_parent=True)
    started.process.kill()
    started.process.wait()
    assert wait_until(lambda: not started.traces(), 20), started.traces()


def test_killed_supervisor_leaves_no_process_and_no_folder_behind(own: Up) -> None:
    own.process.kill()
    own.process.wait()
    own.run_file.unlink()
    assert wait_until(lambda: not own.traces(), 20), own.traces()


def test_process_that_ends_by_itself_ends_the_sandbox(own: Up) -> None:
    pid = own.control("GET", "/state")["processes"]["links"]["pid"]
    os.kill(pid, signal.SIGKILL)
    assert own.process.wait(60) == 1
    assert own.traces() == []
