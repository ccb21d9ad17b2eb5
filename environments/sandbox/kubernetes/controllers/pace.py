"""The rate limit of a Kubernetes client: the token bucket of client-go."""

from __future__ import annotations


class Pace:
    """Allows ``burst`` requests at once and refills at ``qps`` per second; ``qps`` 0 means no limit.

    All times are seconds of the same monotonic clock.
    """

    def __init__(self, qps: float, burst: int) -> None:
        self._qps, self._burst = qps, float(burst)
        self._tokens, self._at_s = float(burst), 0.0

    @property
    def is_limited(self) -> bool:
        return self._qps > 0

    def reserve(self, requests: int, now_s: float) -> float:
        """Reserve a number of requests and return the time at which the last may be made.

        Later reservations come after earlier ones.
        """
        if not self.is_limited:
            return now_s
        self._tokens = min(self._burst, self._tokens + (now_s - self._at_s) * self._qps)
        self._at_s = now_s
        self._tokens -= requests
        return now_s if self._tokens >= 0 else now_s - self._tokens / self._qps
