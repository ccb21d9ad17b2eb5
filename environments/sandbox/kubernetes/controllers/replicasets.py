"""The replica set controller: it keeps the requested number of pods, each under a new name."""

from __future__ import annotations

from collections.abc import Iterable

from environments.sandbox.kubernetes.controllers.meta import (
    MOST_PODS_AT_ONCE,
    Key,
    Object,
    controller_of,
    is_active,
    is_leaving,
    is_ready,
    key_of,
    owned,
    pod_from,
)
from environments.sandbox.kubernetes.controllers.outage_faults import REPLACED_LATE, Lateness
from environments.sandbox.kubernetes.controllers.runner import Controller, Runner
from environments.sandbox.kubernetes.store.object_store import ApiError, Change

COMPONENT = "replicaset-controller"


class ReplicaSets(Controller):
    """Replaces a pod as soon as its deletion begins, because such a pod no longer counts."""

    watches = frozenset({"replicasets", "pods", "resourcequotas"})

    def __init__(self, runner: Runner) -> None:
        super().__init__(runner)
        self._refused: dict[Key, None] = {}
        self._lateness = Lateness(self.process)

    def changed(self, change: Change) -> Iterable[Key]:
        if change.plural == "replicasets":
            return (key_of(change.object),)
        if change.plural == "resourcequotas":
            return list(self._refused)
        owner = controller_of(change.object, "ReplicaSet")
        waiting = tuple(self._refused) if change.type == "DELETED" else ()
        return waiting if owner is None else (owner[0], *waiting)

    def faults_changed(self, switched_on: frozenset[str], switched_off: frozenset[str]) -> Iterable[Key]:
        return [key_of(each) for each in self.store.list("replicasets")] if REPLACED_LATE in switched_off else ()

    def reconcile(self, key: Key) -> None:
        replica_set = self.store.find("replicasets", key[1], key[0])
        self._refused.pop(key, None)
        if replica_set is None or is_leaving(replica_set):
            return
        active = [pod for pod in owned(self.store, "pods", replica_set) if is_active(pod)]
        surplus = len(active) - replica_set["spec"]["replicas"]
        for _ in range(min(-surplus, MOST_PODS_AT_ONCE)):
            if not self._create(replica_set):
                break
        for pod in sorted(active, key=is_ready)[: max(surplus, 0)]:
            self.store.delete("pods", pod["metadata"]["name"], key[0])
            self.recorder.normal(
                COMPONENT, "replicasets", replica_set, "SuccessfulDelete", f"Deleted pod: {pod['metadata']['name']}"
            )
        self._write_status(replica_set)

    def _create(self, replica_set: Object) -> bool:
        if wait_s := self._lateness.wait_s(key_of(replica_set)):
            self.again_after(key_of(replica_set), wait_s)
            return False
        pod = pod_from(replica_set["spec"]["template"], "replicasets", replica_set)
        try:
            created = self.store.create("pods", pod, replica_set["metadata"]["namespace"])
        except ApiError as error:
            self._refused[key_of(replica_set)] = None
            message = f"Error creating: {error.message}"
            self.recorder.warning(COMPONENT, "replicasets", replica_set, "FailedCreate", message)
            return False
        message = f"Created pod: {created['metadata']['name']}"
        self.recorder.normal(COMPONENT, "replicasets", replica_set, "SuccessfulCreate", message)
        return True

    def _write_status(self, replica_set: Object) -> None:
        active = [pod for pod in owned(self.store, "pods", replica_set) if is_active(pod)]
        ready = sum(map(is_ready, active))
        status: Object = {"replicas": len(active)}
        if active:
            status["fullyLabeledReplicas"] = len(active)
        if ready:
            status.update(readyReplicas=ready, availableReplicas=ready)
        status["observedGeneration"] = replica_set["metadata"]["generation"]
        namespace, name = key_of(replica_set)
        self.store.mutate("replicasets", name, namespace, lambda new: new.update(status=status))
