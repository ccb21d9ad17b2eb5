"""Time windows, by the words the features use for them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from support.model.recordings import Recording, Recordings
from support.model.requests import Times

_HOUR_S = 3600
NEIGHBOURS_OVERLAP_S = 6
"""Time in which two consecutive recordings may overlap, with a second for rounding (docs/facts/mongodb.md 1.6)."""


@dataclass(frozen=True)
class Source:
    """Source of the times of a window: the index, and the recording that the scenario refers to, if any."""

    recordings: Recordings
    subject: Recording | None

    @property
    def this(self) -> Recording:
        if self.subject is None:
            raise AssertionError("the window speaks of 'this recording', but no step has named one")
        return self.subject


def times_of(window: str, source: Source) -> Times:
    """Return the window that these words describe, in epoch seconds. :class:`LookupError` lists the known words."""
    if window not in _WINDOWS:
        raise LookupError(f"no window is known as {window!r}; known are: {'; '.join(sorted(_WINDOWS))}")
    return _WINDOWS[window](source)


def _between(start_s: float, end_s: float) -> Times:
    return {"start_time": int(start_s), "end_time": int(end_s)}


def one_after_the_other(times: Times, amount: int) -> list[Times]:
    """Return ``amount`` windows inside this one, all of the same length, each starting a second after the one before.
    Short ones would have been played before the last of them is open.

    Raises ValueError if the window is too short for that.
    """
    start_s, end_s = times["start_time"] or 0, times["end_time"] or 0
    length_s = end_s - start_s - (amount - 1)
    if length_s < 1:
        raise ValueError(f"a window of {end_s - start_s} s has no room for {amount} of them")
    return [_between(start_s + number, start_s + number + length_s) for number in range(amount)]


def _now_s() -> int:
    return int(time.time())


def _over_recorded_data(source: Source) -> Times:
    """Window from the first to the last start of an unbroken series: long enough to observe the job while it runs."""
    series = source.recordings.series(20)
    return _between(math.ceil(series[0].start.timestamp()), series[-1].start.timestamp())


def _cutting_through(source: Source) -> Times:
    series = source.recordings.series(6)
    return _between(series[1].start.timestamp() + 20, series[4].start.timestamp() + 20)


def _inside(recording: Recording, first_s: int, last_s: int) -> Times:
    start_s = math.floor(recording.start.timestamp())
    return _between(start_s + first_s, start_s + last_s)


def _nothing_recorded(source: Source) -> Times:
    moment_s = source.recordings.quiet_moment().timestamp()
    return _between(moment_s, moment_s + 60)


def _into_the_open_one(source: Source) -> Times:
    """Window from the open recording's start to now, without the moment in which the one before may still go on."""
    return _between(math.ceil(source.recordings.open_one().start.timestamp()) + NEIGHBOURS_OVERLAP_S, _now_s())


def _since_time_began(source: Source) -> Times:
    """Window from the first second of the epoch to just after the earliest recording began, so that few are listed."""
    earliest = min(found.start for found in source.recordings.finished())
    return _between(0, math.ceil(earliest.timestamp()) + 20)


def _beside(offset_s: int) -> Callable[[Source], Times]:
    return lambda source: _inside(source.this, offset_s + 5, offset_s + 35)


def _after_this(source: Source) -> Times:
    end_s = math.ceil((source.this.end or source.this.start).timestamp())
    return _between(end_s + 20, end_s + 50)


_WINDOWS: dict[str, Callable[[Source], Times]] = {
    "over recorded data": _over_recorded_data,
    "over a few seconds of recorded data": lambda source: _inside(source.recordings.long_one(), 5, 15),
    "inside a recording": lambda source: _inside(source.recordings.long_one(), 3, 28),
    "that cuts through several of them": _cutting_through,
    "that starts when time began": _since_time_began,
    "in which nothing was recorded": _nothing_recorded,
    "that reaches into the recording that goes on": _into_the_open_one,
    "that begins with this recording": lambda source: _inside(source.this, 0, 30),
    "inside this recording": lambda source: _inside(source.this, 5, 35),
    "that ends before this recording": _beside(-60),
    "that begins after this recording": _after_this,
    "two hours before this recording": _beside(-2 * _HOUR_S),
    "two hours after this recording": _beside(2 * _HOUR_S),
    "three hours before this recording": _beside(-3 * _HOUR_S),
    "three hours after this recording": _beside(3 * _HOUR_S),
    "that ends before it starts": lambda source: _between(_now_s() - 600, _now_s() - 1200),
    "that ends when it starts": lambda source: _between(_now_s() - 600, _now_s() - 600),
    "that starts before time began": lambda source: _between(-_HOUR_S, _now_s() - 600),
    "that lies in the future": lambda source: _between(_now_s() + _HOUR_S, _now_s() + 2 * _HOUR_S),
    "that ends in the future": lambda source: _between(_now_s() - 600, _now_s() + _HOUR_S),
    "with only a start": lambda source: {"start_time": _now_s() - 1200, "end_time": None},
    "with only an end": lambda source: {"start_time": None, "end_time": _now_s() - 600},
}
