"""The clock of the cluster: what it creates bears its time, and the clock of this machine may be another."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cached_property


class ClusterClock:
    """Tells the time as the cluster would, to about a second. What the difference is, is asked once in a run."""

    def __init__(self, ahead_s: Callable[[], float]) -> None:
        self._ask_ahead_s = ahead_s

    @cached_property
    def ahead_s(self) -> float:
        """Seconds that the clock of the cluster is ahead of this machine's. Raises ``ClusterError``."""
        return self._ask_ahead_s()

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.ahead_s)
