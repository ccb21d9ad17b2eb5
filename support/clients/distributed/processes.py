"""The Locust processes: one master, and the requested number of workers on this machine."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

from support.files import PROJECT

PROGRAMS = PROJECT / "load"
_ENDS_WITHIN_S = 10.0


class LoadTestersError(Exception):
    """The testers cannot make the load. The message is one sentence; ``exit_code`` is the one for wrong usage."""

    exit_code = 2


def require_locust() -> None:
    """Raise :class:`LoadTestersError` if the extra is not installed. The check does not import Locust itself."""
    if importlib.util.find_spec("locust") is None:
        raise LoadTestersError(
            "the load of many testers needs the package locust, which is not installed; allowed: make extras, or "
            "pip install '.[load]'"
        )


def worker_command(master: str) -> list[str]:
    """Return the command line of a worker of the master at HOST:PORT."""
    return [sys.executable, str(PROGRAMS / "worker.py"), "--master", master]


class Processes:
    """The master, which listens at ``listen`` (HOST:PORT; port 0 takes a free one), and its workers on this machine.

    Each process ends when its input ends, and therefore also when this process is killed.
    """

    def __init__(self, listen: str) -> None:
        require_locust()
        self._listen = listen
        command = [sys.executable, str(PROGRAMS / "master.py"), "--listen", listen]
        # An unread pipe would fill and block the master.
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  # closed by stop
        self._master = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors)
        self.workers: list[subprocess.Popen[bytes]] = []

    def add_workers(self, amount: int, port: int) -> list[subprocess.Popen[bytes]]:
        """Start ``amount`` workers on this machine for the master at ``port``. Returns all workers started so far."""
        command = [*worker_command(f"{self._listen.rpartition(':')[0]}:{port}"), "--ends-with-input"]
        for _ in range(amount):
            self.workers.append(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            )
        return self.workers

    def say(self, do: str, data: Any, worker: str | None = None) -> None:
        """Send a message to the master. If the master has ended, the message is lost and :meth:`heard` ends."""
        assert self._master.stdin is not None
        try:
            self._master.stdin.write(json.dumps({"do": do, "data": data, "worker": worker}).encode() + b"\n")
            self._master.stdin.flush()
        except BrokenPipeError:
            pass  # the reader of its output reports why it has ended

    def heard(self) -> Iterator[dict[str, Any]]:
        """Yield the messages of the master until it ends."""
        assert self._master.stdout is not None
        for line in self._master.stdout:
            yield json.loads(line)

    def last_words(self) -> str:
        """Return why the master has ended: the last line of its errors, or its exit code."""
        code = self._master.wait()
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else f"exit code {code}"

    def stop(self) -> None:
        """End all processes. The master ends the workers on other machines."""
        for process in (self._master, *self.workers):
            if process.stdin is not None:
                process.stdin.close()
        for process in (self._master, *self.workers):
            try:
                process.wait(_ENDS_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._errors.close()
