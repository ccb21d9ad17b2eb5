"""The scheduler: binds every pod to a node with enough room, or reports why none fits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from environments.sandbox.kubernetes.controllers import fit
from environments.sandbox.kubernetes.controllers.meta import (
    GPU,
    JOB_NAME_LABEL,
    Key,
    Object,
    condition,
    is_finished,
    is_leaving,
    key_of,
    set_condition,
)
from environments.sandbox.kubernetes.controllers.runner import Controller, Runner
from environments.sandbox.kubernetes.store.object_store import Change
from environments.sandbox.kubernetes.store.objects import dig
from environments.sandbox.shared import quantities

COMPONENT = "default-scheduler"
STAY_PENDING = "jobs-stay-pending"
SLICE_KEPT = "gpu-slice-not-returned"
NO_REASON = "unschedulable-without-reason"
FORGOTTEN = "waiting-pods-forgotten"
ANY_NODE = "gpu-granted-on-node-without-gpus"
_RETRY_WHEN_OFF = frozenset({STAY_PENDING, SLICE_KEPT, NO_REASON, FORGOTTEN, ANY_NODE})


class Scheduler(Controller):
    """Keeps account of the requested resources on each node, so that binding a pod needs no scan of all others."""

    watches = frozenset({"pods", "nodes", "persistentvolumeclaims"})

    def __init__(self, runner: Runner) -> None:
        super().__init__(runner)
        self._loads: dict[str, fit.NodeLoad] = {}
        self._placed: dict[str, tuple[str, fit.Demand]] = {}
        self._waiting: dict[Key, None] = {}
        self._lost_slices: Counter[str] = Counter()

    def changed(self, change: Change) -> Iterable[Key]:
        if change.plural != "pods":
            return self._retry()
        pod, key = change.object, key_of(change.object)
        if change.type == "DELETED" or is_finished(pod):
            self._waiting.pop(key, None)
            return self._retry() if self._release(pod) else ()
        node = pod["spec"].get("nodeName")
        if node:
            self._waiting.pop(key, None)
            self._take(pod, node)
            return ()
        return () if key in self._waiting and change.type == "MODIFIED" else (key,)

    def faults_changed(self, switched_on: frozenset[str], switched_off: frozenset[str]) -> Iterable[Key]:
        if SLICE_KEPT in switched_off:
            for node, lost in self._lost_slices.items():
                self._load(node).used[GPU] -= lost
            self._lost_slices.clear()
        return list(self._waiting) if switched_off & _RETRY_WHEN_OFF else ()

    def reconcile(self, key: Key) -> None:
        pod = self.store.find("pods", key[1], key[0])
        if pod is None or pod["spec"].get("nodeName") or is_finished(pod) or is_leaving(pod):
            self._waiting.pop(key, None)
            return
        if self.process.fault(STAY_PENDING) and _job_name(pod).startswith("grpc-job-"):
            self._waiting[key] = None
            return
        demand = quantities.requests(pod["spec"])
        node, why_not = self._choose(pod, demand)
        if node is not None:
            self._bind(pod, node)
        else:
            self._waiting[key] = None
            self._tell(pod, why_not)

    def _retry(self) -> Iterable[Key]:
        return () if self.process.fault(FORGOTTEN) else list(self._waiting)

    def _choose(self, pod: Object, demand: fit.Demand) -> tuple[str | None, str]:
        """Return the node with the smallest used share of the resources the pod needs, or why no node fits."""
        if demand.get(GPU) and self.process.fault(ANY_NODE):
            return next(each["name"] for each in self.process.config["nodes"] if each["role"] == "master"), ""
        nodes = self.store.list("nodes")
        unclaimed = self._missing_claim(pod)
        if unclaimed is not None:
            return None, fit.unschedulable_everywhere(len(nodes), unclaimed, self.store.version)
        reasons, possible = [], []
        for node in nodes:
            name = node["metadata"]["name"]
            load = self._load(name)
            hindered = fit.hindrances(pod, demand, node, load, self.store.version)
            if hindered:
                reasons.append(hindered)
            else:
                possible.append((_share(demand, node, load), name))
        if possible:
            return min(possible)[1], ""
        return None, fit.unschedulable_message(len(nodes), reasons, self.store.version)

    def _missing_claim(self, pod: Object) -> str | None:
        for volume in pod["spec"].get("volumes", ()):
            name = dig(volume, "persistentVolumeClaim", "claimName")
            if name and self.store.find("persistentvolumeclaims", name, pod["metadata"]["namespace"]) is None:
                return f'persistentvolumeclaim "{name}" not found'
        return None

    def _bind(self, pod: Object, node: str) -> None:
        def bind(new: Object) -> None:
            new["spec"]["nodeName"] = node
            set_condition(new["status"], "PodScheduled", "True")

        namespace, name = key_of(pod)
        self._waiting.pop((namespace, name), None)
        self._take(pod, node)
        self.store.mutate("pods", name, namespace, bind)
        message = f"Successfully assigned {namespace}/{name} to {node}"
        self.recorder.normal(COMPONENT, "pods", pod, "Scheduled", message)

    def _tell(self, pod: Object, message: str) -> None:
        if self.process.fault(NO_REASON):
            return
        known = condition(pod, "PodScheduled")
        if known is not None and known.get("message") == message:
            return
        namespace, name = key_of(pod)
        self.store.mutate(
            "pods", name, namespace,
            lambda new: set_condition(new["status"], "PodScheduled", "False", "Unschedulable", message),
        )  # fmt: skip
        self.recorder.warning(COMPONENT, "pods", pod, "FailedScheduling", message)

    def _load(self, node: str) -> fit.NodeLoad:
        return self._loads.setdefault(node, fit.NodeLoad())

    def _take(self, pod: Object, node: str) -> None:
        uid = pod["metadata"]["uid"]
        if uid not in self._placed:
            demand = quantities.requests(pod["spec"])
            self._placed[uid] = (node, demand)
            self._load(node).take(demand)

    def _release(self, pod: Object) -> bool:
        placed = self._placed.pop(pod["metadata"]["uid"], None)
        if placed is None:
            return False
        node, demand = placed
        self._load(node).take(demand, -1)
        if self.process.fault(SLICE_KEPT):
            self._lost_slices[node] += demand.get(GPU, 0)
            self._load(node).used[GPU] += demand.get(GPU, 0)
        return True


def _share(demand: fit.Demand, node: Mapping[str, Any], load: fit.NodeLoad) -> float:
    offered = fit.allocatable(node)
    shares = [load.used[resource] / offered[resource] for resource in demand if offered.get(resource)]
    return max([*shares, load.pods / offered["pods"]])


def _job_name(pod: Mapping[str, Any]) -> str:
    return str(pod["metadata"].get("labels", {}).get(JOB_NAME_LABEL, ""))
