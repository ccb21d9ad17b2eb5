"""The capacity of the cluster for one more investigation, from its nodes, pods and quotas in Kubernetes.

An investigation that finds no room may wait for it (requirement JL-13), but only a few at a time: beyond
``waiting_jobs`` further ones are refused (CA-08). The state is kept up to date by watching, so that a check costs
nothing however many clients ask at once. Capacity promised to openings in progress counts as taken.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from environments.sandbox.focus_server.kubernetes import Kubernetes
from environments.sandbox.focus_server.manifests import GPU_RESOURCE
from environments.sandbox.focus_server.refusals import CannotOpen
from environments.sandbox.shared import quantities

PODS = "pods"
JOB_LABEL = "job-name"
NEED: Mapping[str, int] = {GPU_RESOURCE: 1, "cpu": 100, "memory": 512 * 2**20, PODS: 2}
"""The need of one investigation: its job and the clean-up job that watches it (millicores, bytes)."""
TITLES = {GPU_RESOURCE: f"GPU slices ({GPU_RESOURCE})", PODS: "pods on the nodes"}

Amounts = Counter[str]


@dataclass(frozen=True)
class Room:
    """The amount left of one resource; ``more`` is the number of investigations it suffices for, less waiting ones."""

    title: str
    free: str
    offered: str
    more: int

    def __str__(self) -> str:
        waiting = f", {-self.more} waiting" if self.more < 0 else ""
        return f"{self.title}: {self.free} of {self.offered} free{waiting}"


@dataclass(frozen=True)
class _Node:
    name: str
    offered: Amounts
    usable: bool


@dataclass(frozen=True)
class _Pod:
    namespace: str
    node: str | None
    taken: Amounts


class Capacity:
    """The capacity of the cluster. Until it has been read for the first time, nothing is refused."""

    def __init__(
        self, kubernetes: Kubernetes, namespace: str, waiting_jobs: int, log: logging.Logger, gpu: bool = True
    ) -> None:
        self._namespace, self._waiting_jobs = namespace, waiting_jobs
        self._need = {resource: amount for resource, amount in NEED.items() if gpu or resource != GPU_RESOURCE}
        self._nodes: dict[str, _Node] = {}
        self._pods: dict[str, _Pod] = {}
        self._quotas: dict[str, int] = {}
        self._taken: dict[str | None, Amounts] = {}
        self._own_pods = 0
        self._expected: dict[str, Amounts] = {}
        self._coming: Amounts = Counter()
        """The sum of the expected amounts."""
        changed = {"Node": self._node, "Pod": self._pod, "ResourceQuota": self._quota}
        self._informers = [kubernetes.informer(kind, log, change) for kind, change in changed.items()]

    def start(self) -> None:
        for informer in self._informers:
            informer.start()

    async def stop(self) -> None:
        for informer in self._informers:
            await informer.stop()

    def check(self) -> None:
        """Raise :class:`CannotOpen`, naming what is short, if one more investigation could not even wait."""
        if not all(informer.synced.is_set() for informer in self._informers):
            return
        short = [room for room in self.rooms() if room.more + self._waiting_jobs < 1]
        if short:
            lost = [node.name for node in self._nodes.values() if not node.usable]
            why = "; ".join(map(str, short)) + (f"; not ready: {', '.join(sorted(lost))}" if lost else "")
            raise CannotOpen(f"no room in the cluster for one more: {why}")

    def expect(self, name: str, needs_gpu: bool) -> None:
        """Count a job that is about to be created, until its pod is counted."""
        amounts = Counter({PODS: 1})
        if needs_gpu:
            amounts.update({resource: amount for resource, amount in self._need.items() if resource != PODS})
        self.forget(name)
        self._expected[name] = amounts
        self._coming.update(amounts)

    def forget(self, name: str) -> None:
        """Stop counting a job that was not created or is gone."""
        self._coming.subtract(self._expected.pop(name, {}))

    def forget_all(self) -> None:
        """Stop counting all jobs: none of them can still get its pod."""
        self._expected.clear()
        self._coming.clear()

    def rooms(self) -> Iterator[Room]:
        """The amounts left of each resource that an investigation needs."""
        nodes = [node for node in self._nodes.values() if node.usable]
        unplaced = self._taken.get(None, Counter())
        for resource, need in self._need.items():
            waiting = self._coming[resource] + unplaced[resource]
            left = [max(0, node.offered[resource] - self._on(node)[resource]) for node in nodes]
            more = sum(each // need for each in left) - -(-waiting // need)
            offered = sum(node.offered[resource] for node in nodes)
            free = max(0, sum(left) - waiting)
            free_text, offered_text = quantities.text(resource, free), quantities.text(resource, offered)
            yield Room(TITLES.get(resource, resource), free_text, offered_text, more)
        for name, limit in self._quotas.items():
            left_pods = limit - self._own_pods - self._coming[PODS]
            yield Room(f"pods of quota {name}", str(max(0, left_pods)), str(limit), left_pods // NEED[PODS])

    def _on(self, node: _Node) -> Amounts:
        return self._taken.get(node.name, Counter())

    def _node(self, node: Mapping[str, Any], gone: bool) -> None:
        name = node["metadata"]["name"]
        self._nodes.pop(name, None)
        offered = Counter(_amounts((node.get("status") or {}).get("allocatable") or {}))
        if not gone and (offered[GPU_RESOURCE] or GPU_RESOURCE not in self._need):
            self._nodes[name] = _Node(name, offered, _is_usable(node))

    def _quota(self, quota: Mapping[str, Any], gone: bool) -> None:
        name, hard = quota["metadata"]["name"], (quota.get("spec") or {}).get("hard") or {}
        self._quotas.pop(name, None)
        if not gone and PODS in hard:
            self._quotas[name] = quantities.amount(PODS, str(hard[PODS]))

    def _pod(self, pod: Mapping[str, Any], gone: bool) -> None:
        metadata = pod["metadata"]
        self._remove(metadata["uid"])
        self.forget((metadata.get("labels") or {}).get(JOB_LABEL, ""))
        if gone or (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
            return
        taken = Counter({**quantities.requests(pod["spec"]), PODS: 1})
        entry = _Pod(metadata["namespace"], pod["spec"].get("nodeName"), taken)
        self._pods[metadata["uid"]] = entry
        self._taken.setdefault(entry.node, Counter()).update(taken)
        self._own_pods += entry.namespace == self._namespace

    def _remove(self, uid: str) -> None:
        entry = self._pods.pop(uid, None)
        if entry is not None:
            self._taken[entry.node].subtract(entry.taken)
            self._own_pods -= entry.namespace == self._namespace


def _amounts(offered: Mapping[str, Any]) -> dict[str, int]:
    return {
        resource: quantities.amount(resource, str(value)) for resource, value in offered.items() if resource in NEED
    }


def _is_usable(node: Mapping[str, Any]) -> bool:
    spec, status = node.get("spec") or {}, node.get("status") or {}
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in status.get("conditions") or ())
    tainted = any(taint["effect"] != "PreferNoSchedule" for taint in spec.get("taints") or ())
    return ready and not tainted and not spec.get("unschedulable")
