"""The job controller: starts the pods of jobs and reports how the jobs ended."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from environments.sandbox.kubernetes.controllers import cascade_broken, job_indexes, job_status
from environments.sandbox.kubernetes.controllers.job_pods import TRACKING
from environments.sandbox.kubernetes.controllers.job_status import FAILED, SUCCEEDED, SUSPENDED, End, Tally
from environments.sandbox.kubernetes.controllers.meta import (
    MOST_PODS_AT_ONCE,
    Key,
    Object,
    controller_of,
    is_active,
    is_finished,
    is_leaving,
    is_true,
    key_of,
    now,
    owned,
    pod_from,
    set_condition,
)
from environments.sandbox.kubernetes.controllers.pace import Pace
from environments.sandbox.kubernetes.controllers.runner import Controller, Runner
from environments.sandbox.kubernetes.store.object_store import ApiError, Change

COMPONENT = "job-controller"
NEVER_FINISHES = "job-never-finishes"
NOT_REPORTED = "failed-job-not-reported"
NOT_ACTIVE = "job-not-active"
STILL_ACTIVE = "ended-job-still-active"
SLOW_PACE = "job-controller-slow"
_FAULTS = frozenset({NEVER_FINISHES, NOT_REPORTED, NOT_ACTIVE, STILL_ACTIVE, cascade_broken.FAULT, SLOW_PACE})
_SLOW_PODS_PER_S = 10.0
"""The pace under ``job-controller-slow``. It is not scaled, because what it delays is not scaled either."""
_REQUESTS_FOR_A_POD = 3
"""One each for the pod, its event and the status of its job."""
_SECOND_STEP_S = 1.0
"""The time between the two steps in which a job ends, during which the controller collects changes."""


class Jobs(Controller):
    """Keeps a tally for every job, because pods that no longer exist still count."""

    watches = frozenset({"jobs", "pods"})

    def __init__(self, runner: Runner) -> None:
        super().__init__(runner)
        settings = self.process.config["settings"]
        self._version = self.store.version
        self._tallies: dict[str, Tally] = {}
        self._pace = Pace(settings["controller_qps"] / self.process.time_scale, settings["controller_burst"])
        self._slow_pace = Pace(_SLOW_PODS_PER_S, 1)

    def changed(self, change: Change) -> Iterable[Key]:
        if change.plural == "jobs":
            if change.type == "DELETED":
                self._tallies.pop(change.object["metadata"]["uid"], None)
                return ()
            return (key_of(change.object),)
        owner = controller_of(change.object, "Job")
        if owner is None:
            return ()
        key, uid = owner
        if change.type == "DELETED" and uid in self._tallies:
            self._note(self._tallies[uid], change.object, gone=True)
        return (key,)

    def faults_changed(self, switched_on: frozenset[str], switched_off: frozenset[str]) -> Iterable[Key]:
        if cascade_broken.FAULT in switched_on | switched_off:
            cascade_broken.hold_pods(self.store, cascade_broken.FAULT in switched_on)
        return [key_of(job) for job in self.store.list("jobs")] if (switched_on | switched_off) & _FAULTS else ()

    def reconcile(self, key: Key) -> None:
        job = self.store.find("jobs", key[1], key[0])
        if job is None or is_leaving(job):
            return
        tally = self._tallies.setdefault(job["metadata"]["uid"], Tally())
        if job_status.is_job_finished(job):
            self._write(job, tally)  # keep the counts correct while its pods are removed
            return
        pods = owned(self.store, "pods", job)
        for pod in pods:
            self._note(tally, pod)
        if tally.end is not None:
            self._finish(job, pods, tally, tally.end)
        else:
            self._advance(job, pods, tally)

    def _advance(self, job: Object, pods: list[Object], tally: Tally) -> None:
        spec, active = job["spec"], [pod for pod in pods if is_active(pod)]
        if spec.get("suspend"):
            self._suspend(job, active, tally)
            return
        time_s = asyncio.get_running_loop().time()
        tally.started_s = time_s if tally.started_s is None else tally.started_s
        failure = self._failure(job, tally, time_s)
        if failure is not None:
            self._remove(job, active, tally, counts_as=FAILED)
            self._finish(job, pods, tally, failure)
            return
        given_up = tally.given_up(job)
        left = spec.get("completions", 1) - tally.count(SUCCEEDED) - len(given_up)
        if left <= 0:
            self._finish(job, pods, tally, job_status.FAILED_INDEXES if given_up else job_status.COMPLETED)
        else:
            wanted = min(spec.get("parallelism", 1), left)
            self._remove(job, active[wanted:], tally)
            self._start(job, wanted - len(active), active, tally, time_s)
            self._write(job, tally)

    def _failure(self, job: Object, tally: Tally, time_s: float) -> End | None:
        if tally.count(FAILED) > job["spec"].get("backoffLimit", 6):
            return job_status.BACKOFF
        deadline_s = job["spec"].get("activeDeadlineSeconds")
        if deadline_s is not None and tally.started_s is not None:
            left_s = tally.started_s + self.process.scaled(deadline_s) - time_s
            if left_s <= 0:
                return job_status.DEADLINE
            self.again_after(key_of(job), left_s)
        return None

    def _start(self, job: Object, missing: int, active: list[Object], tally: Tally, time_s: float) -> None:
        if missing <= 0:
            return
        missing = min(missing, MOST_PODS_AT_ONCE)
        left_s = self._start_at_s(missing, tally, time_s) - time_s
        if left_s > 0:
            self.again_after(key_of(job), left_s)
            return
        tally.turn_s = None
        for index in job_indexes.free(job, active, tally.done | tally.given_up(job), missing):
            try:
                pod = self.store.create("pods", self._pod(job, index), job["metadata"]["namespace"])
            except ApiError as error:
                tally.refusals += 1
                wait_s = self.process.scaled(self._version.after_refused_pod.after(tally.refusals))
                tally.refused_until_s = time_s + wait_s
                self.again_after(key_of(job), wait_s)
                self.recorder.warning(COMPONENT, "jobs", job, "FailedCreate", f"Error creating: {error.message}")
                return
            tally.refusals = 0
            self.recorder.normal(COMPONENT, "jobs", job, "SuccessfulCreate", f"Created pod: {pod['metadata']['name']}")

    def _start_at_s(self, pods: int, tally: Tally, time_s: float) -> float:
        """Return the time when the next pods may be created: after the job's back-off and at the controller's pace."""
        failures = tally.count(FAILED)
        wait_s = self.process.scaled(self._version.after_failed_pod.after(failures)) if failures else 0.0
        at_s = max(tally.refused_until_s, tally.failed_last_s + wait_s)
        if at_s > time_s:
            return at_s
        slow = self.process.fault(SLOW_PACE)
        if not slow and not self._pace.is_limited:
            return time_s
        if tally.turn_s is None:
            slow_s = self._slow_pace.reserve(pods, time_s) if slow else time_s
            tally.turn_s = max(slow_s, self._pace.reserve(pods * _REQUESTS_FOR_A_POD, time_s))
        return tally.turn_s

    def _pod(self, job: Object, index: int | None) -> Object:
        pod = pod_from(job["spec"]["template"], "jobs", job)
        pod = pod if index is None else job_indexes.numbered(pod, index)
        pod["metadata"]["finalizers"] = [TRACKING]
        if self.process.fault(cascade_broken.FAULT):
            pod["metadata"]["ownerReferences"].append(cascade_broken.second_owner(self.store))
        return pod

    def _remove(self, job: Object, pods: list[Object], tally: Tally, counts_as: str = SUSPENDED) -> None:
        """Delete pods. By default they are surplus and do not count as failed."""
        for pod in pods:
            namespace, name = key_of(pod)
            tally.ends.setdefault(pod["metadata"]["uid"], counts_as)
            self.store.delete("pods", name, namespace)
            self.recorder.normal(COMPONENT, "jobs", job, "SuccessfulDelete", f"Deleted pod: {name}")

    def _suspend(self, job: Object, active: list[Object], tally: Tally) -> None:
        tally.started_s = None
        self._remove(job, active, tally)
        self._write(job, tally)

    def _finish(self, job: Object, pods: list[Object], tally: Tally, end: End) -> None:
        """End the job, in two steps if the version has them. The second follows once all its pods have finished."""
        if self.process.fault(NOT_REPORTED if end.failed else NEVER_FINISHES):
            self._write(job, tally)
            return
        time_s = asyncio.get_running_loop().time()
        if self._version.ends_jobs_in_two_steps:
            if tally.end is None:
                tally.end, tally.end_s = end, time_s + self.process.scaled(_SECOND_STEP_S)
                self._write(job, tally, end.first_step)
            if time_s < tally.end_s:
                self.again_after(key_of(job), tally.end_s - time_s)
                return
            if not all(is_finished(pod) for pod in owned(self.store, "pods", job)):
                return
        tally.end = end
        self._write(job, tally, end.last_step(self._version))
        if end.failed:
            self.recorder.warning(COMPONENT, "jobs", job, end.reason, end.message)
        else:
            self.recorder.normal(COMPONENT, "jobs", job, "Completed", "Job completed")

    def _write(self, job: Object, tally: Tally, step: job_status.Step | None = None) -> None:
        job = self.store.find("jobs", job["metadata"]["name"], job["metadata"]["namespace"]) or job
        pods, hide_active = owned(self.store, "pods", job), self.process.fault(NOT_ACTIVE)
        status = job_status.numbers(job, pods, tally, hide_active, self._version)
        if tally.ends and self.process.fault(STILL_ACTIVE):
            status["active"] = len(tally.ends)
        if job["spec"].get("suspend"):
            set_condition(status, "Suspended", "True", "JobSuspended", "Job suspended")
            status.pop("startTime", None)
        else:
            if is_true(job, "Suspended"):
                set_condition(status, "Suspended", "False", "JobResumed", "Job resumed")
            status.setdefault("startTime", now())
        if step is not None:
            step(status)
        if status != job["status"]:
            namespace, name = key_of(job)
            self.store.mutate("jobs", name, namespace, lambda new: new.update(status=status))

    def _note(self, tally: Tally, pod: Object, gone: bool = False) -> None:
        if tally.note(pod, gone):
            tally.failed_last_s = asyncio.get_running_loop().time()
