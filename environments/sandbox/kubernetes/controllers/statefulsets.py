"""The stateful set controller: pods have fixed names and are replaced under the same name once the old pod is gone."""

from __future__ import annotations

from collections.abc import Iterable

from environments.sandbox.kubernetes.controllers.deployments import template_hash
from environments.sandbox.kubernetes.controllers.meta import (
    MOST_PODS_AT_ONCE,
    Key,
    Object,
    controller_of,
    is_active,
    is_finished,
    is_leaving,
    is_ready,
    key_of,
    owned,
    pod_from,
)
from environments.sandbox.kubernetes.controllers.outage_faults import RENAMED, REPLACED_LATE, Lateness
from environments.sandbox.kubernetes.controllers.runner import Controller, Runner
from environments.sandbox.kubernetes.store.object_store import ApiError, Change
from environments.sandbox.kubernetes.store.objects import dig

COMPONENT = "statefulset-controller"
_RETRY_S = 10.0
_REVISION_LABEL = "controller-revision-hash"


class StatefulSets(Controller):
    """Starts pods in order, each once the previous one is ready, and ends them in reverse order."""

    watches = frozenset({"statefulsets", "pods"})

    def __init__(self, runner: Runner) -> None:
        super().__init__(runner)
        self._renamed: dict[str, int] = {}
        self._lateness = Lateness(self.process)

    def changed(self, change: Change) -> Iterable[Key]:
        if change.plural == "statefulsets":
            return (key_of(change.object),)
        owner = controller_of(change.object, "StatefulSet")
        return () if owner is None else (owner[0],)

    def faults_changed(self, switched_on: frozenset[str], switched_off: frozenset[str]) -> Iterable[Key]:
        concerned = {REPLACED_LATE, RENAMED} & switched_off
        return [key_of(each) for each in self.store.list("statefulsets")] if concerned else ()

    def reconcile(self, key: Key) -> None:
        stateful_set = self.store.find("statefulsets", key[1], key[0])
        if stateful_set is None or is_leaving(stateful_set):
            return
        pods = {pod["metadata"]["name"]: pod for pod in owned(self.store, "pods", stateful_set)}
        self._start_missing(stateful_set, pods)
        self._end_surplus(stateful_set, pods)
        self._replace_outdated(stateful_set, pods)
        self._write_status(stateful_set)

    def _start_missing(self, stateful_set: Object, pods: dict[str, Object]) -> None:
        namespace, set_name = key_of(stateful_set)
        ordered = dig(stateful_set, "spec", "podManagementPolicy") != "Parallel"
        created = 0
        first = self._first_ordinal(stateful_set, pods)
        for ordinal in range(first, first + stateful_set["spec"]["replicas"]):
            name = f"{set_name}-{ordinal}"
            pod = pods.get(name)
            if pod is not None and is_finished(pod) and not is_leaving(pod):
                self.store.delete("pods", name, namespace)
            elif pod is None and not self._create(stateful_set, name, ordinal):
                return
            created += pod is None
            if created == MOST_PODS_AT_ONCE:
                return
            if ordered and (pod is None or not is_ready(pod) or is_leaving(pod)):
                return

    def _first_ordinal(self, stateful_set: Object, pods: dict[str, Object]) -> int:
        """Return the first ordinal: 0 or, while :data:`RENAMED` is on, a number that grows with every lost pod."""
        if not self.process.fault(RENAMED):
            return 0
        set_name = stateful_set["metadata"]["name"]
        started = self._renamed.setdefault(set_name, 0)
        if pods and f"{set_name}-{started}" not in pods:
            return started
        if not pods:
            self._renamed[set_name] = started + 1
        return self._renamed[set_name]

    def _create(self, stateful_set: Object, name: str, ordinal: int) -> bool:
        if wait_s := self._lateness.wait_s(key_of(stateful_set)):
            self.again_after(key_of(stateful_set), wait_s)
            return False
        pod = pod_from(stateful_set["spec"]["template"], "statefulsets", stateful_set)
        del pod["metadata"]["generateName"]
        pod["metadata"]["name"] = name
        pod["metadata"]["labels"].update({
            "statefulset.kubernetes.io/pod-name": name,
            "apps.kubernetes.io/pod-index": str(ordinal),
            _REVISION_LABEL: _revision(stateful_set),
        })  # fmt: skip
        namespace, set_name = key_of(stateful_set)
        about = f"create Pod {name} in StatefulSet {set_name}"
        try:
            self.store.create("pods", pod, namespace)
        except ApiError as error:
            message = f"{about} failed error: {error.message}"
            self.recorder.warning(COMPONENT, "statefulsets", stateful_set, "FailedCreate", message)
            self.again_after(key_of(stateful_set), self.process.scaled(_RETRY_S))
            return False
        self.recorder.normal(COMPONENT, "statefulsets", stateful_set, "SuccessfulCreate", f"{about} successful")
        return True

    def _end_surplus(self, stateful_set: Object, pods: dict[str, Object]) -> None:
        first = self._renamed.get(stateful_set["metadata"]["name"], 0) if self.process.fault(RENAMED) else 0
        last_wanted = first + stateful_set["spec"]["replicas"] - 1
        surplus = [name for name in pods if int(name.rsplit("-", 1)[1]) > last_wanted]
        if surplus:
            last = max(surplus, key=lambda name: int(name.rsplit("-", 1)[1]))
            if not is_leaving(pods[last]):
                self._delete(stateful_set, last)

    def _replace_outdated(self, stateful_set: Object, pods: dict[str, Object]) -> None:
        """Once all pods are ready, delete the last pod of an older template. It is recreated from the new template."""
        strategy = stateful_set["spec"]["updateStrategy"]
        if strategy["type"] != "RollingUpdate" or len(pods) != stateful_set["spec"]["replicas"]:
            return
        partition = dig(strategy, "rollingUpdate", "partition", default=0)
        outdated = [
            name for name, pod in pods.items()
            if not _is_current(stateful_set, pod) and int(name.rsplit("-", 1)[1]) >= partition
        ]  # fmt: skip
        if outdated and all(is_ready(pod) and not is_leaving(pod) for pod in pods.values()):
            self._delete(stateful_set, max(outdated, key=lambda name: int(name.rsplit("-", 1)[1])))

    def _delete(self, stateful_set: Object, pod: str) -> None:
        namespace, set_name = key_of(stateful_set)
        self.store.delete("pods", pod, namespace)
        message = f"delete Pod {pod} in StatefulSet {set_name} successful"
        self.recorder.normal(COMPONENT, "statefulsets", stateful_set, "SuccessfulDelete", message)

    def _write_status(self, stateful_set: Object) -> None:
        pods = [pod for pod in owned(self.store, "pods", stateful_set) if is_active(pod)]
        ready = sum(map(is_ready, pods))
        updated = sum(_is_current(stateful_set, pod) for pod in pods)
        revision = _revision(stateful_set)
        before = dig(stateful_set, "status", "currentRevision", default=revision)
        status: Object = {
            "replicas": len(pods),
            "observedGeneration": stateful_set["metadata"]["generation"],
            "currentRevision": revision if updated == len(pods) else before,
            "updateRevision": revision,
            "collisionCount": 0,
            "availableReplicas": ready,
        }
        if ready:
            status["readyReplicas"] = ready
        if pods:
            status.update(currentReplicas=len(pods) - updated or len(pods), updatedReplicas=updated)
        namespace, name = key_of(stateful_set)
        self.store.mutate("statefulsets", name, namespace, lambda new: new.update(status=status))


def _revision(stateful_set: Object) -> str:
    return f"{stateful_set['metadata']['name']}-{template_hash(stateful_set['spec']['template'])}"


def _is_current(stateful_set: Object, pod: Object) -> bool:
    return bool(pod["metadata"].get("labels", {}).get(_REVISION_LABEL) == _revision(stateful_set))
