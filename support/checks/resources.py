"""Matchers for the resources of a job: GPU slices, memory, storage."""

from __future__ import annotations

from collections.abc import Collection

from support.checks.matcher import Judged
from support.clients.kubernetes.client import Claim, Container, Node, Pod
from support.clients.kubernetes.servers import default_container

GPU_SLICE = "nvidia.com/gpu.shared"
RECORDINGS_PATH = "/prisma/root/recordings"


def asks_for_one_gpu_slice() -> Judged[Pod]:
    """Match a pod that in total requests, and is limited to, one GPU slice. The proxy of a service mesh needs none."""

    def mismatch(pod: Pod) -> str | None:
        requested = [one.requests[GPU_SLICE] for one in pod.containers if GPU_SLICE in one.requests] or ["none"]
        limited = [one.limits[GPU_SLICE] for one in pod.containers if GPU_SLICE in one.limits] or ["none"]
        if requested == ["1"] and limited == ["1"]:
            return None
        return f"pod {pod.name} requests {', '.join(requested)} and is limited to {', '.join(limited)} GPU slices"

    return Judged("a job that requests exactly one GPU slice and is limited to it", mismatch)


def holds_what_its_node_offers(nodes: Collection[Node], pods: Collection[Pod]) -> Judged[Pod]:
    """Match a pod on a node that offers GPU slices, at least as many as its pods hold."""

    def mismatch(pod: Pod) -> str | None:
        node = next((node for node in nodes if node.name == pod.node), None)
        if node is None:
            return f"pod {pod.name} is on no node"
        offered = int(node.allocatable.get(GPU_SLICE, "0"))
        held = sum(gpu_slices(one) for one in pods if one.node == node.name and one.phase in ("Pending", "Running"))
        if 1 <= held <= offered:
            return None
        return f"node {node.name} offers {offered} GPU slices and its pods hold {held}"

    return Judged("a node that offers the GPU slices its pods hold", mismatch)


def gpu_slices(pod: Pod) -> int:
    """Return the number of slices that the pod requests."""
    return sum(int(container.requests.get(GPU_SLICE, "0")) for container in pod.containers)


def _of_the_job(pod: Pod) -> Container | None:
    """Return the container that requests a GPU slice, else the pod's default container, else the first."""
    asking = [one for one in pod.containers if GPU_SLICE in one.requests or GPU_SLICE in one.limits]
    default = [one for one in pod.containers if one.name == default_container(pod)]
    return next(iter([*asking, *default, *pod.containers]), None)


def memory_is_requested_and_limited() -> Judged[Pod]:
    """Match a pod whose job container requests and limits memory. The containers of a service mesh do not count."""

    def mismatch(pod: Pod) -> str | None:
        container = _of_the_job(pod)
        if container is None:
            return f"pod {pod.name} has no container"
        missing = [
            word
            for word, amounts in (("requested", container.requests), ("limited", container.limits))
            if amounts.get("memory", "0") == "0"
        ]
        return f"the memory of pod {pod.name} is not {' and not '.join(missing)}" if missing else None

    return Judged("memory that is requested and limited", mismatch)


def has_storage_mounted_and_bound(claims: Collection[Claim]) -> Judged[Pod]:
    """Match a pod that mounts the recordings, has a volume for each mount, and has all its storage claims bound."""
    bound = {claim.name for claim in claims if claim.phase == "Bound"}

    def mismatch(pod: Pod) -> str | None:
        container = _of_the_job(pod)
        if container is None or not any(path.startswith(RECORDINGS_PATH) for path in container.mounts):
            return f"pod {pod.name} does not mount {RECORDINGS_PATH}"
        for path, volume in container.mounts.items():
            if volume not in pod.volumes:
                return f"pod {pod.name} mounts {path} from volume {volume}, which it does not have"
        claimed = [volume.ref for volume in pod.volumes.values() if volume.kind == "persistentVolumeClaim"]
        unbound = [name for name in claimed if name not in bound]
        if unbound:
            return f"the storage claim {', '.join(unbound)} of pod {pod.name} is not bound"
        return None if claimed else f"pod {pod.name} claims no storage"

    return Judged("the recordings mounted from a storage claim that is bound", mismatch)
