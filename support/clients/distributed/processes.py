"""The processes of Locust: one master, and as many workers on this machine as are asked for."""

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
    """The load cannot be made by these testers; one sentence. ``exit_code`` is that of wrong use."""

    exit_code = 2


def require_locust() -> None:
    """Raises :class:`LoadTestersError` where the extra is not installed. Locust itself is not imported to find out."""
    if importlib.util.find_spec("locust") is None:
        raise LoadTestersError(
            "the load of many testers needs the package locust, which is not installed; allowed: make extras, or "
            "pip install '.[load]'"
        )


def worker_command(master: str) -> list[str]:
    """The command line of a worker of the master at HOST:PORT."""
    return [sys.executable, str(PROGRAMS / "worker.py"), "--master", master]


class Processes:
    """The master, which listens at ``listen`` (HOST:PORT; port 0 takes a free one), and workers beside it.

    Each ends when its input does: also when this process is killed.
    """

    def __init__(self, listen: str) -> None:
        require_locust()
        self._listen = listen
        command = [sys.executable, str(PROGRAMS / "master.py"), "--listen", listen]
        # A pipe that nobody reads would fill, and stop the master.
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  # closed by stop
        self._master = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors)
        self.workers: list[subprocess.Popen[bytes]] = []

    def add_workers(self, amount: int, port: int) -> list[subprocess.Popen[bytes]]:
        """Start so many on this machine; the master listens at ``port``."""
        command = [*worker_command(f"{self._listen.rpartition(':')[0]}:{port}"), "--ends-with-input"]
        for _ in range(amount):
            self.workers.append(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            )
        return self.workers

    def say(self, do: str, data: Any, worker: str | None = None) -> None:
        """To the master; what is said to one that has ended is lost, and :meth:`heard` ends."""
        assert self._master.stdin is not None
        try:
            self._master.stdin.write(json.dumps({"do": do, "data": data, "worker": worker}).encode() + b"\n")
            self._master.stdin.flush()
        except BrokenPipeError:
            pass  # why it has ended is told by who reads what it says

    def heard(self) -> Iterator[dict[str, Any]]:
        """What the master says, until it ends."""
        assert self._master.stdout is not None
        for line in self._master.stdout:
            yield json.loads(line)

    def last_words(self) -> str:
        """Why the master has ended: the last line of its errors."""
        code = self._master.wait()
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else f"exit code {code}"

    def stop(self) -> None:
        """End all of them; workers elsewhere are told to by the master."""
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
