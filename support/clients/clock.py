"""How far a server's clock is from that of this machine, by the ``Date`` header of its answers (RFC 9110, 6.6.1)."""

from __future__ import annotations

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
        self._low_s: float | None = None
        self._high_s = 0.0

    def note(self, headers: Mapping[str, str], sent: datetime, received: datetime) -> None:
        """Take in one answer. One without a readable date tells nothing."""
        try:
            date = parsedate_to_datetime(headers.get("Date") or "").astimezone(UTC)
        except (ValueError, TypeError, OverflowError):
            return
        low_s = (date - received).total_seconds()
        high_s = (date - sent).total_seconds() + _RESOLUTION_S
        with self._lock:
            if self._low_s is not None and max(low_s, self._low_s) <= min(high_s, self._high_s):
                low_s, high_s = max(low_s, self._low_s), min(high_s, self._high_s)
            # Else it is the first, or one of the clocks was set meanwhile: the latest answer is what holds.
            self._low_s, self._high_s = low_s, high_s

    @property
    def is_known(self) -> bool:
        """Whether any answer told the time."""
        return self._low_s is not None

    @property
    def seconds(self) -> float:
        """The offset nearest to none that the answers allow; 0 while it is not known."""
        with self._lock:
            if self._low_s is None or self._low_s <= 0 <= self._high_s:
                return 0.0
            return self._low_s if self._low_s > 0 else self._high_s

    def now(self) -> datetime:
        """What the server's clock shows now, as near as it is known."""
        return datetime.now(UTC) + timedelta(seconds=self.seconds)

    def theirs(self, ours: datetime) -> datetime:
        """When the server's clock shows at the earliest what this machine's clock shows as ``ours``."""
        with self._lock:
            exact = self._low_s is None or self._low_s <= 0 <= self._high_s
            return ours if exact else ours + timedelta(seconds=self._low_s or 0.0)

    def __str__(self) -> str:
        if not self.is_known:
            return f"the clock of {self._whose} is not known: its answers have no date"
        seconds = self.seconds
        if abs(seconds) < WORTH_TELLING_S:
            return f"the clock of {self._whose} is that of this machine"
        return (
            f"the clock of {self._whose} is {abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'} this machine"
        )
