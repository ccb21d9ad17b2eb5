"""The status of a job, computed from its pods."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from environments.sandbox.kubernetes.controllers.job_indexes import index_of, written
from environments.sandbox.kubernetes.controllers.meta import (
    Object,
    is_active,
    is_finished,
    is_leaving,
    is_ready,
    is_true,
    now,
    set_condition,
)
from environments.sandbox.kubernetes.store.objects import dig
from environments.sandbox.shared.kubernetes_versions import KubernetesVersion

SUCCEEDED, FAILED, SUSPENDED = "succeeded", "failed", "suspended"

Step = Callable[[Object], None]
"""Writes one step of a job's end into its status."""


@dataclass(frozen=True)
class End:
    """One way for a job to end, with the reason and message of its conditions."""

    failed: bool
    reason: str
    message: str

    def first_step(self, status: Object) -> None:
        kind = "FailureTarget" if self.failed else "SuccessCriteriaMet"
        set_condition(status, kind, "True", self.reason, self.message)

    def last_step(self, version: KubernetesVersion) -> Step:
        told = self.failed or version.ends_jobs_in_two_steps  # older versions set no reason on a complete job

        def write(status: Object) -> None:
            why = (self.reason, self.message) if told else ()
            set_condition(status, "Failed" if self.failed else "Complete", "True", *why)
            if not self.failed:
                status["completionTime"] = now()

        return write


BACKOFF = End(True, "BackoffLimitExceeded", "Job has reached the specified backoff limit")
DEADLINE = End(True, "DeadlineExceeded", "Job was active longer than specified deadline")
FAILED_INDEXES = End(True, "FailedIndexes", "Job has failed indexes")
COMPLETED = End(False, "CompletionsReached", "Reached expected number of succeeded pods")


@dataclass
class Tally:
    """The outcome of each pod of a job, by uid. Pods that no longer exist still count."""

    ends: dict[str, str] = field(default_factory=dict)
    done: set[int] = field(default_factory=set)
    """The indexes of an Indexed job that have succeeded."""
    failures: Counter[int] = field(default_factory=Counter)
    """The number of failures of each index."""
    started_s: float | None = None
    failed_last_s: float = 0.0
    turn_s: float | None = None
    """The time reserved for the creation of the job's next pods."""
    refusals: int = 0
    """The number of consecutive failures to create a pod."""
    refused_until_s: float = 0.0
    end: End | None = None
    end_s: float = 0.0
    """The earliest time for the second step of the job's end."""

    def note(self, pod: Mapping[str, Any], gone: bool = False) -> bool:
        """Count ``pod`` if it has finished or is being deleted. Returns True if that is a new failure."""
        uid, phase = pod["metadata"]["uid"], dig(pod, "status", "phase")
        if uid in self.ends:
            return False
        if phase == "Succeeded":
            self.ends[uid] = SUCCEEDED
            if (index := index_of(pod)) is not None:
                self.done.add(index)
        elif phase == "Failed" or gone or is_leaving(pod):
            self.ends[uid] = FAILED
            if (index := index_of(pod)) is not None:
                self.failures[index] += 1
            return True
        return False

    def given_up(self, job: Mapping[str, Any]) -> set[int]:
        """Return the indexes that have failed too often; none if the job has no limit per index."""
        limit = dig(job, "spec", "backoffLimitPerIndex")
        return set() if limit is None else {index for index, failed in self.failures.items() if failed > limit}

    def count(self, end: str) -> int:
        return Counter(self.ends.values())[end]


def is_job_finished(job: Mapping[str, Any]) -> bool:
    return is_true(job, "Complete") or is_true(job, "Failed")


def numbers(
    job: Mapping[str, Any], pods: list[Object], tally: Tally, hide_active: bool, version: KubernetesVersion
) -> Object:
    """Return the status of ``job`` with current counts. Counts of zero are left out, as the API server does."""
    status: Object = {**job.get("status", {}), "uncountedTerminatedPods": {}}
    active = [pod for pod in pods if is_active(pod)]
    counts = {
        "active": 0 if hide_active else len(active),
        SUCCEEDED: tally.count(SUCCEEDED),
        FAILED: tally.count(FAILED),
    }
    for name, count in counts.items():
        if count:
            status[name] = count
        else:
            status.pop(name, None)
    if tally.done:
        status["completedIndexes"] = written(tally.done)
    if given_up := tally.given_up(job):
        status["failedIndexes"] = written(given_up)
    status["ready"] = sum(is_ready(pod) for pod in active)
    if version.has_replacement_policy:
        status["terminating"] = sum(is_leaving(pod) and not is_finished(pod) for pod in pods)
    if "conditions" in status:
        status["conditions"] = [dict(each) for each in status["conditions"]]
    return status
