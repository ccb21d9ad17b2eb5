"""How fast a client of Kubernetes may ask: the token bucket of client-go."""

from __future__ import annotations


class Pace:
    """``burst`` requests at once, refilled at ``qps`` a second. Times are those of one monotonic clock, in seconds."""

    def __init__(self, qps: float, burst: int) -> None:
        self._qps, self._burst = qps, float(burst)
        self._tokens, self._at_s = float(burst), 0.0

    @property
    def is_limited(self) -> bool:
        return self._qps > 0

    def reserve(self, requests: int, now_s: float) -> float:
        """When the last of so many requests may be made; whoever reserves later comes later."""
        if not self.is_limited:
            return now_s
        self._tokens = min(self._burst, self._tokens + (now_s - self._at_s) * self._qps)
        self._at_s = now_s
        self._tokens -= requests
        return now_s if self._tokens >= 0 else now_s - self._tokens / self._qps
