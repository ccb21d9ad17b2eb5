"""The TTL controller: removes finished jobs after their ``ttlSecondsAfterFinished``."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from environments.sandbox.kubernetes.controllers.job_status import is_job_finished
from environments.sandbox.kubernetes.controllers.meta import Key, is_leaving, key_of
from environments.sandbox.kubernetes.controllers.runner import Controller, Runner
from environments.sandbox.kubernetes.store.object_store import Change


class JobTtl(Controller):
    """Counts ``ttlSecondsAfterFinished`` from the time when this controller saw the end of the job."""

    watches = frozenset({"jobs"})

    def __init__(self, runner: Runner) -> None:
        super().__init__(runner)
        self._finished_s: dict[str, float] = {}

    def changed(self, change: Change) -> Iterable[Key]:
        if change.type == "DELETED":
            self._finished_s.pop(change.object["metadata"]["uid"], None)
            return ()
        return (key_of(change.object),) if is_job_finished(change.object) else ()

    def reconcile(self, key: Key) -> None:
        job = self.store.find("jobs", key[1], key[0])
        ttl_s = None if job is None else job["spec"].get("ttlSecondsAfterFinished")
        if job is None or ttl_s is None or is_leaving(job) or not is_job_finished(job):
            return
        time_s = asyncio.get_running_loop().time()
        left_s = self._finished_s.setdefault(job["metadata"]["uid"], time_s) + self.process.scaled(ttl_s) - time_s
        if left_s > 0:
            self.again_after(key, left_s)
        else:
            self.store.delete("jobs", key[1], key[0], propagation="Background")
