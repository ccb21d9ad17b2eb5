"""What a job's status says, computed from its pods."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from environments.sandbox.kubernetes.controllers.meta import (
    Object,
    is_active,
    is_leaving,
    is_ready,
    is_true,
    now,
    set_condition,
)
from environments.sandbox.kubernetes.store.objects import dig

SUCCEEDED, FAILED, SUSPENDED = "succeeded", "failed", "suspended"
BACKOFF = ("BackoffLimitExceeded", "Job has reached the specified backoff limit")
DEADLINE = ("DeadlineExceeded", "Job was active longer than specified deadline")
_COMPLETE = ("CompletionsReached", "Reached expected number of succeeded pods")


@dataclass
class Tally:
    """How each pod of a job ended, by uid: a pod that is gone still counts."""

    ends: dict[str, str] = field(default_factory=dict)
    started_s: float | None = None
    finished_s: float | None = None
    failed_last_s: float = 0.0
    turn_s: float | None = None
    """When a slow controller will start its pod."""

    def note(self, pod: Mapping[str, Any], gone: bool = False) -> bool:
        """Count ``pod`` if it has ended or is asked to; True when that is a new failure."""
        uid, phase = pod["metadata"]["uid"], dig(pod, "status", "phase")
        if uid in self.ends:
            return False
        if phase == "Succeeded":
            self.ends[uid] = SUCCEEDED
        elif phase == "Failed" or gone or is_leaving(pod):
            self.ends[uid] = FAILED
            return True
        return False

    def count(self, end: str) -> int:
        return Counter(self.ends.values())[end]


def is_job_finished(job: Mapping[str, Any]) -> bool:
    return is_true(job, "Complete") or is_true(job, "Failed")


def numbers(job: Mapping[str, Any], pods: list[Object], tally: Tally, hide_active: bool) -> Object:
    """The status of ``job`` with its counts as they are now; zero counts are absent as the API server leaves them."""
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
    status["ready"] = sum(is_ready(pod) for pod in active)
    status["terminating"] = sum(is_leaving(pod) for pod in pods)
    if "conditions" in status:
        status["conditions"] = [dict(each) for each in status["conditions"]]
    return status


def complete(status: Object) -> None:
    set_condition(status, "SuccessCriteriaMet", "True", *_COMPLETE)
    set_condition(status, "Complete", "True", *_COMPLETE)
    status["completionTime"] = now()


def fail(status: Object, reason: str, message: str) -> None:
    set_condition(status, "FailureTarget", "True", reason, message)
    set_condition(status, "Failed", "True", reason, message)
