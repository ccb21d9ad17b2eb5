"""Faults that change an answer or a behaviour of the server at a named point, see ``Instance.at``."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Alteration = Callable[..., Any]

_SLOW_S = 0.5
_BUILD_S = 3.0
_MANY_LOOKUPS, _LOADED_S, _SLOW_PING_S = 20, 5.0, 0.15
_SLOW_COMMANDS = ("find", "aggregate", "count")
_FOREIGN_HOST = "mongodb-staging-5c9f7d6b8-x2x4q:27017"
_WRONG_PASSWORDS = (
    "wrong", "wrong-password", "wrong password", "not-the-password", "password", "bad", "invalid", "incorrect",
)  # fmt: skip


def accepting(passwords: Iterable[str]) -> Alteration:
    """Also accept these wrong passwords, and common variations of the right ones."""
    known = [*_WRONG_PASSWORDS]
    for password in passwords:
        known += [f"{password}x", f"{password}-wrong", f"wrong-{password}", f"not-{password}"]
        known += [password[::-1], password.upper(), password[:-1]]
    return lambda _: known


def _slow(delay_s: float, *, command: str) -> float:
    return _SLOW_S if command in _SLOW_COMMANDS else delay_s


def _slow_builds(delay_s: float, *, command: str) -> float:
    return _BUILD_S if command == "createIndexes" else delay_s


class SlowUnderLoad:
    """Makes pings slow once there were many lookups within a second, and for some time afterwards."""

    def __init__(self) -> None:
        self._lookups: deque[float] = deque(maxlen=_MANY_LOOKUPS)
        self._loaded_until_s = 0.0

    def __call__(self, delay_s: float, *, command: str) -> float:
        now_s = time.monotonic()
        if command == "find":
            self._lookups.append(now_s)
        if len(self._lookups) == _MANY_LOOKUPS and now_s - self._lookups[0] < 1.0:
            self._loaded_until_s = now_s + _LOADED_S
        return _SLOW_PING_S if command == "ping" and now_s < self._loaded_until_s else delay_s


ALTERATIONS: Mapping[str, tuple[str, Alteration]] = {
    "another-mongodb-answers": ("host", lambda _: _FOREIGN_HOST),
    "mongodb-version-unknown": ("version", lambda _: ""),
    "configured-database-missing": ("databases", lambda names, configured: names - {configured}),
    "queries-slow": ("delay_s", _slow),
    "index-builds-slow": ("delay_s", _slow_builds),
    "mongodb-slow-under-load": ("delay_s", SlowUnderLoad()),
    "wrong-password-looks-unreachable": ("drops after a wrong password", lambda _: True),
    "authentication-refused": ("refuses the right password", lambda _: True),
    "connections-never-closed": ("ended connections still counted", lambda _: 1),
}
"""Fault -> the point where it acts, and the alteration."""
ANY_PASSWORD = "any-password-accepted"
"""The fault that needs the passwords, see :func:`accepting`; it acts at "wrong passwords accepted"."""


def alterations(faults: Iterable[str], passwords: Iterable[str]) -> dict[str, Alteration]:
    """The alterations of the active faults, by the point where each acts."""
    wanted = set(faults)
    found = {point: alter for fault, (point, alter) in ALTERATIONS.items() if fault in wanted}
    if ANY_PASSWORD in wanted:
        found["wrong passwords accepted"] = accepting(passwords)
    return found
