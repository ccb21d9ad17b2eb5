"""The embedded sandbox as a separate process. The suite knows only its command line and its run file."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

from support.files import PROJECT

_START_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 20.0
_RUN_FILE = "run file "


class SandboxError(Exception):
    """The sandbox did not start. The message is one sentence; ``exit_code`` is the exit code of the run."""

    exit_code = 2


class EmbeddedSandbox:
    """A sandbox that belongs to this process and ends with it, even if this process is killed.

    ``options`` are further arguments of ``sandbox up``, ``variables`` further environment variables.
    """

    def __init__(
        self,
        settings: Mapping[str, int | float | str],
        options: Iterable[str] = (),
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self._settings = settings
        self._options = list(options)
        self._variables = {**os.environ, **variables} if variables else None
        self._process: subprocess.Popen[str] | None = None
        self._listening: threading.Thread | None = None
        self._complaints: deque[str] = deque(maxlen=20)
        self.run_file = Path()

    def begin(self) -> EmbeddedSandbox:
        """Start the sandbox and return at once. No thread is started, so the caller may still fork.

        Raises :class:`SandboxError`.
        """
        if sys.platform == "win32":
            raise SandboxError("the sandbox needs Linux; on Windows name a site: -D env=NAME (docs/qa-engineer.md)")
        command = [sys.executable, "-m", "environments.sandbox", "up"]
        command += ["--parent-pid", str(os.getpid())]
        for key, value in self._settings.items():
            command += ["--set", f"{key}={value}"]
        command += self._options
        self._process = subprocess.Popen(
            command, cwd=PROJECT, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=self._variables, **_own_group(),
        )  # fmt: skip
        return self

    def start(self) -> EmbeddedSandbox:
        """Start the sandbox if needed, and wait until all services answer. Raises :class:`SandboxError`."""
        if self._process is None:
            self.begin()
        assert self._process is not None
        self._listening = threading.Thread(target=self._listen, args=(self._process.stderr,), daemon=True)
        self._listening.start()
        if not self._became_ready():
            self.stop()
            raise SandboxError(f"the sandbox did not start: {self._complaint()}")
        return self

    def _became_ready(self) -> bool:
        """Read the sandbox's output until it is ready or has ended. A sandbox that takes too long is killed."""
        assert self._process is not None and self._process.stdout is not None
        too_long = threading.Timer(_START_TIMEOUT_S, self._process.kill)
        too_long.start()
        try:
            return any(self._says_ready(line.strip()) for line in self._process.stdout)
        finally:
            too_long.cancel()

    def _says_ready(self, line: str) -> bool:
        """Whether ``line`` is the ready line. A line with the path of the run file is stored.

        The run file is in the sandbox's own folder, so that it is removed with the sandbox even if this process is
        killed.
        """
        if line.startswith(_RUN_FILE):
            self.run_file = Path(line.removeprefix(_RUN_FILE).strip())
        return line == "ready"

    def _listen(self, errors: IO[str]) -> None:
        """Collect the sandbox's error output, so that it never blocks on a full pipe."""
        for line in errors:
            self._complaints.append(line.strip())

    def _complaint(self) -> str:
        """Return the last line of the sandbox's error output."""
        if self._listening is not None:
            self._listening.join()
        return self._complaints[-1].removeprefix("sandbox: ") if self._complaints else "it said nothing"

    def last_words(self, within_s: float) -> str | None:
        """Return the last line of the error output if the sandbox has ended or ends within ``within_s``, else None."""
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(within_s)
                return self._complaint()
        return None

    @property
    def pid(self) -> int | None:
        """The process id of the sandbox's supervisor, None unless it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def end(self) -> None:
        """Ask the sandbox to end, without waiting for it."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        """End the sandbox and wait until its process has ended."""
        self.end()
        process = self._process
        if process is not None and process.poll() is None:
            try:
                process.wait(_STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _own_group() -> dict[str, Any]:
    """Start the sandbox in a process group of its own, so that Ctrl-C does not reach it.

    This process handles Ctrl-C: it first releases the scenario, which needs the sandbox.
    """
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"process_group": 0}
