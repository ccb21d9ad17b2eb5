"""What nodes offer and pods take, as whole comparable numbers (cores, bytes, pieces), from the API's JSON."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import Any

from kubernetes.utils.quantity import parse_quantity

from support.clients.kubernetes.objects import Pod

Raw = Mapping[str, Any]
Amounts = dict[str, float]

PODS = "pods"
_SOFT = "PreferNoSchedule"
_ENDED = ("Succeeded", "Failed")


def amounts(quantities: Mapping[str, Any] | None) -> Amounts:
    """Kubernetes quantities as numbers: cpu in cores, memory in bytes, everything else in pieces."""
    return {resource: quantity(value) for resource, value in (quantities or {}).items()}


def quantity(value: object) -> float:
    """One Kubernetes quantity; ValueError for anything else."""
    return float(parse_quantity(str(value)))  # type: ignore[no-untyped-call]  # it ships no type information


def allocatable(node: Raw) -> Amounts:
    """What a node offers to pods."""
    return amounts((node.get("status") or {}).get("allocatable"))


def taken(pod_spec: Raw) -> Amounts:
    """What one pod takes: its requests (limits where only those are given, as Kubernetes defaults them) and its place.

    Init containers run one at a time, before the others: they count where one alone asks for more.
    """
    total: Amounts = {PODS: 1.0}
    for container in pod_spec.get("containers") or ():
        total = added(total, _requests(container))
    for container in pod_spec.get("initContainers") or ():
        for resource, value in _requests(container).items():
            total[resource] = max(total.get(resource, 0.0), value)
    return total


def added(one: Amounts, other: Amounts) -> Amounts:
    """Both together."""
    return {resource: one.get(resource, 0.0) + other.get(resource, 0.0) for resource in (one | other)}


def is_ready(node: Raw) -> bool:
    """Whether the kubelet says that the node is ready."""
    conditions = (node.get("status") or {}).get("conditions") or ()
    return any(each.get("type") == "Ready" and each.get("status") == "True" for each in conditions)


def takes_pods(node: Raw) -> bool:
    """Ready, not cordoned and without a taint that keeps ordinary pods away."""
    spec = node.get("spec") or {}
    kept_away = any(taint.get("effect") != _SOFT for taint in spec.get("taints") or ())
    return is_ready(node) and not spec.get("unschedulable") and not kept_away


def holds_room(pod: Raw) -> bool:
    """Whether a pod still takes room: it has a node and has not ended."""
    placed = bool((pod.get("spec") or {}).get("nodeName"))
    return placed and (pod.get("status") or {}).get("phase") not in _ENDED


def need_per_job(pods: Iterable[Raw], jobs: Iterable[Raw] = ()) -> Amounts:
    """What one investigation takes, its clean-up pod included: the most that any of them took; empty if none is known.

    Where no pod was ever created, the templates of the jobs say it.
    """
    found: dict[str, dict[str, Amounts]] = {}
    for raw in pods:
        pod = Pod.parse(raw)
        if pod.job_id and pod.role:
            found.setdefault(pod.job_id, {})[pod.role] = taken(raw.get("spec") or {})
    for raw in jobs:
        role, _, job_id = raw["metadata"]["name"].partition("-job-")
        if job_id and role in ("grpc", "cleanup"):
            template = ((raw.get("spec") or {}).get("template") or {}).get("spec") or {}
            found.setdefault(job_id, {}).setdefault(role, taken(template))
    needs: Amounts = {}
    for roles in found.values():
        for resource, value in functools.reduce(added, roles.values()).items():
            needs[resource] = max(needs.get(resource, 0.0), value)
    return {resource: value for resource, value in needs.items() if value}


def room(offered: Amounts, need: Amounts) -> int | None:
    """How many investigations fit in what is offered; None if it is not known what they need."""
    return min((max(0, int(offered.get(each, 0.0) // value)) for each, value in need.items()), default=None)


def _requests(container: Raw) -> Amounts:
    resources = container.get("resources") or {}
    return amounts({**(resources.get("limits") or {}), **(resources.get("requests") or {})})
