"""How far a server's clock is from that of this machine, by whatever it stamps with its time.

Best is the ``Date`` header of its answers (RFC 9110, 6.6.1); where a proxy takes that away, what the server has stamped
itself.
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
    """Seconds to add to a time of this machine to get that of the server, as an interval that each answer narrows."""

    def __init__(self, whose: str) -> None:
        self._whose = whose
        self._lock = threading.Lock()
        self._low_s, self._high_s = -math.inf, math.inf
        self._source = ""

    def note(self, headers: Mapping[str, str], sent: datetime, received: datetime) -> None:
        """Take in one answer. One without a readable date tells nothing."""
        try:
            date = parsedate_to_datetime(headers.get("Date") or "").astimezone(UTC)
        except (ValueError, TypeError, OverflowError):
            return
        self._take_in((date - received).total_seconds(), (date - sent).total_seconds() + _RESOLUTION_S, "")

    def note_stamp(self, stamp: datetime, seen: datetime, at_most_s: float, source: str) -> None:
        """Take in a time that the server wrote down at most ``at_most_s`` seconds before this machine saw it.

        ``math.inf`` for one that may be of any age: it tells only of a clock that is ahead. ``source`` is what bears
        it, in words.
        """
        low_s = (stamp - seen).total_seconds()
        if math.isinf(at_most_s) and low_s <= WORTH_TELLING_S:
            return
        self._take_in(low_s, low_s + at_most_s, source)

    def _take_in(self, low_s: float, high_s: float, source: str) -> None:
        with self._lock:
            if max(low_s, self._low_s) <= min(high_s, self._high_s):
                low_s, high_s = max(low_s, self._low_s), min(high_s, self._high_s)
            # Else one of the clocks was set meanwhile: the latest answer is what holds.
            self._low_s, self._high_s, self._source = low_s, high_s, source

    @property
    def is_known(self) -> bool:
        """Whether anything told the time."""
        return self._low_s > -math.inf

    @property
    def seconds(self) -> float:
        """The offset nearest to none that the answers allow; 0 while it is not known."""
        with self._lock:
            if self._low_s <= 0 <= self._high_s:
                return 0.0
            return self._low_s if self._low_s > 0 else self._high_s

    def now(self) -> datetime:
        """What the server's clock shows now, as near as it is known."""
        return datetime.now(UTC) + timedelta(seconds=self.seconds)

    def theirs(self, ours: datetime) -> datetime:
        """When the server's clock shows at the earliest what this machine's clock shows as ``ours``."""
        with self._lock:
            exact = self._low_s <= 0 <= self._high_s
            return ours if exact else ours + timedelta(seconds=self._low_s)

    def __str__(self) -> str:
        if not self.is_known:
            return (
                f"how the clock of {self._whose} stands to that of this machine cannot be told: its answers have no "
                "date, and nothing else told it; they are taken for the same"
            )
        told = f", as {self._source} tells" if self._source else ""
        seconds = self.seconds
        if abs(seconds) < WORTH_TELLING_S:
            return f"the clock of {self._whose} is that of this machine{told}"
        where = "ahead of" if seconds > 0 else "behind"
        return f"the clock of {self._whose} is {abs(seconds):.0f} s {where} this machine{told}"
