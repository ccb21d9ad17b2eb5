"""The tester's machine as a part of the measurement: the processor time that others took during it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from support import processor

BUSY_SHARE = 0.25
"""The machine is busy when the share that others took of the processors, or the share of time that the suite stood
still, is at least this."""
USED_UP_SHARE = 0.9
"""Processors that worked for this share of the time were the limit, whatever used them: a server that waits for
something else leaves them idle."""
USED_UP_LOSS = 0.5
"""Share deducted for processors that were used up, as if the machine were half as fast as one with spare capacity."""
STARVED_SHARE = 0.5
"""If others took this share of processors that were used up, any delay may be the machine's own: a queue that is served
more slowly than it fills grows without bound."""
CALM_WITHIN_S = 60.0
"""Longest wait for the machine to calm down before a measurement it has spoilt is repeated."""
CALM_FOR_S = 1.0
_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
_EMBEDDED = b"environments.sandbox"


@dataclass(frozen=True)
class MachineUse:
    """Use of this machine during a measurement of ``seconds``.

    ``others_share`` is the share (0 to 1) of all processors taken by programs other than the suite and an embedded
    estate. ``pressure_share`` is the share of the time in which a task waited for a processor (/proc/pressure/cpu).
    Both are None if the kernel does not provide them. ``stood_still_s`` is the time the suite itself could not run.
    ``worked_share`` is the share of all processors used by any program, the suite and its estate included.
    """

    cores: int
    seconds: float
    others_share: float | None
    pressure_share: float | None
    stood_still_s: float
    worked_share: float | None = None

    @property
    def is_used_up(self) -> bool:
        return (self.worked_share or 0.0) >= USED_UP_SHARE

    @property
    def lost_share(self) -> float:
        """Share of the time that the suite, or an estate on the same machine, could not use."""
        still = self.stood_still_s / self.seconds if self.seconds > 0 else 0.0
        return min(max(self.others_share or 0.0, still, USED_UP_LOSS if self.is_used_up else 0.0), 0.99)

    @property
    def is_busy(self) -> bool:
        return self.lost_share >= BUSY_SHARE

    @property
    def is_starved(self) -> bool:
        """Whether others left so little that nothing follows from any delay."""
        return self.is_used_up and (self.others_share or 0.0) >= STARVED_SHARE

    def explains(self, measured: float, limit: float) -> bool:
        """Whether a time above its limit might have been within it on a machine that was not busy."""
        return self.is_starved or (self.is_busy and measured * (1 - self.lost_share) <= limit)

    def __str__(self) -> str:
        taken = "not known" if self.others_share is None else f"{self.others_share:.0%}"
        waited = "not known" if self.pressure_share is None else f"{self.pressure_share:.0%} of the time"
        return (
            f"other programs took {taken} of its {self.cores} processors for {self.seconds:.1f} s (CPU pressure "
            f"{waited}), the suite stood still for {self.stood_still_s:.1f} s{self._worked()}"
        )

    def _worked(self) -> str:
        return f", and with the suite and its estate they worked for {self.worked_share:.0%}" if self.is_used_up else ""


class MachineMeter:
    """Measures from its creation on. ``/proc`` is read twice, at the start and at the end."""

    def __init__(self) -> None:
        self._began_s, self._lost_s = time.monotonic(), processor.heartbeat.lost_s()
        self._busy_s, self._own_s, self._pressure_s = _busy_s(), _own_by_process(), _pressure_s()

    def use(self) -> MachineUse:
        """Return the use since the meter was created."""
        seconds = time.monotonic() - self._began_s
        cores = os.cpu_count() or 1
        busy_s = _busy_s()
        return MachineUse(
            cores=cores,
            seconds=seconds,
            others_share=self._others_share(busy_s, seconds * cores),
            pressure_share=_share(self._pressure_s, _pressure_s(), seconds),
            stood_still_s=processor.heartbeat.lost_s() - self._lost_s,
            worked_share=_share(self._busy_s, busy_s, seconds * cores),
        )

    def _others_share(self, busy_s: float | None, capacity_s: float) -> float | None:
        if self._busy_s is None or busy_s is None:
            return None
        own = sum(used_s - self._own_s.get(pid, 0.0) for pid, used_s in _own_by_process().items())
        return min(1.0, max(0.0, busy_s - self._busy_s - own) / capacity_s) if capacity_s > 0 else 0.0


def wait_until_calm(within_s: float = CALM_WITHIN_S) -> float | None:
    """Wait for a second in which the machine is calm. Return the seconds waited, or None beyond ``within_s``."""
    began_s = time.monotonic()
    while time.monotonic() - began_s < within_s:
        meter = MachineMeter()
        threading.Event().wait(CALM_FOR_S)
        if not meter.use().is_busy:
            return time.monotonic() - began_s
    return None


def _share(before: float | None, after: float | None, seconds: float) -> float | None:
    return None if before is None or after is None or seconds <= 0 else min(1.0, (after - before) / seconds)


def _busy_s() -> float | None:
    """Total busy seconds of all processors of this machine: all states except idle and iowait."""
    try:
        first = (_PROC / "stat").read_text(encoding="ascii").split("\n", 1)[0]
    except OSError:
        return None
    user, nice, system, _, _, irq, soft_irq, steal = map(int, first.split()[1:9])
    return (user + nice + system + irq + soft_irq + steal) / _TICKS


def _pressure_s() -> float | None:
    """Total seconds in which a task waited for a processor."""
    try:
        first = (_PROC / "pressure" / "cpu").read_text(encoding="ascii").split("\n", 1)[0]
    except OSError:
        return None
    return int(first.rsplit("total=", 1)[1]) / 1e6


def _own_by_process() -> dict[int, float]:
    """Processor seconds of the suite, its child processes and a sandbox on this machine, by process id."""
    used, parents, embedded = {}, {}, {os.getpid()}
    for pid, parent, seconds in _processes():
        used[pid], parents[pid] = seconds, parent
        if _is_embedded(pid):
            embedded.add(pid)
    return {pid: seconds for pid, seconds in used.items() if embedded.intersection(_line(pid, parents))}


def _line(pid: int, parents: dict[int, int]) -> Iterator[int]:
    """A process and its ancestors."""
    while pid in parents:
        yield pid
        pid = parents[pid]


def _processes() -> Iterator[tuple[int, int, float]]:
    """(id, parent, processor seconds) of each visible process."""
    for entry in _PROC.iterdir() if _PROC.is_dir() else ():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text(encoding="utf-8", errors="replace").rsplit(")", 1)[1].split()
            except OSError:
                continue  # it has ended meanwhile
            yield int(entry.name), int(fields[1]), (int(fields[11]) + int(fields[12])) / _TICKS


def _is_embedded(pid: int) -> bool:
    try:
        return _EMBEDDED in (_PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return False
