"""The finalizer of job pods: no pod is removed before the job controller has counted it."""

from __future__ import annotations

from collections.abc import Iterable

from environments.sandbox.kubernetes.controllers.meta import Key, Object, controller_of, is_finished, key_of
from environments.sandbox.kubernetes.controllers.runner import Controller
from environments.sandbox.kubernetes.store.object_store import Change

TRACKING = "batch.kubernetes.io/job-tracking"


class JobPods(Controller):
    """Removes the finalizer from pods that have finished, that the kubelet has released, or that have no job.

    This controller runs after the job controller, which counts a pod as soon as it has finished or is being deleted.
    """

    watches = frozenset({"pods"})

    def changed(self, change: Change) -> Iterable[Key]:
        return (key_of(change.object),) if change.type != "DELETED" and _is_tracked(change.object) else ()

    def reconcile(self, key: Key) -> None:
        pod = self.store.find("pods", key[1], key[0])
        if pod is not None and _is_tracked(pod) and self._is_done_with(pod):
            self.store.mutate("pods", key[1], key[0], _let_go)

    def _is_done_with(self, pod: Object) -> bool:
        if is_finished(pod) or pod["metadata"].get("deletionGracePeriodSeconds") == 0:
            return True
        owner = controller_of(pod, "Job")
        job = self.store.find("jobs", owner[0][1], owner[0][0]) if owner is not None else None
        return job is None or owner is None or job["metadata"]["uid"] != owner[1]


def _is_tracked(pod: Object) -> bool:
    return TRACKING in pod["metadata"].get("finalizers", ())


def _let_go(pod: Object) -> None:
    left = [each for each in pod["metadata"]["finalizers"] if each != TRACKING]
    if left:
        pod["metadata"]["finalizers"] = left
    else:
        del pod["metadata"]["finalizers"]
