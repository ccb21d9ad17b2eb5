"""Room on nodes and use by pods as comparable numbers (cores, bytes, pieces), from the API's JSON."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable

from support.capacity.diagnosis.pod_requests import PODS, Amounts, Raw, added, amounts, quantity, taken
from support.clients.kubernetes.objects import Pod

__all__ = [
    "PODS",
    "Amounts",
    "added",
    "allocatable",
    "amounts",
    "fit",
    "holds_room",
    "is_ready",
    "need_per_job",
    "quantity",
    "room",
    "taken",
    "takes_pods",
]

_SOFT = "PreferNoSchedule"
_ENDED = ("Succeeded", "Failed")


def allocatable(node: Raw) -> Amounts:
    """Amounts a node offers to pods."""
    return amounts((node.get("status") or {}).get("allocatable"))


def is_ready(node: Raw) -> bool:
    """Whether the kubelet reports the node as ready."""
    conditions = (node.get("status") or {}).get("conditions") or ()
    return any(each.get("type") == "Ready" and each.get("status") == "True" for each in conditions)


def takes_pods(node: Raw) -> bool:
    """Whether a node is ready, not cordoned and without a taint that keeps ordinary pods away."""
    spec = node.get("spec") or {}
    kept_away = any(taint.get("effect") != _SOFT for taint in spec.get("taints") or ())
    return is_ready(node) and not spec.get("unschedulable") and not kept_away


def holds_room(pod: Raw) -> bool:
    """Whether a pod still takes room: it has a node and has not ended."""
    placed = bool((pod.get("spec") or {}).get("nodeName"))
    return placed and (pod.get("status") or {}).get("phase") not in _ENDED


def need_per_job(pods: Iterable[Raw], jobs: Iterable[Raw] = ()) -> Amounts:
    """Return the need of one investigation, clean-up pod included: the most any of them took; empty if none is known.

    If no pod was ever created, the need comes from the templates of the jobs.
    """
    found: dict[str, dict[str, Amounts]] = {}
    for raw in pods:
        pod = Pod.parse(raw)
        if pod.job_id and pod.role:
            found.setdefault(pod.job_id, {})[pod.role] = taken(raw.get("spec") or {}, raw.get("status"))
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
    """Return the number of investigations that fit in what is offered, or None if their need is unknown."""
    return min((fit(offered.get(each, 0.0), 0.0, value) for each, value in need.items()), default=None)


def fit(offered: float, others: float, per_job: float) -> int:
    """Return the number of jobs that fit in what others leave."""
    # The tolerance absorbs binary rounding: 14 cores less 0.2 hold 138 jobs of 0.1 cores.
    return max(0, math.floor((offered - others) / per_job + 1e-9))
