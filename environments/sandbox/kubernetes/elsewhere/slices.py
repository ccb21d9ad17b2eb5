"""GPU slices on a cluster that has none: an extended resource that is written into the status of its nodes."""

from __future__ import annotations

from collections.abc import Iterable

from environments.sandbox.shared.kubernetes_client import MERGE_PATCH, KubernetesClient, Refused

RESOURCE = "nvidia.com/gpu.shared"
_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


async def may_offer(client: KubernetesClient) -> str:
    """Return the reason why nodes cannot be given slices; empty if they can."""
    wanted = {"verb": "patch", "resource": "nodes", "subresource": "status"}
    body = {"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1"}
    answer = await client.request("POST", _REVIEWS, {**body, "spec": {"resourceAttributes": wanted}})
    if answer["status"].get("allowed"):
        return ""
    return f"no node of the cluster offers {RESOURCE}, and its kubeconfig may not patch nodes/status"


async def offer(client: KubernetesClient, nodes: Iterable[str], slices: int | None) -> None:
    """Give each of these nodes a number of slices; None removes them again. Nodes that no longer exist are skipped.

    A kubelet copies capacity to allocatable. Both are written for nodes that have no kubelet to do so.
    """
    amount = {RESOURCE: None if slices is None else str(slices)}
    for name in nodes:
        try:
            await client.request(
                "PATCH", f"/api/v1/nodes/{name}/status", {"status": {"capacity": amount, "allocatable": amount}},
                content_type=MERGE_PATCH,
            )  # fmt: skip
        except Refused as error:
            if error.status != 404:
                raise
