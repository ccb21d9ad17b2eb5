"""What the server tells of an open investigation, and of a task of the future interface."""

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

# Slots are a few hundred at most: nobody has ever been given this one.
UNKNOWN_JOB_ID = "99999-1"
WATERFALL_ROWS = 10
# What the future interface takes (docs/facts/focus-server.md 3.8); channels are counted from 0 there.
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
    """An answer, and what is wrong with its form; None when nothing is."""

    answer: Answer
    trouble: Callable[[Answer], str | None]


class Metadata:
    """Reads what the server knows; opens nothing."""

    def __init__(self, client: FocusServerClient, cluster: KubernetesClient, limits: Limits) -> None:
        self._client = client
        self._cluster = cluster
        self._limits = limits

    def when_ready(self, job_id: str) -> Answer:
        """The metadata of an open investigation, as soon as the server has them."""
        return waits.until(
            lambda: self._client.metadata(job_id),
            is_answered(),
            within_s=self._limits.metadata_ready_s,
            what=f"the metadata of job {job_id}",
        )

    def read(self, job_id: str) -> Reading:
        return Reading(self.when_ready(job_id), is_an_investigation)

    def ask_for_unknown(self) -> Attempt:
        """Ask for a job id that was never given."""
        before = self._cluster.snapshot().job_ids
        return Attempt({}, self._client.metadata(UNKNOWN_JOB_ID), before)

    def configure_task(self) -> tuple[str, Reading]:
        """Configure a live task under a new name; the name, and the answer."""
        task = f"focus-acceptance-{secrets.token_hex(4)}"
        return task, Reading(self._client.request("POST", f"/config/{task}", body=_TASK), names(task))

    def rows_of(self, task: str) -> Reading:
        return self._reading(f"/waterfall/{task}/{WATERFALL_ROWS}", has_rows_of_a_waterfall)

    def of_task(self, task: str) -> Reading:
        return self._reading(f"/metadata/{task}", describes_a_task)

    def _reading(self, path: str, trouble: Callable[[Answer], str | None]) -> Reading:
        return Reading(self._client.request("GET", path), trouble)
