"""Checks that this machine can carry a load, by comparing its need with the limits before anything is sent."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

if sys.platform != "win32":
    import resource

FILES_PER_REQUEST = 3
"""The connection, the duplicate of it that its deadline holds, and the connection to the stream."""
PORTS_PER_REQUEST = 2
MEMORY_PER_REQUEST_BYTES = 400_000
"""An upper bound, not a measurement: the used part of a thread's stack, the buffers of TLS and of the answer."""
_OPEN_FILES_OF_MACOS = 10_240
"""OPEN_MAX of macOS, which refuses more, regardless of the hard limit (setrlimit(2))."""
SPARE = 32
"""Files, threads and ports reserved for everything else that runs meanwhile."""


class MachineTooSmall(Exception):
    """The tester's machine cannot carry the load; nothing was sent. One sentence with need, limit and remedy."""


@dataclass(frozen=True)
class Room:
    """One limit of this machine. ``free`` returns None if the limit does not exist or is not known."""

    what: str
    free: Callable[[], int | None]
    per_request: int
    spare: int
    remedy: str


def require_room_for(requests: int) -> None:
    """Raise :class:`MachineTooSmall` if this machine cannot carry this number of requests at once."""
    _raise_own_limit()
    if short := list(_shortages(requests)):
        raise MachineTooSmall(f"{requests} requests at once do not fit on this machine: {'; '.join(short)}")


def _shortages(requests: int) -> Iterator[str]:
    for room in ROOMS:
        need, free = requests * room.per_request + room.spare, room.free()
        if free is not None and need > free:
            yield f"they need {need} {room.what} and {free} are free ({room.remedy})"


def _raise_own_limit() -> None:
    """Raise this process's limit of open files as far as the machine allows without privileges."""
    if sys.platform != "win32":
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        for most in (hard, max(soft, _OPEN_FILES_OF_MACOS)) if soft != hard else ():
            with suppress(ValueError, OSError):  # some systems allow less than their hard limit
                resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
                return


def free_files() -> int | None:
    """Return the number of files that can still be opened; None if it is unlimited, as on Windows."""
    if sys.platform == "win32":
        return None
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return None
    folder = Path("/proc/self/fd") if Path("/proc/self/fd").is_dir() else Path("/dev/fd")
    return max(0, soft - sum(1 for _ in folder.iterdir()))


def free_threads() -> int | None:
    """Return the threads left by the container's limit (cgroup) and by the user's, which does not apply to root."""
    found = [_cgroup("pids.max", "pids.current")]
    if sys.platform != "win32":
        soft, _ = resource.getrlimit(resource.RLIMIT_NPROC)
        if soft != resource.RLIM_INFINITY and os.geteuid() != 0:
            found.append(max(0, soft - threading.active_count()))
    return min((each for each in found if each is not None), default=None)


def free_ports() -> int | None:
    """Return the number of ephemeral ports that no connection of this machine uses; None if it is not known.

    It is a lower bound: connections to different servers may share a port.
    """
    try:
        first, last = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split())
        used = sum(
            len(Path(f"/proc/net/{name}").read_text(encoding="ascii").splitlines()) - 1 for name in ("tcp", "tcp6")
        )
    except (OSError, ValueError):
        return None
    return max(0, last - first + 1 - used)


def free_memory() -> int | None:
    """Return the free bytes of the machine or of the container, the smaller of the two."""
    found = [_cgroup("memory.max", "memory.current")]
    with suppress(OSError):
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                found.append(int(line.split()[1]) * 1024)
    return min((each for each in found if each is not None), default=None)


def _cgroup(limit: str, use: str) -> int | None:
    """Return the unused part of a limit of the container; None if the limit does not exist."""
    folder = Path("/sys/fs/cgroup")
    try:
        most, used = (
            (folder / limit).read_text(encoding="ascii").strip(),
            int((folder / use).read_text(encoding="ascii")),
        )
    except (OSError, ValueError):
        return None
    return None if most == "max" else max(0, int(most) - used)


ROOMS = (
    Room("open files", free_files, FILES_PER_REQUEST, SPARE, "ulimit -n raises their number"),
    Room("threads", free_threads, 1, SPARE, "ulimit -u, or the limit of the container, raises their number"),
    Room("local ports", free_ports, PORTS_PER_REQUEST, SPARE, "net.ipv4.ip_local_port_range tells their number"),
    Room("bytes of memory", free_memory, MEMORY_PER_REQUEST_BYTES, 0, "stop other programs, or take a larger machine"),
)
