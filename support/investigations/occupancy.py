"""Taking something of the cluster away on purpose, with objects that carry this run's label and are removed again."""

from __future__ import annotations

from collections.abc import Callable

from support import waits
from support.checks.matcher import judged
from support.checks.resources import GPU_SLICE, gpu_slices
from support.clients.kubernetes.client import ClusterError, KubernetesClient, Pod
from support.clients.kubernetes.servers import Servers, container_of
from support.config import Environment
from support.model.job_view import describe

RUN_LABEL = "focus-acceptance/run"


class Occupancy:
    """Holders of GPU slices and ports. :meth:`free` removes them all and may be called at any time."""

    def __init__(self, cluster: KubernetesClient, environment: Environment, run_id: str) -> None:
        self._cluster = cluster
        self._limits = environment.limits
        self._product = environment.kubernetes.services.focus_server
        self._run_id = run_id
        self._pods: list[str] = []
        self._services: list[str] = []
        self._quotas: list[str] = []

    def take_gpu_slices(self, leave: int = 0) -> None:
        """Hold every free GPU slice of every node but ``leave`` of the whole cluster; returns when they are held."""
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
        name = f"focus-acceptance-gpu-{self._run_id}-{len(self._pods) + 1}"
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
        """An image the cluster certainly has, because it runs already."""
        for pod in Servers(self._cluster, self._product).running():
            server = container_of(pod, self._product)
            return next(one.image for one in pod.containers if server in (None, one.name))
        raise ClusterError("find the image of the Focus Server", 0, "no pod of it is running")

    def _holders(self) -> list[Pod]:
        return [pod for pod in self._cluster.pods() if pod.name in self._pods]

    def take_port(self, port: int) -> None:
        """Publish a service of our own on ``port``."""
        name = f"focus-acceptance-port-{self._run_id}-{port}"
        self._services.append(name)
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
        """Let the cluster refuse every further job, and nothing else: a quota of no job at all."""
        name = f"focus-acceptance-quota-{self._run_id}"
        self._quotas.append(name)
        self._cluster.create_quota(
            {
                "apiVersion": "v1",
                "kind": "ResourceQuota",
                "metadata": {"name": name, "labels": {RUN_LABEL: self._run_id}},
                "spec": {"hard": {"count/jobs.batch": "0"}},
            }
        )

    def free(self) -> None:
        """Remove every holder and quota, and wait until the cluster no longer has the holders."""
        for remove, names in (
            (self._cluster.delete_quota, self._quotas),
            (self._cluster.delete_service, self._services),
            (self._cluster.delete_pod, self._pods),
        ):
            for name in names:
                _removed(remove, name)
        left = waits.settle(lambda: [pod.name for pod in self._holders()], within_s=self._limits.deadline("release_s"))
        self._pods, self._services, self._quotas = [], [], []
        if left:
            raise AssertionError(f"holders that could not be removed: {', '.join(left)}")


def _removed(remove: Callable[[str], None], name: str) -> None:
    """Each holder is noted before it is created, so one whose creation was refused was never there."""
    try:
        remove(name)
    except ClusterError as error:
        if not error.not_found:
            raise


def _not_running(holders: list[Pod]) -> str | None:
    waiting = [f"{pod.name} is {describe(pod)}" for pod in holders if pod.phase != "Running"]
    return "; ".join(waiting) or (None if holders else "there is no holder")
