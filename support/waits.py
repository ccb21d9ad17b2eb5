"""The one way to wait.

``until`` waits for something to become true and says, when it does not, what was wanted, what was last seen, for how
long and how often it looked. ``holds`` watches that something stays true. Both look again as soon as a source of
change says so (the cluster watch) and otherwise at a fixed interval.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol, TypeVar

from hamcrest.core.matcher import Matcher
from hamcrest.core.string_description import StringDescription

T = TypeVar("T")

LOOK_AGAIN_S = 0.05


class DeadlineUse:
    """How close waiting came to its deadlines: the greatest share that any wait used since :meth:`forget`.

    1.0 is a deadline that was used up. A scenario that passes with more than half of one will fail on a slower day.
    """

    def __init__(self) -> None:
        self.closest: float | None = None

    def forget(self) -> None:
        self.closest = None

    def note(self, used_s: float, allowed_s: float) -> None:
        share = min(used_s / allowed_s, 1.0) if allowed_s > 0 else 1.0
        self.closest = share if self.closest is None else max(self.closest, share)


deadline_use = DeadlineUse()
"""Of every ``until`` in this process: the hooks read it for each scenario. ``settle`` and ``holds`` have no deadline to
miss."""


class ChangeSource(Protocol):
    """Something that knows when looking again is worthwhile."""

    def mark(self) -> int:
        """A number that grows with every change seen."""

    def wait_for_change(self, after: int, timeout_s: float) -> int:
        """Block until something newer than ``after`` was seen or the time is over; answers the new mark."""


class PollEvery:
    """A source of change for what cannot be watched: time itself."""

    def __init__(self, interval_s: float = LOOK_AGAIN_S) -> None:
        self._interval_s = interval_s
        self._never = threading.Event()

    def mark(self) -> int:
        return 0

    def wait_for_change(self, after: int, timeout_s: float) -> int:
        self._never.wait(min(self._interval_s, timeout_s))
        return after


def until(
    probe: Callable[[], T],
    matcher: Matcher[T],
    *,
    within_s: float,
    what: str,
    changes: ChangeSource | None = None,
    abort_if: Matcher[T] | None = None,
) -> T:
    """The first value of ``probe`` that satisfies ``matcher``.

    ``what`` names the thing waited for in domain words; ``within_s`` is in seconds of the wall. ``abort_if``
    describes states from which the wanted one cannot follow: they end the waiting at once. Raises
    :class:`AssertionError`.
    """
    source = changes or PollEvery()
    started = time.monotonic()
    deadline = started + within_s
    looks = 0
    while True:
        mark = source.mark()
        value = probe()
        looks += 1
        now = time.monotonic()
        if matcher.matches(value):
            deadline_use.note(now - started, within_s)
            return value
        hopeless = abort_if is not None and abort_if.matches(value)
        if hopeless or now >= deadline:
            deadline_use.note(now - started, within_s)
            raise AssertionError(_unmet(what, matcher, value, now - started, within_s, looks, hopeless))
        source.wait_for_change(mark, deadline - now)


def holds(
    probe: Callable[[], T],
    matcher: Matcher[T],
    *,
    for_s: float,
    what: str,
    changes: ChangeSource | None = None,
) -> T:
    """The last value of ``probe`` after it satisfied ``matcher`` at every look for ``for_s`` seconds."""
    source = changes or PollEvery()
    started = time.monotonic()
    looks = 0
    while True:
        mark = source.mark()
        value = probe()
        looks += 1
        elapsed_s = time.monotonic() - started
        if not matcher.matches(value):
            raise AssertionError(_unmet(what, matcher, value, elapsed_s, for_s, looks, hopeless=True))
        if elapsed_s >= for_s:
            return value
        source.wait_for_change(mark, for_s - elapsed_s)


def settle(probe: Callable[[], list[str]], *, within_s: float, changes: ChangeSource | None = None) -> list[str]:
    """Wait for an empty list and answer what is still in it at the end: for clean-up, which reports instead of
    raising."""
    source = changes or PollEvery()
    deadline = time.monotonic() + within_s
    while True:
        mark = source.mark()
        left = probe()
        now = time.monotonic()
        if not left or now >= deadline:
            return left
        source.wait_for_change(mark, min(deadline - now, LOOK_AGAIN_S))


def _unmet(
    what: str, matcher: Matcher[T], value: T, elapsed_s: float, limit_s: float, looks: int, hopeless: bool
) -> str:
    text = StringDescription()
    text.append_text(f"{what}\n  wanted: ").append_description_of(matcher)
    text.append_text("\n  last seen: ")
    matcher.describe_mismatch(value, text)
    ending = "gave up early after" if hopeless else "waited"
    text.append_text(f"\n  {ending} {elapsed_s:.2f} s of {limit_s:.2f} s, looked {looks} times")
    return str(text)
