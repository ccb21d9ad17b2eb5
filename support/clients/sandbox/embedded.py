"""Starting and stopping the embedded sandbox as a separate process: the suite knows its command line and its run
file."""

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
    """The sandbox did not start; one sentence. ``exit_code`` is what the run ends with."""

    exit_code = 2


class EmbeddedSandbox:
    """One sandbox that belongs to this process: it ends with it, however this process ends.

    ``options`` are further words for ``sandbox up``, ``variables`` further ones of its environment.
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
        """Start it and return at once, without a thread, so that the caller may still fork; raises
        :class:`SandboxError`."""
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
        """Return when every service answers; raises :class:`SandboxError`."""
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
        """Read what it says until it is ready, ends, or has taken too long and is ended."""
        assert self._process is not None and self._process.stdout is not None
        too_long = threading.Timer(_START_TIMEOUT_S, self._process.kill)
        too_long.start()
        try:
            return any(self._says_ready(line.strip()) for line in self._process.stdout)
        finally:
            too_long.cancel()

    def _says_ready(self, line: str) -> bool:
        """The run file stays in the sandbox's own folder, so that it goes with the sandbox even if we are killed."""
        if line.startswith(_RUN_FILE):
            self.run_file = Path(line.removeprefix(_RUN_FILE).strip())
        return line == "ready"

    def _listen(self, errors: IO[str]) -> None:
        """Take in what it complains of, so that it never waits for a reader."""
        for line in errors:
            self._complaints.append(line.strip())

    def _complaint(self) -> str:
        """The last thing it complained of."""
        if self._listening is not None:
            self._listening.join()
        return self._complaints[-1].removeprefix("sandbox: ") if self._complaints else "it said nothing"

    def last_words(self, within_s: float) -> str | None:
        """What it complained of last, if it has ended or ends in this time."""
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(within_s)
                return self._complaint()
        return None

    @property
    def pid(self) -> int | None:
        """The id of its supervisor, while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def end(self) -> None:
        """Tell it to end, and do not wait."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        """End it and wait until nothing of it is left."""
        self.end()
        process = self._process
        if process is not None and process.poll() is None:
            try:
                process.wait(_STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _own_group() -> dict[str, Any]:
    """Ctrl-C is ours to handle: the sandbox must outlive the scenario that is released first."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"process_group": 0}
