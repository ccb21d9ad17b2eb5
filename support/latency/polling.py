"""The metadata of an open investigation, read again and again (PZ-13800, PZ-13859)."""

from __future__ import annotations

from support.clients.focus_server.client import Answer, FocusServerClient
from support.clients.safety import Budget

READS = 100


class Polling:
    """One client that reads the same all the time, one answer after the other."""

    def __init__(self, client: FocusServerClient, budget: Budget) -> None:
        self._client, self._budget = client, budget

    def metadata(self, job_id: str) -> list[Answer]:
        """A hundred answers in their order."""
        self._budget.require_load(f"read metadata {READS} times in a row")
        return [self._client.metadata(job_id) for _ in range(READS)]
