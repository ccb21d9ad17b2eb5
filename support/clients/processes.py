"""The identity of a process, distinct from that of a later process with the same number."""

from __future__ import annotations

import functools
import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ProcessId:
    """A process: its machine, its number, and its start time as the machine counts it (empty if unknown)."""

    machine: str
    pid: int
    began: str

    @classmethod
    @functools.cache
    def own(cls) -> ProcessId:
        """Return the process of this run: the one that calls this first. Processes that it forks afterwards, to run
        scenarios in parallel, use its identity; a run that is itself forked from a prepared process has its own."""
        return cls(platform.node(), os.getpid(), _began(os.getpid()))

    @classmethod
    def parse(cls, text: str) -> ProcessId:
        """Parse the text that ``str`` returned. Raises ValueError."""
        machine, pid, began = text.rsplit(" ", 2)
        return cls(machine, int(pid), began.strip("-"))

    def __str__(self) -> str:
        return f"{self.machine} {self.pid} {self.began or '-'}"

    def lives(self) -> bool:
        """Whether the process still runs. A process that cannot be checked, as on another machine, counts as ended."""
        if self.machine != platform.node() or not _runs(self.pid):
            return False
        return not self.began or self.began == _began(self.pid)


def _runs(pid: int) -> bool:
    if sys.platform == "win32":  # where os.kill with 0 would send Ctrl-C; only this process is known
        return pid == os.getpid()
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it runs as another user
        return True
    return _state(pid) != "Z"


def _began(pid: int) -> str:
    """Return the start time in clock ticks after the boot, with the id of the boot; empty without /proc."""
    try:
        ticks = _fields(pid)[19]
        return ticks + "@" + Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()[:8]
    except OSError:
        return ""


def _state(pid: int) -> str:
    """Return the state letter of proc(5); Z has ended and waits for its parent. Empty without /proc."""
    try:
        return _fields(pid)[0]
    except OSError:
        return ""


def _fields(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the state on; the name before it may hold blanks."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
