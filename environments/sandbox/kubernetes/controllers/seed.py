"""The initial objects of the cluster."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from environments.sandbox.kubernetes.controllers.meta import GPU, HEALTHY, Object, now
from environments.sandbox.kubernetes.controllers.seed_workloads import create_workloads
from environments.sandbox.kubernetes.controllers.shortages import quota
from environments.sandbox.kubernetes.store.object_store import Store
from environments.sandbox.shared.kubernetes_versions import KubernetesVersion

NAMESPACES = (
    "default", "kube-node-lease", "kube-public", "kube-system", "gpu-operator", "metallb-system", "map-server",
    "monitoring", "webapp",
)  # fmt: skip
_NODE_INFO = {
    "architecture": "amd64", "operatingSystem": "linux", "osImage": "Ubuntu 24.04.1 LTS",
    "kernelVersion": "6.8.0-51-generic", "containerRuntimeVersion": "containerd://2.1.4-k3s1",
}  # fmt: skip
_CONTROL_PLANE = "node-role.kubernetes.io/control-plane"


def seed(store: Store, config: Mapping[str, Any]) -> None:
    """Create all static objects in an empty store. ``config`` is the configuration of the process."""
    namespace = config["namespace"]
    for name in (*NAMESPACES, namespace):
        store.create("namespaces", {"metadata": {"name": name}})
        store.create("serviceaccounts", {"metadata": {"name": "default"}}, name)
    workers = [node for node in config["nodes"] if node["role"] == "worker"]
    for index, node in enumerate(config["nodes"]):
        slices = _share(config["settings"]["gpu_slices"], workers, node)
        store.create("nodes", _node(node, index, slices, config["settings"], store.version))
    api = {
        "metadata": {"name": "kubernetes", "labels": {"component": "apiserver", "provider": "kubernetes"}},
        "spec": {"clusterIP": "10.43.0.1", "ports": [{"name": "https", "port": 443, "targetPort": 6443}]},
    }
    store.create("services", api, "default")
    create_workloads(store, namespace, workers[0]["address"])
    if config["settings"]["pod_quota"]:
        store.create("resourcequotas", quota(config["settings"]["pod_quota"]), namespace)


def _share(slices: int, workers: list[Mapping[str, Any]], node: Mapping[str, Any]) -> int:
    """Return the GPU slices of one node. They are split evenly over the workers; the first ones take the remainder."""
    if node not in workers:
        return 0
    each, rest = divmod(slices, len(workers))
    return each + (1 if workers.index(node) < rest else 0)


def _node(
    node: Mapping[str, Any], index: int, gpu_slices: int, settings: Mapping[str, Any], version: KubernetesVersion
) -> Object:
    name, master = node["name"], node["role"] == "master"
    role = _CONTROL_PLANE if master else "node-role.kubernetes.io/worker"
    labels = {
        "kubernetes.io/hostname": name, "kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux", role: "true",
    }  # fmt: skip
    capacity = {
        "cpu": str(settings["node_cpu"]), "memory": f"{settings['node_memory_gi']}Gi", "ephemeral-storage": "1800Gi",
        "pods": str(settings["pods_per_node"]),
    }  # fmt: skip
    if not master:
        capacity[GPU] = str(gpu_slices)
    spec: Object = {
        "podCIDR": f"10.42.{index}.0/24",
        "podCIDRs": [f"10.42.{index}.0/24"],
        "providerID": f"k3s://{name}",
    }
    if master:
        spec["taints"] = [{"key": _CONTROL_PLANE, "effect": "NoSchedule"}]
    return {"metadata": {"name": name, "labels": labels}, "spec": spec, "status": _node_status(node, capacity, version)}


def _node_info(name: str, version: KubernetesVersion) -> Object:
    """Return the ``nodeInfo`` of a node, with three ids of its own that are the same in every run."""
    ids = {field: uuid.uuid5(uuid.NAMESPACE_DNS, f"{field}.{name}") for field in ("bootID", "machineID", "systemUUID")}
    return {
        **_NODE_INFO, "kubeletVersion": version.git_version, "kubeProxyVersion": version.git_version,
        "bootID": str(ids["bootID"]), "machineID": ids["machineID"].hex, "systemUUID": str(ids["systemUUID"]),
    }  # fmt: skip


def _node_status(node: Mapping[str, Any], capacity: Mapping[str, str], version: KubernetesVersion) -> Object:
    time = now()
    stamps = {"lastHeartbeatTime": time, "lastTransitionTime": time}
    conditions = [
        {"type": kind, "status": "False", "reason": f"KubeletHasNo{kind}", "message": message, **stamps}
        for kind, message in HEALTHY.items()
    ]
    ready = {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status"}
    return {
        "addresses": [
            {"type": "InternalIP", "address": node["address"]},
            {"type": "Hostname", "address": node["name"]},
        ],
        "capacity": dict(capacity),
        "allocatable": dict(capacity),
        "conditions": [*conditions, {**ready, **stamps}],
        "nodeInfo": _node_info(node["name"], version),
    }
