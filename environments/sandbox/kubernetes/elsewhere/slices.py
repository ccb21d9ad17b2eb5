"""GPU slices on a cluster that has none: an extended resource, written into the status of its nodes."""

from __future__ import annotations

from collections.abc import Iterable

from environments.sandbox.shared.kubernetes_client import MERGE_PATCH, KubernetesClient, Refused

RESOURCE = "nvidia.com/gpu.shared"
_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


async def may_offer(client: KubernetesClient) -> str:
    """Nothing where nodes may be given slices, or the reason why not."""
    wanted = {"verb": "patch", "resource": "nodes", "subresource": "status"}
    body = {"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1"}
    answer = await client.request("POST", _REVIEWS, {**body, "spec": {"resourceAttributes": wanted}})
    if answer["status"].get("allowed"):
        return ""
    return f"no node of the cluster offers {RESOURCE}, and its kubeconfig may not patch nodes/status"


async def offer(client: KubernetesClient, nodes: Iterable[str], slices: int | None) -> None:
    """Give these nodes so many slices each; None takes them away again. A node that is gone needs nothing.

    A kubelet copies what it is capable of to what may be taken; where there is none, both are written.
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
