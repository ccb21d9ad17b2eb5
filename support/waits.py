"""The one way to wait.

``until`` waits for something to become true. If it does not, the error says what was wanted, what was last seen, how
long it waited and how often it looked. ``holds`` checks that something stays true. Both look again as soon as a source
of changes reports one (the cluster watch), and otherwise at a fixed interval.

Seconds are those in which the suite was given the processor (``support.processor``): time in which this machine kept it
from running is subtracted from every deadline and every time of observation, and reported.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol, TypeVar

from hamcrest.core.matcher import Matcher
from hamcrest.core.string_description import StringDescription

from support import processor

T = TypeVar("T")

LOOK_AGAIN_S = 0.05
TOLD_FROM_S = 0.05
"""A standstill below this is not reported."""


class DeadlineUse:
    """Use of deadlines: the greatest share that any wait has used since :meth:`forget`.

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
"""Deadline use of every ``until`` in this process; the hooks read it for each scenario. ``settle`` and ``holds`` have
no deadline to miss."""


class Stopwatch:
    """Seconds since it was created: of wall-clock time, and of the time given to the suite.

    Processor time of the thread that created it was given to it, however late the heartbeat is: a call that computes,
    or that ends between two late beats, takes longer than no time. Another thread that reads it cannot know that time.
    """

    def __init__(self) -> None:
        self._heartbeat = processor.heartbeat
        self._lost_before_s = self._heartbeat.lost_s()
        self._thread, self._used_before_s = threading.get_ident(), time.thread_time()
        self._began_s = time.monotonic()

    def given_s(self) -> float:
        given_s = self._heartbeat.given_since(self._began_s, self._lost_before_s)
        is_mine = threading.get_ident() == self._thread
        return max(given_s, time.thread_time() - self._used_before_s) if is_mine else given_s

    def wall_s(self) -> float:
        return time.monotonic() - self._began_s

    def told(self, limit_s: float) -> str:
        """Return the time waited, as "1.60 s of 1.60 s", and how long the suite stood still meanwhile."""
        given_s, wall_s = self.given_s(), self.wall_s()
        text = f"{given_s:.2f} s of {limit_s:.2f} s"
        if wall_s - given_s < TOLD_FROM_S:
            return text
        return f"{text} (and {wall_s - given_s:.2f} s in which this machine did not let the suite run)"


class ChangeSource(Protocol):
    """A source of changes, which knows when looking again is worthwhile."""

    def mark(self) -> int:
        """Return a number that grows with every change seen."""

    def wait_for_change(self, after: int, timeout_s: float) -> int:
        """Block until something newer than ``after`` is seen or the time is over. Returns the new mark."""


class PollEvery:
    """A source of changes for what cannot be watched: looks again at a fixed interval."""

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
    """Return the first value of ``probe`` that satisfies ``matcher``.

    ``what`` names the thing waited for, in domain words. ``within_s`` is in seconds given to the suite. ``abort_if``
    describes states from which the wanted one cannot follow; they end the wait at once. Raises :class:`AssertionError`.
    """
    source = changes or PollEvery()
    watch = Stopwatch()
    looks = 0
    while True:
        mark = source.mark()
        value = probe()
        looks += 1
        given_s = watch.given_s()
        if matcher.matches(value):
            deadline_use.note(given_s, within_s)
            return value
        hopeless = abort_if is not None and abort_if.matches(value)
        if hopeless or given_s >= within_s:
            deadline_use.note(given_s, within_s)
            raise AssertionError(_unmet(what, matcher, value, watch.told(within_s), looks, hopeless))
        source.wait_for_change(mark, within_s - given_s)


def holds(
    probe: Callable[[], T],
    matcher: Matcher[T],
    *,
    for_s: float,
    what: str,
    changes: ChangeSource | None = None,
) -> T:
    """Return the last value of ``probe`` after it satisfied ``matcher`` at every look for ``for_s`` seconds."""
    source = changes or PollEvery()
    watch = Stopwatch()
    looks = 0
    while True:
        mark = source.mark()
        value = probe()
        looks += 1
        given_s = watch.given_s()
        if not matcher.matches(value):
            raise AssertionError(_unmet(what, matcher, value, watch.told(for_s), looks, hopeless=True))
        if given_s >= for_s:
            return value
        source.wait_for_change(mark, for_s - given_s)


def settle(probe: Callable[[], list[str]], *, within_s: float, changes: ChangeSource | None = None) -> list[str]:
    """Wait for an empty list, and return what is left in it. Meant for clean-up, which reports instead of raising."""
    source = changes or PollEvery()
    watch = Stopwatch()
    while True:
        mark = source.mark()
        left = probe()
        given_s = watch.given_s()
        if not left or given_s >= within_s:
            return left
        source.wait_for_change(mark, min(within_s - given_s, LOOK_AGAIN_S))


def _unmet(what: str, matcher: Matcher[T], value: T, waited: str, looks: int, hopeless: bool) -> str:
    text = StringDescription()
    text.append_text(f"{what}\n  wanted: ").append_description_of(matcher)
    text.append_text("\n  last seen: ")
    matcher.describe_mismatch(value, text)
    ending = "gave up early after" if hopeless else "waited"
    text.append_text(f"\n  {ending} {waited}, looked {looks} times")
    return str(text)
