"""The clock of the sandbox's processes. It advances only with the time that the machine gives to a process.

Each duration of the real system is scaled down: an idle watchdog of 50 s takes one second. If the machine stalls for
longer than that, or divides its processors among many programs, that second would be over before any program could act.
The event loop of a process therefore ignores a stall and slows down while the processors are crowded. Sleeps, timers
and timeouts all follow it.
"""

from __future__ import annotations

import asyncio
import functools
import heapq
import itertools
import math
import os
import selectors
import time
from collections.abc import Callable

BEAT_S = 0.05
TOLERATED_S = 0.02
"""Tolerance: a loop iteration that is late by up to this much is not a stall."""
CROWD_PER_CORE = 2
"""Runnable threads per core up to which the clock runs at full speed; the sandbox and a client are only a few."""

_ENOUGH_BYTES = 128
_FEW_ALARMS = 64


@functools.cache
def _load() -> int:
    """The descriptor of ``/proc/loadavg``, kept open for the life of the process: it is read twenty times a second."""
    return os.open("/proc/loadavg", os.O_RDONLY)


def share_given() -> float:
    """The share (0 to 1) of a processor that a program gets now; 1 if the kernel does not report it (not Linux)."""
    try:
        runnable = int(os.pread(_load(), _ENOUGH_BYTES, 0).split()[3].split(b"/")[0])
    except OSError:
        return 1.0
    return min(1.0, CROWD_PER_CORE * (os.cpu_count() or 1) / max(runnable, 1))


class GivenTime:
    """A clock of the seconds that this process was given. ``wall`` and ``share`` are replaced in tests only."""

    def __init__(self, wall: Callable[[], float] = time.monotonic, share: Callable[[], float] = share_given) -> None:
        self._wall, self._share = wall, share
        self._looked_s = self._given_s = self._beat_s = wall()
        self.speed = 1.0
        """Given seconds per second of wall time."""

    def now(self) -> float:
        """The given seconds so far. The loop calls this at least once per beat; time beyond one beat is a stall and
        does not count.

        Once per beat it measures how crowded the processors are.
        """
        wall_s = self._wall()
        passed_s = wall_s - self._looked_s
        self._looked_s = wall_s
        self._given_s += self.speed * (passed_s if passed_s <= BEAT_S + TOLERATED_S else BEAT_S)
        if wall_s >= self._beat_s:
            self._beat_s = wall_s + BEAT_S
            self.speed = self._share()
        return self._given_s


class BeatingSelector(selectors.DefaultSelector):
    """A selector that waits in beats. A timer per beat would cost eight idle processes more than all else they do."""

    def __init__(self, given: GivenTime) -> None:
        super().__init__()
        self._given = given
        self._alarms: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()
        self._tidied_at = _FEW_ALARMS

    def wake(self, waiter: asyncio.Future[None], at_s: float) -> None:
        """Give the waiter a result at a moment of wall time, with the precision of a beat."""
        if len(self._alarms) >= self._tidied_at:  # watches whose clients have left; they expire much later
            self._alarms = [alarm for alarm in self._alarms if not alarm[2].done()]
            heapq.heapify(self._alarms)
            self._tidied_at = max(_FEW_ALARMS, 2 * len(self._alarms))
        heapq.heappush(self._alarms, (at_s, next(self._order), waiter))

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """The file objects that are ready within ``timeout`` given seconds; None waits for ever."""
        now_s = self._given.now()
        until_s = math.inf if timeout is None else now_s + timeout
        while True:
            left_s = max(0.0, until_s - now_s)
            ready = super().select(min(BEAT_S, left_s / self._given.speed))
            now_s = self._given.now()
            if self._ring() or ready or now_s >= until_s:
                return ready

    def _ring(self) -> bool:
        """Wake the waiters that are due; return whether any was woken."""
        rung = False
        while self._alarms and self._alarms[0][0] <= time.monotonic():
            waiter = heapq.heappop(self._alarms)[2]
            if not waiter.done():
                waiter.set_result(None)
                rung = True
        return rung


class GivenTimeLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock counts only given time."""

    def __init__(self, given: GivenTime | None = None) -> None:
        self._given = given or GivenTime()
        self._beating = BeatingSelector(self._given)
        super().__init__(self._beating)

    def time(self) -> float:
        return self._given.now()

    @property
    def speed(self) -> float:
        """Given seconds per second of wall time."""
        return self._given.speed

    def wake(self, waiter: asyncio.Future[None], after_wall_s: float) -> None:
        """Give the waiter a result after this number of seconds of wall time."""
        self._beating.wake(waiter, time.monotonic() + after_wall_s)


def wall_s(given_s: float) -> float:
    """Convert given seconds to wall time at the present speed, for a library that measures time itself."""
    loop = asyncio.get_running_loop()
    return given_s / loop.speed if isinstance(loop, GivenTimeLoop) else given_s


def after_wall_s(seconds: float) -> asyncio.Future[None]:
    """A future that is done after this number of seconds of wall time, for durations requested by an outside program,
    which measures time itself."""
    loop = asyncio.get_running_loop()
    if not isinstance(loop, GivenTimeLoop):
        raise TypeError(f"a process of the sandbox runs a GivenTimeLoop, not a {type(loop).__name__}")
    waiter = loop.create_future()
    loop.wake(waiter, seconds)
    return waiter
