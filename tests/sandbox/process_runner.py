"""Start one sandbox process exactly as the supervisor would, for the tests of that process.

The configuration is the first line on standard input, and the ready message is read from standard output. Requests and
answers travel the same way. :meth:`RunningProcess.stop`, which is also the ``with`` exit, closes everything.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import socket
import subprocess
import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from environments.sandbox.supervisor.addresses import LOCK_PORT
from environments.sandbox.supervisor.settings import SandboxSettings
from support.waits import Stopwatch
from tests.warm import WarmProcess

DEFAULT_SETTINGS: Mapping[str, Any] = asdict(SandboxSettings())
READY_WITHIN_S, ANSWERS_WITHIN_S = 60.0, 30.0
"""Limits in given time against a process that hangs. Nothing is measured with them."""

_held: list[socket.socket] = []


class ProcessFailed(AssertionError):
    """The process ended, answered with an error, or did not answer in time."""


class RunningProcess:
    """One started sandbox process; ``ready`` holds the facts its ``start()`` returned."""

    def __init__(self, package: str, config: Mapping[str, Any]) -> None:
        self.package = package
        self.config = config
        self.events: list[Mapping[str, Any]] = []
        self.ready: Mapping[str, Any] = {}
        self.log_file = Path(config["run_dir"]) / f"{package}.stderr"
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._answers: dict[int, Mapping[str, Any]] = {}
        self._last_id = 0
        (its_input, ours), (answers, its_output) = os.pipe(), os.pipe()
        with self.log_file.open("ab") as log:
            streams = (its_input, its_output, log.fileno())
            self._process = WarmProcess(f"environments.sandbox.{package}", [], streams)
        os.close(its_input)
        os.close(its_output)
        self._input, self._output = os.fdopen(ours, "w", encoding="utf-8"), os.fdopen(answers, encoding="utf-8")
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._write(config)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The operating system's id of the process."""
        return self._process.pid

    def wait_ready(self, timeout_s: float = READY_WITHIN_S) -> None:
        """Block until the process has said ``ready``."""
        waiting = Stopwatch()
        while not any(message["event"] == "ready" for message in self.events):
            self._take(waiting, timeout_s, "the ready message")
        self.ready = next(message["data"] for message in self.events if message["event"] == "ready")

    def request(
        self, command: str, params: Mapping[str, Any] | None = None, timeout_s: float = ANSWERS_WITHIN_S
    ) -> Any:
        """Send the process a request and return its result. Raises :class:`ProcessFailed` with the text of its
        error."""
        self._last_id += 1
        request_id = self._last_id
        self._write({"id": request_id, "command": command, "params": params or {}})
        waiting = Stopwatch()
        while request_id not in self._answers:
            self._take(waiting, timeout_s, f"the answer to {command}")
        answer = self._answers.pop(request_id)
        if "error" in answer:
            raise ProcessFailed(answer["error"])
        return answer["result"]

    def set_faults(self, *active: str) -> None:
        """Switch on exactly these faults."""
        self.request("set_faults", {"active": list(active)})

    def wait_event(self, event: str, timeout_s: float = ANSWERS_WITHIN_S) -> Mapping[str, Any]:
        """Wait for the next message of this name, take it from the list of events, and return its data."""
        waiting = Stopwatch()
        while True:
            for position, message in enumerate(self.events):
                if message["event"] == event:
                    data: Mapping[str, Any] = self.events.pop(position)["data"]
                    return data
            self._take(waiting, timeout_s, f"the message {event}")

    def stop(self, timeout_s: float = ANSWERS_WITHIN_S) -> int:
        """Stop the process in the orderly way and return its exit code."""
        if self._process.poll() is None:
            with contextlib.suppress(BrokenPipeError):  # it has just ended by itself; the exit code below shows how
                self._write({"id": 0, "command": "stop"})
        try:
            code = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ProcessFailed(f"{self.package} did not stop within {timeout_s} s\n{self.log_tail()}") from None
        self._close_pipes()
        return code

    def close_line(self) -> None:
        """Close its input, as the death of the supervisor would; the process has to end by itself."""
        self._input.close()
        self._process.wait(ANSWERS_WITHIN_S)

    def kill(self) -> None:
        """Kill the process with SIGKILL."""
        self._process.kill()
        self._process.wait()
        self._close_pipes()

    def log_tail(self, characters: int = 4000) -> str:
        """The end of the process's standard error."""
        return self.log_file.read_text(errors="replace")[-characters:] if self.log_file.exists() else ""

    def _write(self, message: Mapping[str, Any]) -> None:
        self._input.write(json.dumps(message) + "\n")
        self._input.flush()

    def _read(self) -> None:
        for line in self._output:
            self._lines.put(line)
        self._lines.put(None)

    def _take(self, waiting: Stopwatch, timeout_s: float, wanted: str) -> None:
        line = self._next_line(waiting, timeout_s, wanted)
        if line is None:
            self._lines.put(None)
            raise ProcessFailed(f"{self.package} ended before it sent {wanted}\n{self.log_tail()}")
        message = json.loads(line)
        if "event" in message:
            self.events.append(message)
        else:
            self._answers[message["id"]] = message

    def _next_line(self, waiting: Stopwatch, timeout_s: float, wanted: str) -> str | None:
        while (left_s := timeout_s - waiting.given_s()) > 0:
            with contextlib.suppress(queue.Empty):
                return self._lines.get(timeout=left_s)
        raise ProcessFailed(f"{self.package} did not send {wanted} in time\n{self.log_tail()}")

    def _close_pipes(self) -> None:
        self._reader.join(2.0)
        for pipe in (self._input, self._output):
            with contextlib.suppress(BrokenPipeError):  # unsent bytes for a process that is gone
                pipe.close()


def start_process(package: str, config: Mapping[str, Any], timeout_s: float = READY_WITHIN_S) -> RunningProcess:
    """Start ``environments.sandbox.<package>`` and return it once it is ready to serve."""
    process = RunningProcess(package, config)
    try:
        process.wait_ready(timeout_s)
    except ProcessFailed:
        process.kill()
        raise
    return process


def reserve_port(address: str = "127.0.0.1") -> int:
    """A free TCP port, reserved for this test run by a bound socket that does not listen (as in the supervisor)."""
    holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    holder.bind((address, 0))
    _held.append(holder)
    port: int = holder.getsockname()[1]
    return port


def reserve_network(candidates: Iterable[int] = range(100, 250)) -> str:
    """A loopback block "127.A" that no other test and no sandbox of this machine uses at the same time."""
    for block in candidates:
        holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            holder.bind((f"127.{block}.0.1", LOCK_PORT))
        except OSError:
            holder.close()
            continue
        _held.append(holder)
        return f"127.{block}"
    raise ProcessFailed("every loopback block is taken")


def base_config(tmp_path: Path, **more: Any) -> dict[str, Any]:
    """The configuration keys common to all processes; ``settings`` in ``more`` is merged, other keys replace."""
    settings = {**DEFAULT_SETTINGS, **more.pop("settings", {})}
    network = more.pop("network", None) or reserve_network()
    workers = int(settings["nodes"])
    nodes = [{"name": "master-node", "address": f"{network}.0.10", "role": "master"}]
    nodes += [
        {"name": f"worker-node-{number}", "address": f"{network}.0.{10 + number}", "role": "worker"}
        for number in range(1, workers + 1)
    ]
    run_dir = tmp_path / "run"
    for folder in ("logs", "pod-logs"):
        (run_dir / folder).mkdir(parents=True, exist_ok=True)
    return {
        "name": "test",
        "run_dir": str(run_dir),
        "settings": settings,
        "faults": [],
        "network": network,
        "namespace": "panda",
        "nodes": nodes,
        **more,
    }
