"""The nodes of the cluster during a load: what they offer, what others hold, and how many jobs fit."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from support.capacity.diagnosis.node_room import (
    Amounts,
    added,
    allocatable,
    fit,
    holds_room,
    need_per_job,
    taken,
    takes_pods,
)
from support.capacity.load.run import CapacityRun
from support.clients.kubernetes.objects import Job, Pod

GPU = re.compile(r"nvidia\.com/")


@dataclass(frozen=True)
class NodeView:
    """A node: what it offers, what others and the load have requested of it, and how many jobs it has room for."""

    name: str
    usable: bool
    offered: Amounts
    requested: Amounts
    slots: int


class ClusterRoom:
    """Computes the room of the cluster from the pods and nodes of a run. Results are cached."""

    def __init__(self, run: CapacityRun) -> None:
        self.run = run

    @cached_property
    def own_ids(self) -> frozenset[str]:
        """The investigations of the load, including those that were opened without an answer."""
        step, during = self.run.step, self.run.during
        answered = {record.job_id for record in step.records} if step else set()
        seen = {Job.parse(job).job_id for job in during.jobs} | {Pod.parse(pod).job_id for pod in during.pods}
        return frozenset(each for each in answered | seen if each)

    @cached_property
    def need(self) -> Amounts:
        """The need of one investigation, clean-up pod included; empty if unknown."""
        during = self.run.during
        pods = [raw for raw in (*during.pods, *during.all_pods) if Pod.parse(raw).job_id in self.own_ids]
        return need_per_job(pods, during.jobs)

    @cached_property
    def usable(self) -> tuple[Mapping[str, Any], ...]:
        """The nodes that take jobs: ready, open to ordinary pods, and with GPU slices if a job needs one."""
        return tuple(node for node in self.run.during.nodes if self._takes_jobs(node))

    def of_others(self, node: Mapping[str, Any], resource: str) -> float:
        """Return the amount that pods outside the load have requested on a node."""
        return self._others.get(str(node["metadata"]["name"]), {}).get(resource, 0.0)

    def nodes(self) -> tuple[NodeView, ...]:
        """Return a view of each node of the cluster."""
        return tuple(
            NodeView(
                name := str(node["metadata"]["name"]),
                node in self.usable,
                allocatable(node),
                added(self._others.get(name, {}), self._own.get(name, {})),
                self._slots(node, self._others.get(name, {})) if node in self.usable else 0,
            )
            for node in self.run.during.nodes
        )

    def more_nodes(self, jobs: int) -> tuple[int, int] | None:
        """(number of nodes like the best present one for ``jobs`` more jobs, jobs on each); None if unknown."""
        each = max((self._slots(node, {}) for node in self.usable), default=0)
        return (math.ceil(jobs / each), each) if each > 0 else None

    @cached_property
    def _others(self) -> dict[str, Amounts]:
        return self._taken(of_load=False)

    @cached_property
    def _own(self) -> dict[str, Amounts]:
        return self._taken(of_load=True)

    def _taken(self, of_load: bool) -> dict[str, Amounts]:
        """Return the amounts requested by pods on each node. ``all_pods`` includes the pods of the load."""
        found: dict[str, Amounts] = {}
        for raw in self.run.during.all_pods:
            if holds_room(raw) and (Pod.parse(raw).job_id in self.own_ids) is of_load:
                name = str(raw["spec"]["nodeName"])
                found[name] = added(found.get(name, {}), taken(raw["spec"], raw.get("status")))
        return found

    def _takes_jobs(self, node: Mapping[str, Any]) -> bool:
        offered = allocatable(node)
        return takes_pods(node) and all(offered.get(resource) for resource in self.need if GPU.match(resource))

    def _slots(self, node: Mapping[str, Any], others: Amounts) -> int:
        offered = allocatable(node)
        fits = (fit(offered.get(each, 0.0), others.get(each, 0.0), value) for each, value in self.need.items())
        return min(fits, default=0)
