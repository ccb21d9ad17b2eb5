"""Checks whether an external cluster may be used, and describes it for a sandbox."""

from __future__ import annotations

import asyncio
import re
import secrets
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from environments.sandbox.kubernetes.elsewhere.access import read_access
from environments.sandbox.kubernetes.elsewhere.slices import RESOURCE, may_offer, offer
from environments.sandbox.shared.borrowed import (
    MARKED,
    OWNER_LABEL,
    SLICES_GIVEN,
    is_abandoned,
    is_marked,
    not_permitted,
)
from environments.sandbox.shared.errors import StartError
from environments.sandbox.shared.kubernetes_client import KubernetesClient, Object, Refused, Unreachable
from environments.sandbox.shared.variables import KUBERNETES_VARIABLE as VARIABLE

PREFIX = "focus-acceptance-"
GONE_WITHIN_S = 60.0
_RANGE = re.compile(r"The range of valid ports is (\d+)-(\d+)")
_NAMESPACES = "/api/v1/namespaces"
_ROLES = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")


@dataclass(frozen=True)
class BorrowedCluster:
    """An external cluster that a sandbox uses.

    ``nodes`` are described as in the plan of a sandbox. ``without_slices`` is the reason why the cluster can have no
    GPU slices, or empty. ``to_be_given_slices`` names the nodes that the sandbox must give slices to.
    """

    access: Mapping[str, str]
    nodes: list[dict[str, Any]]
    node_ports: tuple[int, int]
    without_slices: str
    to_be_given_slices: list[str]
    namespace: str = field(default_factory=lambda: PREFIX + secrets.token_hex(4))


async def claim(access: Mapping[str, str], permitted: bool) -> BorrowedCluster:
    """Check the cluster and return its description. Raises :class:`StartError` if it cannot be used.

    First removes what killed sandboxes have left on it.
    """
    async with answering(access) as client:
        await _check_mark(client, permitted)
        await remove_abandoned(client)
        nodes = (await client.request("GET", "/api/v1/nodes"))["items"]
        usable = [node for node in map(_described, nodes) if node is not None]
        if not usable:
            raise StartError(f"{VARIABLE}: the cluster at {client.url} has no node that is ready and has an address")
        if all(node["role"] == "master" for node in usable):  # a single node with all roles, as kind creates it
            usable = [{**node, "role": "worker"} for node in usable]
        offered = [node for node in nodes if int(node["status"].get("allocatable", {}).get(RESOURCE, 0))]
        why_not = "" if offered else await may_offer(client)
        given = [] if offered or why_not else [node["name"] for node in usable if node["role"] == "worker"]
        return BorrowedCluster(access, usable, await _node_ports(client), why_not, given)


@asynccontextmanager
async def answering(access: Mapping[str, str]) -> AsyncIterator[KubernetesClient]:
    """Yield a client. Raises :class:`StartError` if the cluster refuses a request or does not answer."""
    client = KubernetesClient(access)
    try:
        yield client
    except Unreachable as error:
        raise StartError(f"{VARIABLE}: {client.url}: {error}") from None
    except Refused as error:
        raise StartError(f"{VARIABLE}: {client.url} refuses: {error.message}") from None
    finally:
        await client.close()


async def remove_left(kubeconfig: Path) -> list[str]:
    """Run :func:`remove_abandoned` on the cluster of a kubeconfig. Raises the same errors as :func:`claim`, and
    :class:`UsageError` for an invalid kubeconfig."""
    with tempfile.TemporaryDirectory(prefix="focus-sandbox-") as folder:
        async with answering(read_access(kubeconfig, Path(folder))) as client:
            return await remove_abandoned(client)


async def remove_abandoned(client: KubernetesClient) -> list[str]:
    """Remove the namespaces of this machine's sandboxes whose process is gone, and return their names."""
    selector = {"labelSelector": f"{OWNER_LABEL}=sandbox"}
    kept = (await client.request("GET", _NAMESPACES, parameters=selector))["items"]
    abandoned = [namespace["metadata"] for namespace in filter(is_abandoned, kept)]
    for metadata in abandoned:
        await offer(client, filter(None, metadata["annotations"].get(SLICES_GIVEN, "").split(",")), None)
        await remove(client, metadata["name"])
    names = [metadata["name"] for metadata in abandoned]
    for name in names:
        await _gone(client, name)
    return names


async def remove(client: KubernetesClient, namespace: str) -> None:
    """Request the deletion of a namespace and of the volume of the same name."""
    for path in (f"/api/v1/persistentvolumes/{namespace}", f"{_NAMESPACES}/{namespace}"):
        try:
            await client.request("DELETE", path)
        except Refused as error:
            if error.status != 404:
                raise


async def _gone(client: KubernetesClient, name: str) -> None:
    try:
        async with asyncio.timeout(GONE_WITHIN_S):
            while True:
                await client.request("GET", f"{_NAMESPACES}/{name}")
                await asyncio.sleep(0.2)
    except Refused as error:
        if error.status != 404:
            raise
    except TimeoutError:
        raise StartError(f"{VARIABLE}: the namespace {name} is not gone after {GONE_WITHIN_S:g} s") from None


async def _check_mark(client: KubernetesClient, permitted: bool) -> None:
    marked = [await client.request("GET", f"{_NAMESPACES}/{name}") for name in MARKED]
    if not permitted and not is_marked(marked):
        raise StartError(f"{VARIABLE}: {not_permitted(client.url)}")


def _described(node: Object) -> dict[str, Any] | None:
    """Return a node's name, address and role; None if it is not ready or has no address."""
    status, labels = node["status"], node["metadata"].get("labels") or {}
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in status.get("conditions", ()))
    address = next((each["address"] for each in status.get("addresses", ()) if each["type"] == "InternalIP"), None)
    if not ready or address is None:
        return None
    role = "master" if any(label in labels for label in _ROLES) else "worker"
    return {"name": node["metadata"]["name"], "address": address, "role": role}


async def _node_ports(client: KubernetesClient) -> tuple[int, int]:
    """Read the node port range from the refusal of an invalid port: the API reports the range nowhere else."""
    port = {"port": 1, "nodePort": 1}
    body = {"metadata": {"name": "no-such-port"}, "spec": {"type": "NodePort", "ports": [port]}}
    try:
        await client.request("POST", f"{_NAMESPACES}/default/services", body, parameters={"dryRun": "All"})
    except Refused as error:
        if found := _RANGE.search(error.message):
            return int(found[1]), int(found[2])
        raise
    raise StartError(f"{VARIABLE}: {client.url} accepts node port 1 and does not tell its range")
