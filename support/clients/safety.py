"""What an environment may be used for, and how much of it one run may ask, enforced by the clients themselves."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from support.config import Environment
from support.config.load_window import LoadWindow
from support.config.models import WITHOUT_LOAD
from support.selection import hours_of_load

MINUTE_S = 60.0


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
    """How much one run may still ask of the Focus Server; one for all of its clients. Safe to use from many threads."""

    def __init__(self, policy: SafetyPolicy) -> None:
        self._policy = policy
        self._lock = threading.Lock()
        self._under_way = 0
        self._opened = 0
        self._latest: deque[float] = deque()

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

    @contextmanager
    def asking(self, *, opens: bool) -> Iterator[None]:
        """Around one request; ``opens`` for one that may open an investigation. Raises :class:`SafetyError`."""
        with self._lock:
            if self._under_way >= (most := self._policy.most("requests_at_once")):
                self._refuse("send one more request at once", "requests_at_once", most)
            if opens:
                self._count_opening()
            self._under_way += 1
        try:
            yield
        finally:
            with self._lock:
                self._under_way -= 1

    def _count_opening(self) -> None:
        policy, now_s = self._policy, time.monotonic()
        while self._latest and self._latest[0] <= now_s - policy.minute_s:
            self._latest.popleft()
        if self._opened >= (most := policy.most("openings_in_all")):
            self._refuse("open one more investigation in this run", "openings_in_all", most)
        if len(self._latest) >= (most := policy.most("openings_per_minute")):
            self._refuse("open one more investigation in this minute", "openings_per_minute", most)
        self._opened += 1
        self._latest.append(now_s)

    def _refuse(self, action: str, setting: str, number: int) -> None:
        raise SafetyError(
            f"environment {self._policy.environment_name!r} does not permit to {action}: safety.{setting} is {number}"
        )


def opens_an_investigation(method: str, path: str) -> bool:
    """Whether a request may open one, as far as its address tells: ``/configure``, and ``/config`` of the future."""
    return method == "POST" and path.lstrip("/").startswith("config")
