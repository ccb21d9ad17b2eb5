"""Which process wrote something, told apart from a later one that was given the same number."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ProcessId:
    """A process: its machine, its number, and when it began as the machine counts (empty where that is not known)."""

    machine: str
    pid: int
    began: str

    @classmethod
    def own(cls) -> ProcessId:
        """That of this run: a process that was forked to run scenarios beside others writes in its name."""
        return _THIS_RUN

    @classmethod
    def parse(cls, text: str) -> ProcessId:
        """What ``str`` wrote. Raises ValueError."""
        machine, pid, began = text.rsplit(" ", 2)
        return cls(machine, int(pid), began.strip("-"))

    def __str__(self) -> str:
        return f"{self.machine} {self.pid} {self.began or '-'}"

    def lives(self) -> bool:
        """Whether it still runs. One of another machine, which cannot be asked, is taken for ended."""
        if self.machine != platform.node() or not _runs(self.pid):
            return False
        return not self.began or self.began == _began(self.pid)


def _runs(pid: int) -> bool:
    if sys.platform == "win32":  # where os.kill with 0 is Ctrl-C
        return pid == os.getpid()
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it runs, as somebody else
        return True
    return _state(pid) != "Z"


def _began(pid: int) -> str:
    """Clock ticks after the boot, and which boot that was; empty where there is no /proc."""
    try:
        ticks = _fields(pid)[19]
        return ticks + "@" + Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()[:8]
    except OSError:
        return ""


def _state(pid: int) -> str:
    """The letter of proc(5); Z has ended and waits for its parent. Empty where there is no /proc."""
    try:
        return _fields(pid)[0]
    except OSError:
        return ""


def _fields(pid: int) -> list[str]:
    """Of /proc/PID/stat, from the state on: what stands before it may hold blanks."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()


_THIS_RUN = ProcessId(platform.node(), os.getpid(), _began(os.getpid()))
