"""API priority and fairness: a client with too many requests is asked to retry later."""

from __future__ import annotations

import asyncio

from environments.sandbox.kubernetes.store.errors import ApiError

LIMITED_USER = "system:serviceaccount:panda:focus-server"
CREATIONS_PER_S, BURST = 30.0, 90
RETRY_AFTER_S = 1
_MESSAGE = "the server has received too many requests and has asked us to try again later"
_HEADERS = {
    "Retry-After": str(RETRY_AFTER_S),
    "X-Kubernetes-PF-FlowSchema-UID": "5d1a3c7e-7a52-4f0e-9d1c-0c3f5a1f6b21",
    "X-Kubernetes-PF-PriorityLevel-UID": "9f6f0a54-1b39-4f0b-8a3e-2d7f1f0b4c90",
}


class FlowControl:
    """A token bucket for creations by the Focus Server: it holds ``BURST`` and refills at ``CREATIONS_PER_S``."""

    def __init__(self) -> None:
        self._left, self._filled_s = float(BURST), 0.0

    def check(self, user: str, method: str) -> None:
        """Take one creation from the bucket. Raises :class:`ApiError` 429 with Retry-After if the bucket is empty."""
        if user != LIMITED_USER or method != "POST":
            return
        time_s = asyncio.get_running_loop().time()
        self._left = min(float(BURST), self._left + (time_s - self._filled_s) * CREATIONS_PER_S)
        self._filled_s = time_s
        if self._left < 1:
            raise ApiError(429, "TooManyRequests", _MESSAGE, {"retryAfterSeconds": RETRY_AFTER_S}, _HEADERS)
        self._left -= 1
