"""The scheduler's check of whether a pod fits on a node, and its messages if it fits on none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from environments.sandbox.kubernetes.controllers.meta import is_true
from environments.sandbox.kubernetes.store.objects import dig
from environments.sandbox.shared import quantities
from environments.sandbox.shared.kubernetes_versions import KubernetesVersion

_SELECTOR = "node(s) didn't match Pod's node affinity/selector"
_UNSCHEDULABLE = "node(s) were unschedulable"
_TAINTED = "node(s) had untolerated taint"
_NOT_READY = "node.kubernetes.io/not-ready"


Demand = Mapping[str, int]
"""The resource requests of one pod: amounts by resource."""


@dataclass
class NodeLoad:
    """The resources that the pods of one node have requested."""

    used: Counter[str] = field(default_factory=Counter)
    pods: int = 0

    def take(self, demand: Demand, sign: int = 1) -> None:
        for resource, value in demand.items():
            self.used[resource] += sign * value
        self.pods += sign


def allocatable(node: Mapping[str, Any]) -> dict[str, int]:
    offered = dig(node, "status", "allocatable", default={})
    return {resource: quantities.amount(resource, str(value)) for resource, value in offered.items()}


def hindrances(
    pod: Mapping[str, Any], demand: Demand, node: Mapping[str, Any], load: NodeLoad, version: KubernetesVersion
) -> list[str]:
    """Return the reasons why ``pod`` cannot run on ``node``; empty if it can.

    As in Kubernetes, only the first kind of reason is reported, but all insufficient resources are listed.
    """
    spec = node.get("spec", {})
    if spec.get("unschedulable"):
        return [_UNSCHEDULABLE]
    taint = _untolerated(pod, node)
    if taint is not None:
        named = f"{_TAINTED} {{{taint['key']}: {taint.get('value', '')}}}"
        return [named if version.names_taints else f"{_TAINTED}(s)"]
    labels = node["metadata"].get("labels", {})
    if any(labels.get(label) != value for label, value in pod["spec"].get("nodeSelector", {}).items()):
        return [_SELECTOR]
    offered = allocatable(node)
    missing = ["Too many pods"] if load.pods + 1 > offered.get("pods", 0) else []
    for resource, value in demand.items():
        if value and load.used[resource] + value > offered.get(resource, 0):
            missing.append(f"Insufficient {resource}")
    return missing


def unschedulable_message(nodes: int, reasons: Iterable[list[str]], version: KubernetesVersion) -> str:
    """Return the message of the PodScheduled condition. ``reasons`` has one entry for each node."""
    if not nodes:
        return "no nodes available to schedule pods"
    counted: Counter[str] = Counter()
    helpless = 0
    for each in reasons:
        counted.update(each)
        helpless += not all(reason.startswith(("Insufficient", "Too many")) for reason in each)
    preemption = []
    if helpless:
        preemption.append(f"{helpless} Preemption is not helpful for scheduling")
    if nodes > helpless:
        preemption.append(f"{nodes - helpless} No preemption victims found for incoming pod")
    why = ", ".join(sorted(f"{count} {reason}" for reason, count in counted.items()))
    return _sentence(nodes, why, ", ".join(preemption), version)


def unschedulable_everywhere(nodes: int, why: str, version: KubernetesVersion) -> str:
    """Return the message of the PodScheduled condition if one reason applies to all nodes."""
    return _sentence(nodes, why, f"{nodes} Preemption is not helpful for scheduling", version)


def _sentence(nodes: int, why: str, preemption: str, version: KubernetesVersion) -> str:
    first = f"0/{nodes} nodes are available"
    tried = "no new claims to deallocate, preemption" if version.has_resource_claims else "preemption"
    return f"{first}: {why}. {tried}: {first}: {preemption}."


def _untolerated(pod: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any] | None:
    taints: list[Mapping[str, Any]] = list(node.get("spec", {}).get("taints", ()))
    if not is_true(node, "Ready") and not any(taint["key"] == _NOT_READY for taint in taints):
        taints.append({"key": _NOT_READY, "effect": "NoSchedule"})
    tolerations = pod["spec"].get("tolerations", ())
    for taint in taints:
        if taint["effect"] != "PreferNoSchedule" and not any(_tolerates(each, taint) for each in tolerations):
            return taint
    return None


def _tolerates(toleration: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    if toleration.get("effect") not in (None, "", taint["effect"]):
        return False
    if toleration.get("operator") == "Exists":
        return toleration.get("key") in (None, "", taint["key"])
    return bool(toleration.get("key") == taint["key"] and toleration.get("value", "") == taint.get("value", ""))
