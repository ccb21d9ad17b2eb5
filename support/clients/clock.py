"""The offset between a server's clock and that of this machine, learnt from timestamps of the server.

The best source is the ``Date`` header of its answers (RFC 9110, 6.6.1). If a proxy removes that header, other
timestamps written by the server are used.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

_RESOLUTION_S = 1.0
"""The header has whole seconds: the true time is up to this much later."""
WORTH_TELLING_S = 2.0


class ClockOffset:
    """The seconds to add to this machine's time to get the server's time, as an interval that each answer narrows."""

    def __init__(self, whose: str) -> None:
        self._whose = whose
        self._lock = threading.Lock()
        self._low_s, self._high_s = -math.inf, math.inf
        self._source = self._in_vain = ""

    def note(self, headers: Mapping[str, str], sent: datetime, received: datetime) -> None:
        """Narrow the interval by the ``Date`` header of one answer. An answer without a readable date is ignored."""
        try:
            date = parsedate_to_datetime(headers.get("Date") or "").astimezone(UTC)
        except (ValueError, TypeError, OverflowError):
            return
        self._take_in((date - received).total_seconds(), (date - sent).total_seconds() + _RESOLUTION_S, "")

    def note_stamp(self, stamp: datetime, seen: datetime, at_most_s: float, source: str) -> None:
        """Narrow the interval by a timestamp that the server wrote at most ``at_most_s`` seconds before it was seen.

        Pass ``math.inf`` for a timestamp of unknown age: it can only show that the server's clock is ahead. ``source``
        names the object that carries the timestamp.
        """
        low_s = (stamp - seen).total_seconds()
        if math.isinf(at_most_s) and low_s <= WORTH_TELLING_S:
            return
        self._take_in(low_s, low_s + at_most_s, source)

    def note_in_vain(self) -> None:
        """Record that the other sources of the server's time were tried and gave none."""
        if not self.is_known:
            self._in_vain = (
                ", and neither a lease nor an event tells it: how it stands to that of this machine cannot be told, "
                "and they are taken for the same"
            )

    def _take_in(self, low_s: float, high_s: float, source: str) -> None:
        with self._lock:
            if max(low_s, self._low_s) <= min(high_s, self._high_s):
                low_s, high_s = max(low_s, self._low_s), min(high_s, self._high_s)
            # Otherwise one of the clocks was set in the meantime: only the latest answer is valid.
            self._low_s, self._high_s, self._source = low_s, high_s, source

    @property
    def is_known(self) -> bool:
        """Whether any timestamp of the server has been seen."""
        return self._low_s > -math.inf

    @property
    def seconds(self) -> float:
        """The offset closest to zero that the answers allow; 0 while it is not known."""
        with self._lock:
            if self._low_s <= 0 <= self._high_s:
                return 0.0
            return self._low_s if self._low_s > 0 else self._high_s

    def now(self) -> datetime:
        """Return the current time of the server's clock, as exactly as it is known."""
        return datetime.now(UTC) + timedelta(seconds=self.seconds)

    def theirs(self, ours: datetime) -> datetime:
        """Return the earliest time that the server's clock may have shown when this machine's clock showed ``ours``."""
        with self._lock:
            exact = self._low_s <= 0 <= self._high_s
            return ours if exact else ours + timedelta(seconds=self._low_s)

    def __str__(self) -> str:
        if not self.is_known:
            return f"the clock of {self._whose} is not known: its answers have no date{self._in_vain}"
        source = f", as {self._source} tells" if self._source else ""
        seconds = self.seconds
        if abs(seconds) < WORTH_TELLING_S:
            return f"the clock of {self._whose} is that of this machine{source}"
        where = "ahead of" if seconds > 0 else "behind"
        return f"the clock of {self._whose} is {abs(seconds):.0f} s {where} this machine{source}"
