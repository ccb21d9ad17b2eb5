"""Metadata that the server reports for an open investigation, and for a task of the future interface."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from support import waits
from support.checks.metadata import describes_a_task, has_rows_of_a_waterfall, is_an_investigation, is_answered, names
from support.clients.focus_server.client import Answer, FocusServerClient
from support.clients.kubernetes.client import KubernetesClient
from support.config import Limits
from support.model.attempts import Attempt

# There are a few hundred slots at most, so this id has never been assigned.
UNKNOWN_JOB_ID = "99999-1"
WATERFALL_ROWS = 10
# A request of the future interface (docs/facts/focus-server.md 3.8), which counts channels from 0.
_TASK = {
    "displayTimeAxisDuration": 10,
    "nfftSelection": 1024,
    "canvasInfo": {"height": 1000},
    "sensors": {"min": 0, "max": 49},
    "frequencyRange": {"min": 0, "max": 500},
    "start_time": None,
    "end_time": None,
}


@dataclass(frozen=True)
class Reading:
    """An answer, and a function that returns what is wrong with its form, or None."""

    answer: Answer
    trouble: Callable[[Answer], str | None]


class Metadata:
    """Reads what the server knows; opens no investigation."""

    def __init__(self, client: FocusServerClient, cluster: KubernetesClient, limits: Limits) -> None:
        self._client = client
        self._cluster = cluster
        self._limits = limits

    def when_ready(self, job_id: str) -> Answer:
        """Wait until the server has the metadata of an open investigation, and return the answer."""
        return waits.until(
            lambda: self._client.metadata(job_id),
            is_answered(),
            within_s=self._limits.metadata_ready_s,
            what=f"the metadata of job {job_id}",
        )

    def read(self, job_id: str) -> Reading:
        return Reading(self.when_ready(job_id), is_an_investigation)

    def ask_for_unknown(self) -> Attempt:
        """Request the metadata of a job id that was never assigned."""
        before = self._cluster.snapshot().job_ids
        return Attempt({}, self._client.metadata(UNKNOWN_JOB_ID), before)

    def configure_task(self) -> tuple[str, Reading]:
        """Configure a live task under a new name. Returns the name and the answer."""
        task = f"focus-acceptance-{secrets.token_hex(4)}"
        return task, Reading(self._client.request("POST", f"/config/{task}", body=_TASK), names(task))

    def rows_of(self, task: str) -> Reading:
        return self._reading(f"/waterfall/{task}/{WATERFALL_ROWS}", has_rows_of_a_waterfall)

    def of_task(self, task: str) -> Reading:
        return self._reading(f"/metadata/{task}", describes_a_task)

    def _reading(self, path: str, mismatch: Callable[[Answer], str | None]) -> Reading:
        return Reading(self._client.request("GET", path), mismatch)
