"""Faults that become visible when a part of the product is stopped or crashes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from environments.sandbox.kubernetes.controllers.meta import JOB_NAME_LABEL, Key, Object, key_of
from environments.sandbox.kubernetes.controllers.runner import Controller
from environments.sandbox.kubernetes.store.object_store import Admission, Change
from environments.sandbox.shared.process import SandboxProcess

REPLACED_LATE = "crashed-part-replaced-late"
RENAMED = "replacement-renamed"
FORGOTTEN = "replica-count-forgotten"
ENDS_JOBS = "outage-ends-open-jobs"
_JOB = "grpc-job-"
_LATE_S = 7.0
"""Not scaled. Longer than a replacement may take, including the start of its process (5.2 s in the sandbox), and short
enough for the cleanup that restores the site afterwards."""


class Lateness:
    """While :data:`REPLACED_LATE` is on, delays the creation of a workload's missing pod."""

    def __init__(self, process: SandboxProcess) -> None:
        self._process = process
        self._missed_at_s: dict[Key, float] = {}

    def wait_s(self, key: Key) -> float:
        """Return the seconds until the workload's pod may be created; 0 if it may be created now."""
        if not self._process.fault(REPLACED_LATE):
            self._missed_at_s.clear()
            return 0.0
        now_s = asyncio.get_running_loop().time()
        left_s = self._missed_at_s.setdefault(key, now_s) + _LATE_S - now_s
        if left_s <= 0:
            del self._missed_at_s[key]
        return max(left_s, 0.0)


class OutageFaults(Controller):
    """While :data:`ENDS_JOBS` is on, the jobs of investigations end as soon as a workload is scaled to zero."""

    watches = frozenset({"deployments", "statefulsets"})

    def changed(self, change: Change) -> Iterable[Key]:
        stopped = change.type == "MODIFIED" and change.object["spec"]["replicas"] == 0
        return (key_of(change.object),) if stopped and self.process.fault(ENDS_JOBS) else ()

    def reconcile(self, key: Key) -> None:
        for pod in self.store.list("pods"):
            if pod["metadata"].get("labels", {}).get(JOB_NAME_LABEL, "").startswith(_JOB):
                self.store.delete("pods", pod["metadata"]["name"], pod["metadata"]["namespace"])


def forget_replicas(process: SandboxProcess) -> Admission:
    """While :data:`FORGOTTEN` is on, a workload that is scaled up from zero gets one replica too many."""

    def admit(verb: str, plural: str, new: Object, old: Object | None) -> None:
        if old is None or verb != "update" or plural not in ("deployments", "statefulsets"):
            return
        if process.fault(FORGOTTEN) and old["spec"]["replicas"] == 0 < new["spec"]["replicas"]:
            new["spec"]["replicas"] += 1

    return admit
