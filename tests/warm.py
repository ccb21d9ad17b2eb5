"""``python -m MODULE`` in a fork of a process that has done the imports, which saves a second of processor time each.

One process without threads (the template) is started per test process and ends with it. It forks once for each
:class:`WarmProcess`, so that these share nothing. A module behaves as under ``python -m``; only the command line that
the system shows is that of the template.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COLD = ("PYTHON", "LC_", "LANG")
"""Prefixes of variables that Python reads at its start. A process with other values than ours needs a Python of its
own."""
_LOCK = threading.Lock()


class WarmProcess:
    """A running ``python -m module``. The caller opens and closes the descriptors of its standard streams."""

    def __init__(
        self,
        module: str,
        arguments: Sequence[str],
        streams: tuple[int, int, int],
        folder: Path = ROOT,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """Start the process in its own session. ``variables`` is the whole environment, by default ours."""
        self.returncode: int | None = None
        self._status, theirs = os.pipe()
        order = {"module": module, "arguments": list(arguments), "folder": str(folder)}
        order["variables"] = dict(os.environ if variables is None else variables)
        with _LOCK:
            socket.send_fds(_template(), [json.dumps(order).encode()], [*streams, theirs])
        os.close(theirs)
        self.pid = int(self._line())

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.wait(0.0)
        return None

    def wait(self, timeout_s: float | None = None) -> int:
        """Wait and return the exit code as :mod:`subprocess` reports it. Raises :class:`subprocess.TimeoutExpired`."""
        if self.returncode is None:
            if not select.select([self._status], [], [], timeout_s)[0]:
                raise subprocess.TimeoutExpired(str(self.pid), timeout_s or 0.0)
            self.returncode = int(self._line())
            os.close(self._status)
        return self.returncode

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal unless the process has ended. Its id is not reused before the template has reported it."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """Send SIGKILL unless the process has ended."""
        self.send_signal(signal.SIGKILL)

    def _line(self) -> str:
        text = b""
        while not text.endswith(b"\n"):
            text += (part := os.read(self._status, 1))
            assert part, "the template of warm processes has ended"
        return text.decode()


class Piped(WarmProcess):
    """A :class:`WarmProcess` whose standard output is the text stream ``stdout``. It reads nothing, and its standard
    error is ours."""

    def __init__(
        self, module: str, *arguments: str, folder: Path = ROOT, variables: Mapping[str, str] | None = None
    ) -> None:
        ours, theirs = os.pipe()
        with Path(os.devnull).open("rb") as nothing:
            super().__init__(module, arguments, (nothing.fileno(), theirs, 2), folder, variables)
        os.close(theirs)
        self.stdout = os.fdopen(ours, encoding="utf-8")

    def terminate(self) -> None:
        """Send SIGTERM unless the process has ended."""
        self.send_signal(signal.SIGTERM)


def run(
    module: str,
    *arguments: str,
    folder: Path = ROOT,
    variables: Mapping[str, str] | None = None,
    timeout_s: float = 300.0,
) -> subprocess.CompletedProcess[str]:
    """Run ``python -m module`` and return the same as :func:`subprocess.run` with output captured as UTF-8."""
    if _starts_otherwise(variables):
        command = [sys.executable, "-m", module, *arguments]
        return subprocess.run(
            command, cwd=folder, env=variables, capture_output=True, encoding="utf-8", timeout=timeout_s, check=False
        )
    with Path(os.devnull).open("rb") as nothing, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        streams = (nothing.fileno(), out.fileno(), err.fileno())
        process = WarmProcess(module, arguments, streams, folder, variables)
        try:
            code = process.wait(timeout_s)
        finally:
            process.kill()
        texts = [os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0).decode() for file in (out, err)]
    return subprocess.CompletedProcess([module, *arguments], code, *texts)


def _starts_otherwise(variables: Mapping[str, str] | None) -> bool:
    if variables is None:
        return False
    names = {name for name in {*variables, *os.environ} if name.startswith(COLD) and name != "PYTHONPATH"}
    return any(variables.get(name) != os.environ.get(name) for name in names - {"PYTHONIOENCODING"}) or (
        variables.get("PYTHONIOENCODING", "utf-8") != "utf-8"
    )


@cache
def _template() -> socket.socket:
    """The socket to the template, which ends when the socket closes."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    variables = {name: value for name, value in os.environ.items() if name != "FOCUS_ENDS_WITH"}
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.warm_template", str(theirs.fileno())],
            cwd=ROOT, env=variables, pass_fds=[theirs.fileno()], start_new_session=True,
        )  # fmt: skip
    atexit.register(_end, ours, process)
    return ours


def _end(line: socket.socket, template: subprocess.Popen[bytes]) -> None:
    line.close()
    template.wait()
