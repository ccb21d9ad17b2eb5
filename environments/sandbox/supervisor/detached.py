"""A sandbox that keeps running after the command that started it has ended, and the command that ends it."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from environments.sandbox.shared.errors import StartError, UsageError

USUAL_RUN_FILE = Path("reports") / "sandbox.json"
_MODULE = "environments.sandbox"
_WRONG_USE = 2
_PATIENCE_S = 20.0


def start_detached(arguments: Sequence[str], run_file: Path | None) -> int:
    """Start ``arguments`` without ``--detach`` in a new session; returns 0 when the sandbox is ready.

    Raises UsageError if one runs already, StartError with its last line of output if it does not become ready.
    """
    if sys.platform != "linux":  # /proc is needed to find the process again and to identify it before it is ended
        raise UsageError("--detach: needs Linux; without it the sandbox stays in the foreground")
    place = run_file or USUAL_RUN_FILE
    place.parent.mkdir(parents=True, exist_ok=True)
    if (pid := _running(place)) is not None:
        raise UsageError(f"--detach: one runs already (process {pid}, run file {place}): sandbox down ends it")
    kept = [word for word in arguments if word != "--detach"]
    command = [sys.executable, "-m", _MODULE, *kept, "--parent-pid", "0"]
    command += [] if run_file else ["--run-file", str(place)]
    with _complaints(place).open("w", encoding="utf-8") as complaints:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
            start_new_session=True,
        )
    assert process.stdout is not None
    for line in process.stdout:
        print(line, end="", flush=True)
        if line.strip() == "ready":
            _pid_file(place).write_text(f"{process.pid}\n", encoding="utf-8")
            return 0
    lines = _complaints(place).read_text(encoding="utf-8").strip().splitlines()
    _complaints(place).unlink()
    said = lines[-1].removeprefix("sandbox: ") if lines else "it said nothing"
    if process.wait() == _WRONG_USE:
        raise UsageError(said)
    raise StartError(said)


def end(run_file: Path | None) -> int:
    """End the sandbox with this run file, and wait until it is gone."""
    place = run_file or USUAL_RUN_FILE
    pid = _running(place)
    if pid is None:
        raise UsageError(f"down: no sandbox runs with the run file {place}")
    process = os.pidfd_open(pid)  # becomes readable when the process ends, although it is not our child
    try:
        signal.pidfd_send_signal(process, signal.SIGTERM)
        if not select.select([process], [], [], _PATIENCE_S)[0]:
            raise StartError(f"process {pid} has not ended within {_PATIENCE_S:.0f} s")
    finally:
        os.close(process)
    _pid_file(place).unlink(missing_ok=True)
    _complaints(place).unlink(missing_ok=True)
    return 0


def is_running(run_file: Path | None) -> bool:
    return _running(run_file or USUAL_RUN_FILE) is not None


def _running(place: Path) -> int | None:
    """The process id of the sandbox, or None if it has ended. An id reused by another process does not count."""
    try:
        pid = int(_pid_file(place).read_text(encoding="utf-8"))
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return None
    return pid if _MODULE.encode() in command else None


def _pid_file(place: Path) -> Path:
    return place.with_name(f"{place.name}.pid")


def _complaints(place: Path) -> Path:
    return place.with_name(f"{place.name}.log")
