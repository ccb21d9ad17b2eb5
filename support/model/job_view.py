"""One investigation as the cluster shows it at one moment."""

from __future__ import annotations

from dataclasses import dataclass

from support.clients.kubernetes.client import Job, Pod, Service


@dataclass(frozen=True)
class JobView:
    """Everything known about one investigation in the cluster at one moment.

    ``pods`` are those of the job itself that exist now; ``phases`` and ``pod_names`` cover all its pods that the watch
    has ever seen. ``outcome`` is the end condition ("Complete" or "Failed") and ``reason`` its reason, also after the
    job is gone. ``ended`` is the job as it was with that condition.
    """

    job_id: str
    job: Job | None
    pods: tuple[Pod, ...]
    service: Service | None
    phases: frozenset[str]
    pod_names: tuple[str, ...]
    restarts: int
    outcome: str | None
    reason: str
    traces: tuple[str, ...]
    ended: Job | None = None

    @property
    def pod(self) -> Pod:
        """Return the only pod. Raises :class:`AssertionError` if the job has none or more than one."""
        if len(self.pods) != 1:
            raise AssertionError(f"job {self.job_id} has {len(self.pods)} pods instead of one: {self}")
        return self.pods[0]

    def __str__(self) -> str:
        if self.outcome:
            return f"job {self.job_id} is {self.outcome}: {self.reason or 'no reason given'}"
        if not self.pods:
            return f"job {self.job_id} has {'no pod' if self.job else 'neither a job object nor a pod'} in the cluster"
        return "; ".join(f"job {self.job_id} is {describe(pod)}" for pod in self.pods)


def describe(pod: Pod) -> str:
    """Describe the state of a pod in words, with the reason for waiting if it has one."""
    scheduled = pod.conditions.get("PodScheduled")
    why = pod.waiting_reason or (scheduled.message if scheduled and scheduled.status == "False" else "")
    return f"{pod.phase}{': ' + why if why else ''}{' on ' + pod.node if pod.node else ''}"
