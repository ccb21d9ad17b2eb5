"""Processor time that this machine gave the suite. Deadlines count it instead of wall-clock time.

Two things can keep a tester from looking in time, and neither is the system's fault. Its process may stand still
(stopped, swapped out, in a virtual machine that was paused): a heartbeat thread then wakes too late. Or so many
programs want to run that each gets only a part of a processor: the same thread counts them. Both are subtracted from a
deadline, for exactly as long as they lasted; a slow system stays late.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

BEAT_S = 0.02
TOLERATED_S = 0.005
"""A wake-up is never exact: a delay up to this limit is no standstill."""
CROWD_PER_CORE = 2
"""Runnable threads per core up to which nothing is subtracted: the tester and the tested system have a few."""

_LOAD = Path("/proc/loadavg")


def share_given() -> float:
    """Return the share (0 to 1) of a processor that a program gets now; 1 if it is not known (not on Linux)."""
    try:
        runnable = int(_LOAD.read_text(encoding="ascii").split()[3].split("/")[0])
    except OSError:
        return 1.0
    return min(1.0, CROWD_PER_CORE * (os.cpu_count() or 1) / max(runnable, 1))


class Heartbeat:
    """Beats every 20 ms and adds up the seconds in which it was kept from running. Starts itself at the first query."""

    def __init__(self) -> None:
        self._lost_s = 0.0
        self._beat_s = 0.0
        self._share = 1.0
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def lost_s(self) -> float:
        """Return the seconds since the first query in which the suite had no processor. The value never decreases."""
        with self._lock:
            self._start()
            return self._lost_s + self._lost_since_beat_s(time.monotonic())

    def given_since(self, began_s: float, lost_before_s: float) -> float:
        """Return the seconds given since a monotonic moment at which ``lost_s`` was ``lost_before_s``."""
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
                self._lost_s += self._lost_since_beat_s(now_s)
                self._beat_s, self._share = now_s, share

    def _lost_since_beat_s(self, now_s: float) -> float:
        """Return the seconds lost since the last beat: those by which the next is late, if the delay is not tolerated,
        and of the rest what the share found at the last beat leaves. It grows with time, so that a query in the middle
        of a beat is given its own part of the beat, not all of it."""
        since_s = now_s - self._beat_s
        late_s = since_s - BEAT_S if since_s - BEAT_S > TOLERATED_S else 0.0
        return late_s + (since_s - late_s) * (1.0 - self._share)


heartbeat = Heartbeat()
"""Heartbeat of this process. A deadline reads ``lost_s`` at its start, and the time given whenever it looks again."""


def _begin_anew() -> None:
    """Replace the heartbeat in a forked process, which has neither its thread nor the holder of its lock."""
    global heartbeat
    heartbeat = Heartbeat()


if sys.platform != "win32":  # Windows has no fork
    os.register_at_fork(after_in_child=_begin_anew)
