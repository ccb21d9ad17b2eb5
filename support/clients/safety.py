"""What an environment may be used for, and how much of it one run may ask, enforced by the clients themselves."""

from __future__ import annotations

import mmap
import multiprocessing
import os
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

    The numbers bound a run whatever its scenarios do: openings in all, requests to the Focus Server under way at once,
    openings in a minute. ``minute_s`` is how long a minute of the environment takes, in seconds of the wall. Where the
    run was not ``confirmed``, and for load outside of ``window``, it is as if nothing was permitted.
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
        """``confirmed``: whoever started the run has named the environment that it may load or disrupt."""
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
        """Refuse ``action`` unless ``permission`` was given. Raises :class:`SafetyError`."""
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
        """One of the three numbers as it holds now: while nothing may be loaded, what needs no load."""
        number: int = getattr(self, name)
        return number if self._load_objection() is None else min(number, WITHOUT_LOAD[name])

    def _load_objection(self) -> str | None:
        return self._not_confirmed() or (self.window.objection(self.clock()) if self.window else None)

    def _not_confirmed(self) -> str | None:
        return None if self.confirmed else f"the run was not confirmed; allowed: -D confirm={self.environment_name}"


class Budget:
    """How much one run may still ask of the Focus Server: one for all of its clients, in all of its processes.

    These are the process that made it and those it forks afterwards: what they have spent lies in memory that they
    share. Each notes in a place of its own what it has under way, so that one that was killed takes up no place of the
    others. Safe to use from many threads.
    """

    def __init__(self, policy: SafetyPolicy, processes: int = 1) -> None:
        self._policy = policy
        self._lock: Any = threading.Lock() if processes == 1 else _lock_of_processes()
        self._process = 0
        self._opened = _shared(1, "q")
        self._under_way = _shared(processes, "q")
        # Monotonic seconds of the latest openings: a ring, in which the next one takes the place of the oldest.
        self._latest = _shared(policy.openings_per_minute, "d")

    @classmethod
    def on_loopback(cls) -> Budget:
        """For a server that the suite itself has started to measure its clients by; no environment is asked."""
        most = 1_000_000
        return cls(SafetyPolicy("loopback", True, False, False, most, most, most))

    def require_load(self, action: str) -> None:
        """For what only asks in order to measure. Raises :class:`SafetyError` where no load is permitted."""
        self._policy.require("load", action)

    def require_at_once(self, amount: int) -> None:
        """Refuse a burst as a whole, before the first of it is sent; more than one are a load. Raises
        :class:`SafetyError`."""
        if amount > 1:
            self.require_load(f"send {amount} requests at once")
        if amount > (most := self._policy.most("requests_at_once")):
            self._refuse(f"send {amount} requests at once", "requests_at_once", most)

    def in_process(self, number: int) -> None:
        """This is the process of that number, from 0; told to one that was just forked."""
        self._process = number

    def without(self, number: int) -> None:
        """The process of that number has ended, and with it what it had under way."""
        self._under_way[number] = 0

    @contextmanager
    def asking(self, *, opens: bool) -> Iterator[None]:
        """Around one request; ``opens`` for one that may open an investigation. Raises :class:`SafetyError`."""
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
        """While nobody else counts. Who was killed while counting must not keep the others waiting for ever."""
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
    """So many numbers, whole (``q``) or not (``d``), 0 at first, which a process has in common with those it forks."""
    return memoryview(mmap.mmap(-1, amount * 8)).cast(kind)


def opens_an_investigation(method: str, path: str) -> bool:
    """Whether a request may open one, as far as its address tells: ``/configure``, and ``/config`` of the future."""
    return method == "POST" and path.lstrip("/").startswith("config")


def _lock_of_processes() -> Any:
    """One that processes share which are forked afterwards; only where a system can fork are there several."""
    if hasattr(os, "fork"):
        return multiprocessing.get_context("fork").Lock()
    return threading.Lock()
