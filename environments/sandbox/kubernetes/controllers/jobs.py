"""The job controller: starts the pods of jobs, tells how they ended, removes finished jobs after their time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from environments.sandbox.kubernetes.controllers import job_status
from environments.sandbox.kubernetes.controllers.job_status import FAILED, SUCCEEDED, SUSPENDED, Tally
from environments.sandbox.kubernetes.controllers.meta import (
    Key,
    Object,
    controller_of,
    is_active,
    is_leaving,
    is_true,
    key_of,
    now,
    owned,
    owner_reference,
    pod_from,
    set_condition,
)
from environments.sandbox.kubernetes.controllers.runner import Controller, Runner
from environments.sandbox.kubernetes.store.object_store import ApiError, Change

COMPONENT = "job-controller"
NEVER_FINISHES = "job-never-finishes"
NOT_REPORTED = "failed-job-not-reported"
NOT_ACTIVE = "job-not-active"
CASCADE_BROKEN = "cascade-broken"
SLOW_PACE = "job-controller-slow"
_FAULTS = frozenset({NEVER_FINISHES, NOT_REPORTED, NOT_ACTIVE, CASCADE_BROKEN, SLOW_PACE})
_SLOW_PODS_PER_S = 10.0
"""With ``job-controller-slow``; not scaled, as what it delays is not."""
_RETRY_S, _LONGEST_RETRY_S = 10.0, 360.0


class Jobs(Controller):
    """Also the TTL controller, as both live from the end of a job."""

    watches = frozenset({"jobs", "pods", "resourcequotas"})

    def __init__(self, runner: Runner) -> None:
        super().__init__(runner)
        self._tallies: dict[str, Tally] = {}
        self._refused: dict[Key, None] = {}
        self._next_pod_s = 0.0

    def changed(self, change: Change) -> Iterable[Key]:
        if change.plural == "resourcequotas":
            before = change.previous or {}
            same = change.type == "MODIFIED" and before.get("spec") == change.object.get("spec")
            return () if same else list(self._refused)  # what is used less is told by whoever uses it no more
        if change.plural == "jobs":
            if change.type == "DELETED":
                self._tallies.pop(change.object["metadata"]["uid"], None)
                return list(self._refused)
            return (key_of(change.object),)
        owner = controller_of(change.object, "Job")
        if owner is None:
            return ()
        key, uid = owner
        gone = change.type == "DELETED"
        if gone and uid in self._tallies:
            self._note(self._tallies[uid], change.object, gone=True)
        return (key, *self._refused) if gone else (key,)

    def faults_changed(self, switched_on: frozenset[str], switched_off: frozenset[str]) -> Iterable[Key]:
        if CASCADE_BROKEN in switched_on | switched_off:
            self._hold_pods(CASCADE_BROKEN in switched_on)
        return [key_of(job) for job in self.store.list("jobs")] if (switched_on | switched_off) & _FAULTS else ()

    def reconcile(self, key: Key) -> None:
        job = self.store.find("jobs", key[1], key[0])
        if job is None or is_leaving(job):
            self._refused.pop(key, None)
            return
        tally = self._tallies.setdefault(job["metadata"]["uid"], Tally())
        if job_status.is_job_finished(job):
            self._expire(job, tally)
            return
        pods = owned(self.store, "pods", job)
        for pod in pods:
            self._note(tally, pod)
        self._advance(job, pods, tally)

    def _advance(self, job: Object, pods: list[Object], tally: Tally) -> None:
        spec, active = job["spec"], [pod for pod in pods if is_active(pod)]
        if spec.get("suspend"):
            self._suspend(job, active, tally)
            return
        time_s = asyncio.get_running_loop().time()
        tally.started_s = time_s if tally.started_s is None else tally.started_s
        end = self._failure(job, tally, time_s)
        if end is not None:
            self._remove(job, active, tally)
            self._finish(job, tally, NOT_REPORTED, *end)
        elif tally.count(SUCCEEDED) >= spec.get("completions", 1):
            self._finish(job, tally, NEVER_FINISHES)
        else:
            wanted = min(spec.get("parallelism", 1), spec.get("completions", 1) - tally.count(SUCCEEDED))
            self._remove(job, active[wanted:], tally)
            self._start(job, wanted - len(active), tally, time_s)
            self._write(job, tally)

    def _failure(self, job: Object, tally: Tally, time_s: float) -> tuple[str, str] | None:
        if tally.count(FAILED) > job["spec"].get("backoffLimit", 6):
            return job_status.BACKOFF
        deadline_s = job["spec"].get("activeDeadlineSeconds")
        if deadline_s is not None and tally.started_s is not None:
            left_s = tally.started_s + self.process.scaled(deadline_s) - time_s
            if left_s <= 0:
                return job_status.DEADLINE
            self.again_after(key_of(job), left_s)
        return None

    def _start(self, job: Object, missing: int, tally: Tally, time_s: float) -> None:
        if missing <= 0:
            return
        failures = tally.count(FAILED)
        if failures:
            wait_s = self.process.scaled(min(_RETRY_S * 2.0 ** (failures - 1), _LONGEST_RETRY_S))
            left_s = tally.failed_last_s + wait_s - time_s
            if left_s > 0:
                self.again_after(key_of(job), left_s)
                return
        if self.process.fault(SLOW_PACE) and not self._is_its_turn(job, tally, time_s):
            return
        for _ in range(missing):
            try:
                pod = self.store.create("pods", self._pod(job), job["metadata"]["namespace"])
            except ApiError as error:
                self._refused[key_of(job)] = None
                self.recorder.warning(COMPONENT, "jobs", job, "FailedCreate", f"Error creating: {error.message}")
                return
            self._refused.pop(key_of(job), None)
            self.recorder.normal(COMPONENT, "jobs", job, "SuccessfulCreate", f"Created pod: {pod['metadata']['name']}")

    def _is_its_turn(self, job: Object, tally: Tally, time_s: float) -> bool:
        """One pod after the other at a steady pace, in the order in which the jobs came."""
        if tally.turn_s is None:
            tally.turn_s = self._next_pod_s = max(time_s, self._next_pod_s + 1 / _SLOW_PODS_PER_S)
        if tally.turn_s > time_s:
            self.again_after(key_of(job), tally.turn_s - time_s)
        return tally.turn_s <= time_s

    def _pod(self, job: Object) -> Object:
        pod = pod_from(job["spec"]["template"], "jobs", job)
        if self.process.fault(CASCADE_BROKEN):
            pod["metadata"]["ownerReferences"].append(self._second_owner())
        return pod

    def _remove(self, job: Object, pods: list[Object], tally: Tally) -> None:
        """End pods the job itself no longer wants: that is not a failure of theirs."""
        for pod in pods:
            namespace, name = key_of(pod)
            tally.ends.setdefault(pod["metadata"]["uid"], SUSPENDED)
            self.store.delete("pods", name, namespace)
            self.recorder.normal(COMPONENT, "jobs", job, "SuccessfulDelete", f"Deleted pod: {name}")

    def _suspend(self, job: Object, active: list[Object], tally: Tally) -> None:
        tally.started_s = None
        self._remove(job, active, tally)
        self._write(job, tally)

    def _finish(self, job: Object, tally: Tally, hidden_by: str, reason: str = "", message: str = "") -> None:
        if self.process.fault(hidden_by):
            self._write(job, tally)
            return
        tally.finished_s = asyncio.get_running_loop().time()
        self._write(job, tally, (reason, message))
        if reason:
            self.recorder.warning(COMPONENT, "jobs", job, reason, message)
        else:
            self.recorder.normal(COMPONENT, "jobs", job, "Completed", "Job completed")

    def _write(self, job: Object, tally: Tally, end: tuple[str, str] | None = None) -> None:
        status = job_status.numbers(job, owned(self.store, "pods", job), tally, self.process.fault(NOT_ACTIVE))
        if job["spec"].get("suspend"):
            set_condition(status, "Suspended", "True", "JobSuspended", "Job suspended")
            status.pop("startTime", None)
        else:
            if is_true(job, "Suspended"):
                set_condition(status, "Suspended", "False", "JobResumed", "Job resumed")
            status.setdefault("startTime", now())
        if end is not None and end[0]:
            job_status.fail(status, *end)
        elif end is not None:
            job_status.complete(status)
        if status != job["status"]:
            namespace, name = key_of(job)
            self.store.mutate("jobs", name, namespace, lambda new: new.update(status=status))

    def _expire(self, job: Object, tally: Tally) -> None:
        """Keep the counts of a finished job right, and remove it when its time is over."""
        self._write(job, tally)
        ttl_s = job["spec"].get("ttlSecondsAfterFinished")
        if ttl_s is None:
            return
        time_s = asyncio.get_running_loop().time()
        tally.finished_s = time_s if tally.finished_s is None else tally.finished_s
        left_s = tally.finished_s + self.process.scaled(ttl_s) - time_s
        if left_s > 0:
            self.again_after(key_of(job), left_s)
        else:
            self.store.delete("jobs", job["metadata"]["name"], job["metadata"]["namespace"], propagation="Background")

    def _note(self, tally: Tally, pod: Object, gone: bool = False) -> None:
        if tally.note(pod, gone):
            tally.failed_last_s = asyncio.get_running_loop().time()

    def _hold_pods(self, hold: bool) -> None:
        """``cascade-broken``: a second owner keeps the pods when their job goes; what was kept goes with the fault."""
        second = self._second_owner()
        for pod in self.store.list("pods"):
            owner = controller_of(pod, "Job")
            if owner is None:
                continue
            (namespace, name), uid = owner
            job = self.store.find("jobs", name, namespace)
            key = key_of(pod)
            if not hold and (job is None or job["metadata"]["uid"] != uid):
                self.store.delete("pods", key[1], key[0])
                continue
            owners = [each for each in pod["metadata"]["ownerReferences"] if each["uid"] != second["uid"]]
            owners += [second] if hold else []
            self.store.mutate("pods", key[1], key[0], _owned_by(owners))

    def _second_owner(self) -> Object:
        node = self.store.list("nodes")[0]
        return {**owner_reference("nodes", node), "controller": False, "blockOwnerDeletion": False}


def _owned_by(owners: list[Object]) -> Callable[[Object], None]:
    return lambda pod: pod["metadata"].update(ownerReferences=owners)
