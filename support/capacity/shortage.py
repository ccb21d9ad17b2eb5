"""The resources a full site is short of, as the cluster shows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from support.capacity.diagnosis.node_room import (
    allocatable,
    fit,
    holds_room,
    is_ready,
    need_per_job,
    taken,
    takes_pods,
)
from support.checks.resources import GPU_SLICE
from support.clients.kubernetes.client import KubernetesClient
from support.clients.kubernetes.objects import Raw


@dataclass(frozen=True)
class Shortage:
    """Resources and nodes that are short.

    ``used_up`` are resources of which no node has enough for one more investigation, with the total all ready nodes
    offer (cores, bytes, pieces). ``left`` are resources with room. ``lost`` are the nodes that are not ready, by name.
    """

    used_up: Mapping[str, float]
    left: frozenset[str]
    lost: tuple[str, ...]
    ready: frozenset[str]


def shortage_of(cluster: KubernetesClient) -> Shortage:
    """Return the present shortage. Nodes without GPU slices serve other work and do not count towards resources."""
    nodes = {node.name: node.raw for node in cluster.nodes()}
    usable = [node for node in nodes.values() if takes_pods(node) and allocatable(node).get(GPU_SLICE)]
    pods = [pod for pod in cluster.list_raw_everywhere("pods") if holds_room(pod)]
    need = need_per_job(pods)
    used_up = {
        resource: sum(allocatable(node).get(resource, 0.0) for node in usable)
        for resource, amount in need.items()
        if not any(_has_room(node, pods, resource, amount) for node in usable)
    }
    ready = frozenset(name for name, node in nodes.items() if is_ready(node))
    return Shortage(used_up, frozenset(need) - used_up.keys(), tuple(sorted(nodes.keys() - ready)), ready)


def _has_room(node: Raw, pods: Iterable[Raw], resource: str, amount: float) -> bool:
    on_it = (pod for pod in pods if pod["spec"]["nodeName"] == node["metadata"]["name"])
    held = sum(taken(pod["spec"], pod.get("status")).get(resource, 0.0) for pod in on_it)
    return fit(allocatable(node).get(resource, 0.0), held, amount) > 0
