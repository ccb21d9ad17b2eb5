"""Deliberate occupation of cluster resources, with objects that carry this run's label and are removed again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

from support import waits
from support.checks.matcher import judged
from support.checks.resources import GPU_SLICE, gpu_slices
from support.clients.change_journal import Changes
from support.clients.kubernetes.client import ClusterError, KubernetesClient, Pod
from support.clients.kubernetes.servers import Servers, container_of
from support.config import Environment
from support.model.job_view import describe

RUN_LABEL = "focus-acceptance/run"
HOLDER_POD, HOLDER_SERVICE, QUOTA = "holder_pod", "holder_service", "quota"


class Occupancy:
    """Holders of GPU slices and ports, and quotas. What the scenario does not free is undone at its end."""

    def __init__(self, cluster: KubernetesClient, environment: Environment, run_id: str, changes: Changes) -> None:
        self._cluster = cluster
        self._changes = changes
        self._limits = environment.limits
        self._product = environment.kubernetes.services.focus_server
        self._run_id = run_id
        self._numbers = count(1)
        self._pods: list[str] = []

    def take_gpu_slices(self, leave: int = 0) -> None:
        """Hold every free GPU slice except ``leave`` in the whole cluster, and wait until they are held."""
        for node in self._cluster.nodes():
            free = int(node.allocatable.get(GPU_SLICE, "0")) - self._held_on(node.name)
            kept = min(leave, free)
            leave -= kept
            if free - kept > 0:
                self._hold(node.name, free - kept)
        waits.until(
            self._holders,
            judged("every holder Running", _not_running),
            within_s=self._limits.deadline("job_running_s"),
            what="the GPU slices to be held",
        )

    def _held_on(self, node_name: str) -> int:
        return sum(
            gpu_slices(pod)
            for pod in self._cluster.pods()
            if pod.node == node_name and pod.phase in ("Pending", "Running")
        )

    def _hold(self, node_name: str, slices: int) -> None:
        amount = {GPU_SLICE: str(slices)}
        name = f"focus-acceptance-gpu-{self._run_id}-{next(self._numbers)}"
        self._changes.begin(HOLDER_POD, f"pod {name}, which holds {slices} GPU slices of {node_name}", name=name)
        self._pods.append(name)
        container = {
            "name": "holder",
            "image": self._image_of_the_product(),
            "command": ["sleep", "infinity"],
            "resources": {"requests": amount, "limits": amount},
        }
        self._cluster.create_pod(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": name, "labels": {RUN_LABEL: self._run_id}},
                "spec": {
                    "restartPolicy": "Never",
                    "terminationGracePeriodSeconds": 0,
                    "nodeSelector": {"kubernetes.io/hostname": node_name},
                    "containers": [container],
                },
            }
        )

    def _image_of_the_product(self) -> str:
        """Return an image that the cluster certainly has, because it already runs."""
        for pod in Servers(self._cluster, self._product).running():
            server = container_of(pod, self._product)
            return next(one.image for one in pod.containers if server in (None, one.name))
        raise ClusterError("find the image of the Focus Server", 0, "no pod of it is running")

    def _holders(self) -> list[Pod]:
        return [pod for pod in self._cluster.pods() if pod.name in self._pods]

    def take_port(self, port: int) -> None:
        """Publish a service of our own on ``port``."""
        name = f"focus-acceptance-port-{self._run_id}-{port}"
        self._changes.begin(HOLDER_SERVICE, f"service {name}, which holds port {port}", name=name)
        self._cluster.create_service(
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": name, "labels": {RUN_LABEL: self._run_id}},
                "spec": {
                    "type": "NodePort",
                    "selector": {RUN_LABEL: self._run_id},
                    "ports": [{"port": port, "nodePort": port, "targetPort": 5000, "protocol": "TCP"}],
                },
            }
        )

    def forbid_jobs(self) -> None:
        """Set a quota of zero jobs, so that the cluster refuses every further job and nothing else."""
        self._forbid("job", "count/jobs.batch")

    def forbid_ports(self) -> None:
        """Set a quota of zero node ports, so that the cluster refuses further ports for services and nothing else."""
        self._forbid("port", "services.nodeports")

    def _forbid(self, what: str, resource: str) -> None:
        name = f"focus-acceptance-quota-{self._run_id}"
        self._changes.begin(QUOTA, f"quota {name}, which lets the cluster refuse every {what}", name=name)
        self._cluster.create_quota(
            {
                "apiVersion": "v1",
                "kind": "ResourceQuota",
                "metadata": {"name": name, "labels": {RUN_LABEL: self._run_id}},
                "spec": {"hard": {resource: "0"}},
            }
        )

    def free(self) -> None:
        """Remove every holder and quota of this run, and prove that the cluster no longer has them."""
        self._changes.undo_all(HOLDER_POD, HOLDER_SERVICE, QUOTA)
        self._pods = []

    def remove_pod(self, undo: Mapping[str, Any]) -> None:
        name = str(undo["name"])
        removed(self._cluster.delete_pod, name)
        self._wait_until_gone("pod", name, lambda: [pod.name for pod in self._cluster.pods()])

    def remove_service(self, undo: Mapping[str, Any]) -> None:
        name = str(undo["name"])
        removed(self._cluster.delete_service, name)
        self._wait_until_gone("service", name, lambda: [service.name for service in self._cluster.services()])

    def remove_quota(self, undo: Mapping[str, Any]) -> None:
        name = str(undo["name"])
        removed(self._cluster.delete_quota, name)
        self._wait_until_gone("quota", name, self._cluster.quotas)

    def _wait_until_gone(self, kind: str, name: str, there: Callable[[], list[str]]) -> None:
        waits.until(
            there,
            judged("no such object", lambda names: f"{kind} {name} is still there" if name in names else None),
            within_s=self._limits.deadline("release_s"),
            what=f"{kind} {name} to be gone",
        )


def removed(remove: Callable[[str], None], name: str) -> None:
    """Remove an object, which may not exist: objects are recorded before creation, so the record remains if the
    creation was refused."""
    try:
        remove(name)
    except ClusterError as error:
        if not error.not_found:
            raise


def _not_running(holders: list[Pod]) -> str | None:
    waiting = [f"{pod.name} is {describe(pod)}" for pod in holders if pod.phase != "Running"]
    return "; ".join(waiting) or (None if holders else "there is no holder")
