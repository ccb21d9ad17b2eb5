"""The permissions of an environment and the request budget of one run, enforced by the clients themselves."""

from __future__ import annotations

import mmap
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from support.config import Environment
from support.config.load_window import LoadWindow
from support.config.models import WITHOUT_LOAD
from support.selection import hours_of_load

MINUTE_S = 60.0
_PATIENCE_S = 10.0


class SafetyError(Exception):
    """A dangerous call that the environment does not permit. Nothing was sent."""


@dataclass(frozen=True)
class SafetyPolicy:
    """The permissions of one environment; everything not permitted is refused.

    The numbers limit a run regardless of its scenarios: openings in total, concurrent requests to the Focus Server, and
    openings per minute. ``minute_s`` is the length of a minute of the environment in real seconds. If the run is not
    ``confirmed``, no permission applies; outside of ``window``, load is not permitted.
    """

    environment_name: str
    load: bool = False
    disruptive: bool = False
    writes_database: bool = False
    openings_in_all: int = 250
    requests_at_once: int = 5
    openings_per_minute: int = 60
    minute_s: float = MINUTE_S
    window: LoadWindow | None = None
    confirmed: bool = True
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    @classmethod
    def of(cls, environment: Environment, confirmed: bool = True) -> SafetyPolicy:
        """Return the policy of ``environment``.

        ``confirmed`` means that the person who started the run has named the environment that it may load or disrupt.
        """
        safety = environment.safety
        return cls(
            environment.name,
            safety.load,
            safety.disruptive,
            safety.writes_database,
            safety.within("openings_in_all"),
            safety.within("requests_at_once"),
            safety.within("openings_per_minute"),
            MINUTE_S * environment.limits.time_scale,
            hours_of_load(environment),
            confirmed,
        )

    def require(self, permission: str, action: str) -> None:
        """Refuse ``action`` unless ``permission`` is granted. Raises :class:`SafetyError`."""
        granted = {"load": self.load, "disruptive": self.disruptive, "writes_database": self.writes_database}
        if permission not in granted:
            raise ValueError(f"unknown permission {permission!r}; known are {', '.join(granted)}")
        if not granted[permission]:
            raise SafetyError(
                f"environment {self.environment_name!r} does not permit to {action}: safety.{permission} is not true"
            )
        objection = self._load_objection() if permission == "load" else self._not_confirmed()
        if objection is not None:
            raise SafetyError(f"environment {self.environment_name!r} does not permit to {action}: {objection}")

    def most(self, name: str) -> int:
        """Return one of the three limits as it applies now: while load is refused, at most the limit without load."""
        number: int = getattr(self, name)
        return number if self._load_objection() is None else min(number, WITHOUT_LOAD[name])

    def _load_objection(self) -> str | None:
        return self._not_confirmed() or (self.window.objection(self.clock()) if self.window else None)

    def _not_confirmed(self) -> str | None:
        return None if self.confirmed else f"the run was not confirmed; allowed: -D confirm={self.environment_name}"


class Budget:
    """The requests that one run may still send to the Focus Server, shared by all of its clients and processes.

    The processes are the one that created the budget and those it forks afterwards; they count in shared memory. Each
    process counts its requests in flight in a slot of its own, so that the slot of a killed process can be cleared.
    Safe to use from many threads.
    """

    def __init__(self, policy: SafetyPolicy, processes: int = 1, lock: Any = None) -> None:
        """``lock`` is shared by the processes; it is required if there are several."""
        self._policy = policy
        self._lock = lock or threading.Lock()
        self._process = 0
        self._opened = _shared(1, "q")
        self._under_way = _shared(processes, "q")
        # Monotonic seconds of the latest openings: a ring buffer, in which the next one replaces the oldest.
        self._latest = _shared(policy.openings_per_minute, "d")

    @classmethod
    def on_loopback(cls) -> Budget:
        """Return the budget for a server that the suite starts itself to measure its clients, without real limits."""
        most = 1_000_000
        return cls(SafetyPolicy("loopback", True, False, False, most, most, most))

    def require_load(self, action: str) -> None:
        """Refuse ``action``, which sends requests only to measure, unless load is permitted.

        Raises :class:`SafetyError`.
        """
        self._policy.require("load", action)

    def require_at_once(self, amount: int) -> None:
        """Refuse a burst as a whole, before its first request is sent. More than one request at once is a load.

        Raises :class:`SafetyError`.
        """
        if amount > 1:
            self.require_load(f"send {amount} requests at once")
        if amount > (most := self._policy.most("requests_at_once")):
            self._refuse(f"send {amount} requests at once", "requests_at_once", most)

    def in_process(self, number: int) -> None:
        """Set the number of this process, from 0. Called in a process that was just forked."""
        self._process = number

    def without(self, number: int) -> None:
        """Clear the requests in flight of a process that has ended."""
        self._under_way[number] = 0

    @contextmanager
    def asking(self, *, opens: bool) -> Iterator[None]:
        """Count one request while the ``with`` block runs. ``opens`` means that it may open an investigation.

        Raises :class:`SafetyError`.
        """
        with self._alone():
            if sum(self._under_way) >= (most := self._policy.most("requests_at_once")):
                self._refuse("send one more request at once", "requests_at_once", most)
            if opens:
                self._count_opening()
            self._under_way[self._process] += 1
        try:
            yield
        finally:
            with self._alone():
                self._under_way[self._process] -= 1

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the lock for counting. The wait for it is limited, because a killed process may never release it."""
        if not self._lock.acquire(timeout=_PATIENCE_S):
            raise SafetyError("the budget of the run cannot be asked: a process was killed while it counted")
        try:
            yield
        finally:
            self._lock.release()

    def _count_opening(self) -> None:
        policy, now_s, opened = self._policy, time.monotonic(), self._opened[0]
        if opened >= (most := policy.most("openings_in_all")):
            self._refuse("open one more investigation in this run", "openings_in_all", most)
        kept = policy.openings_per_minute
        most = policy.most("openings_per_minute")
        if opened >= most and self._latest[(opened - most) % kept] > now_s - policy.minute_s:
            self._refuse("open one more investigation in this minute", "openings_per_minute", most)
        self._latest[opened % kept] = now_s
        self._opened[0] = opened + 1

    def _refuse(self, action: str, setting: str, number: int) -> None:
        raise SafetyError(
            f"environment {self._policy.environment_name!r} does not permit to {action}: safety.{setting} is {number}"
        )


def _shared(amount: int, kind: Literal["q", "d"]) -> Any:
    """Return ``amount`` integers (``q``) or floats (``d``), initially 0, in memory shared with forked processes."""
    return memoryview(mmap.mmap(-1, amount * 8)).cast(kind)


def opens_an_investigation(method: str, path: str) -> bool:
    """Whether a request may open an investigation, judged by its address: ``/configure``, or ``/config`` in future."""
    return method == "POST" and path.lstrip("/").startswith("config")
