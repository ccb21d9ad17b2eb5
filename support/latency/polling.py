"""The metadata of an open investigation, read again and again (PZ-13800, PZ-13859)."""

from __future__ import annotations

from support.clients.focus_server.client import Answer, FocusServerClient
from support.clients.safety import Budget

READS = 100


class Polling:
    """One client that repeats the same request, one answer after the other."""

    def __init__(self, client: FocusServerClient, budget: Budget) -> None:
        self._client, self._budget = client, budget

    def metadata(self, job_id: str) -> list[Answer]:
        """Read the metadata a hundred times and return the answers in order."""
        self._budget.require_load(f"read metadata {READS} times in a row")
        return [self._client.metadata(job_id) for _ in range(READS)]
