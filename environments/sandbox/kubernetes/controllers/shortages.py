"""Faults that cause shortages: nodes with fewer resources, a quota, leaked ports, an unreachable node."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from environments.sandbox.kubernetes.controllers.meta import (
    GPU,
    HEALTHY,
    JOB_NAME_LABEL,
    Key,
    Object,
    set_condition,
)
from environments.sandbox.kubernetes.controllers.runner import Controller, Runner
from environments.sandbox.kubernetes.store.object_store import Change
from environments.sandbox.kubernetes.store.objects import dig
from environments.sandbox.shared import quantities

GPU_SLICES_OF_NODE = 60
PODS_OF_NODE = 55
"""Two such nodes take 110 pods together, which is a kubelet's default for one node."""
CPU_OF_NODE = 7
MEMORY_OF_NODE = "35Gi"
POD_QUOTA = 50
STREAM_PORTS = 150
LEAKED_PORTS = 250
QUOTA_SHORT = "pod-quota-short"
PORTS_SHORT = "nodeport-range-short"
PORTS_LEAKED = "stream-ports-leaked"
UNREACHABLE_NODE = "worker-node-2"
_UNREACHABLE = "node.kubernetes.io/unreachable"
_SILENT = ("NodeStatusUnknown", "Kubelet stopped posting node status.")
_LEAKED_SERIAL = 900


def offers_less(resource: str, amount: str) -> Callable[[Object], None]:
    """Return a change that limits the allocatable amount of a node's resource to at most ``amount``."""

    def change(node: Object) -> None:
        has = node["status"]["capacity"][resource]
        less = quantities.amount(resource, amount) < quantities.amount(resource, has)
        node["status"]["allocatable"][resource] = amount if less else has

    return change


def offers_everything(resource: str) -> Callable[[Object], None]:
    def change(node: Object) -> None:
        node["status"]["allocatable"][resource] = node["status"]["capacity"][resource]

    return change


NODE_SHORTAGES = {
    "gpu-slices-short": (GPU, str(GPU_SLICES_OF_NODE)),
    "pods-per-node-short": ("pods", str(PODS_OF_NODE)),
    "cpu-short": ("cpu", str(CPU_OF_NODE)),
    "memory-short": ("memory", MEMORY_OF_NODE),
}
"""Fault -> the resource that each worker node has less of, and the amount left."""


def taint(node: Object, key: str, *effects: str) -> None:
    """Set exactly these effects for the taint key; without effects, remove the taint."""
    kept = [each for each in node["spec"].pop("taints", []) if each["key"] != key]
    if taints := [*kept, *({"key": key, "effect": effect} for effect in effects)]:
        node["spec"]["taints"] = taints


def set_ready(node: Object) -> None:
    set_condition(node["status"], "Ready", "True", "KubeletReady", "kubelet is posting ready status")


def node_lost(node: Object) -> None:
    """Mark a node whose kubelet the control plane has not heard from for 40 s."""
    for kind in ("Ready", *HEALTHY):
        set_condition(node["status"], kind, "Unknown", *_SILENT)
    taint(node, _UNREACHABLE, "NoSchedule", "NoExecute")


def node_found(node: Object) -> None:
    for kind, message in HEALTHY.items():
        set_condition(node["status"], kind, "False", f"KubeletHasNo{kind}", message)
    set_ready(node)
    taint(node, _UNREACHABLE)


def is_job_pod_of_lost_node(pod: Object) -> bool:
    """Whether the pod is a running job pod on the unreachable node.

    Static pods are not affected: they stay reachable, as if they had been moved to another node in time.
    """
    of_job = JOB_NAME_LABEL in pod["metadata"].get("labels", {})
    return of_job and pod["spec"].get("nodeName") == UNREACHABLE_NODE and dig(pod, "status", "phase") == "Running"


def pod_unknown(pod: Object) -> None:
    set_condition(pod["status"], "Ready", "False")


def pod_known(pod: Object) -> None:
    set_condition(pod["status"], "Ready", "True")


def quota(pods: int, name: str = "panda-pods") -> Object:
    return {"metadata": {"name": name}, "spec": {"hard": {"pods": str(pods)}}}


class FaultObjects(Controller):
    """Creates the objects that exist while a fault is on: a quota, or services whose investigation is gone."""

    def __init__(self, runner: Runner) -> None:
        super().__init__(runner)
        self._namespace = self.process.config["namespace"]
        self._first_port = int(self.process.config["settings"]["nodeport_first"])

    def changed(self, change: Change) -> Iterable[Key]:
        return ()

    def faults_changed(self, switched_on: frozenset[str], switched_off: frozenset[str]) -> Iterable[Key]:
        return ((fault, "") for fault in (QUOTA_SHORT, PORTS_LEAKED) if fault in switched_on | switched_off)

    def reconcile(self, key: Key) -> None:
        fault = key[0]
        plural, wanted = (
            ("resourcequotas", [quota(POD_QUOTA)])
            if fault == QUOTA_SHORT
            else ("services", [self._leaked(number) for number in range(1, LEAKED_PORTS + 1)])
        )
        for obj in wanted:
            name = obj["metadata"]["name"]
            found = self.store.find(plural, name, self._namespace)
            if self.process.fault(fault) and found is None:
                self.store.create(plural, obj, self._namespace)
            elif not self.process.fault(fault) and found is not None:
                self.store.delete(plural, name, self._namespace)

    def _leaked(self, slot: int) -> Object:
        """Return the service of an investigation that ended long ago."""
        port, job_id = self._first_port - 1 + slot, f"{slot}-{_LEAKED_SERIAL + slot}"
        labels = {"app": f"grpc-service-{job_id}", "job_id": job_id}
        ports = [{"name": "grpc", "protocol": "TCP", "port": port, "targetPort": 5000, "nodePort": port}]
        spec = {"type": "NodePort", "selector": {"app": f"grpc-job-{job_id}"}, "ports": ports}
        return {"metadata": {"name": f"grpc-service-{job_id}", "labels": labels}, "spec": spec}
