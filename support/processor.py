"""How much of this machine's processors the suite was given: what its deadlines count instead of the time of the wall.

Two things keep a tester from looking in time, and neither is the system's fault. Its process stands still (stopped,
swapped out, a virtual machine that was paused): a heartbeat thread wakes too late. Or so many programs want to run
that each gets a part of a processor only: the same thread counts them. Both are taken out of a deadline, exactly as
long as they lasted; a slow system stays late.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

BEAT_S = 0.02
TOLERATED_S = 0.005
"""A wake-up is never exact: up to here it is no standstill."""
CROWD_PER_CORE = 2
"""Runnable threads for each core up to which nothing is taken out: a tester and what it tests are a few themselves."""

_LOAD = Path("/proc/loadavg")


def share_given() -> float:
    """The share (0 to 1) of a processor that a program gets now; 1 where the kernel does not tell (not Linux)."""
    try:
        runnable = int(_LOAD.read_text(encoding="ascii").split()[3].split("/")[0])
    except OSError:
        return 1.0
    return min(1.0, CROWD_PER_CORE * (os.cpu_count() or 1) / max(runnable, 1))


class Heartbeat:
    """Beats every 20 ms and adds up, in seconds, what it was kept from. Starts itself with the first question."""

    def __init__(self) -> None:
        self._lost_s = 0.0
        self._beat_s = 0.0
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def lost_s(self) -> float:
        """Seconds, since the first question, in which the suite was not given the processor; it only ever grows."""
        with self._lock:
            self._start()
            return self._lost_s + self._late_s(time.monotonic())

    def given_since(self, began_s: float, lost_before_s: float) -> float:
        """Seconds given since a monotonic moment at which ``lost_s`` was ``lost_before_s``."""
        return max(0.0, time.monotonic() - began_s - (self.lost_s() - lost_before_s))

    def _start(self) -> None:
        if self._thread is None:
            self._beat_s = time.monotonic()
            self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            pause.wait(BEAT_S)
            share = share_given()
            with self._lock:
                now_s = time.monotonic()
                late_s = self._late_s(now_s)
                self._lost_s += late_s + (now_s - self._beat_s - late_s) * (1.0 - share)
                self._beat_s = now_s

    def _late_s(self, now_s: float) -> float:
        """How long the beat that is due has been missing."""
        late_s = now_s - self._beat_s - BEAT_S
        return late_s if late_s > TOLERATED_S else 0.0


heartbeat = Heartbeat()
"""Of this process. A deadline asks it for ``lost_s`` at its start, and for what was given when it looks again."""


def _begin_anew() -> None:
    """A forked process has neither the thread nor whoever holds the lock."""
    global heartbeat
    heartbeat = Heartbeat()


if sys.platform != "win32":  # where no process is forked
    os.register_at_fork(after_in_child=_begin_anew)
