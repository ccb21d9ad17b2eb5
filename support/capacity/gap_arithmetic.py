"""How many jobs the cluster has room for, by each thing a job needs; and what is missing for the target.

Everything comes from objects of the cluster: what nodes offer, what others have taken, what one investigation asks for.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from support.capacity.node_room import (
    PODS,
    Amounts,
    added,
    allocatable,
    amounts,
    holds_room,
    need_per_job,
    taken,
    takes_pods,
)
from support.capacity.run import CapacityRun
from support.clients.kubernetes_objects import Job, Pod, Service

GPU = re.compile(r"nvidia\.com/")
_CAUSES = {"cpu": "node-cpu", "memory": "node-memory", "ephemeral-storage": "node-storage", PODS: "pods-per-node"}
_RANGE = re.compile(r"(?:range of valid ports is|all \d+ ports) (\d+)-(\d+)")
_QUOTA_OF_SERVICES = ("services", "count/services", "services.nodeports")


@dataclass(frozen=True)
class Supply:
    """One thing that limits how many jobs there can be. Cores, bytes or pieces; ``cause`` is what it is called when it
    runs out. ``missing`` is what has to be added for the target, 0 when nothing has.
    """

    cause: str
    resource: str
    scope: str
    offered: float
    taken_by_others: float
    per_job: float
    slots: int
    missing: float
    arithmetic: str


@dataclass(frozen=True)
class NodeView:
    """A node: what it offers, what others and the load have requested of it, and how many jobs it has room for."""

    name: str
    usable: bool
    offered: Amounts
    requested: Amounts
    slots: int


def supplies(run: CapacityRun) -> tuple[Supply, ...]:
    """Everything that limits the number of jobs, the scarcest first; only what is known."""
    need = job_need(run)
    found = [*_of_nodes(run, need), *_of_quotas(run, need), *_of_ports(run)]
    return tuple(sorted(found, key=lambda supply: supply.slots))


def node_views(run: CapacityRun) -> tuple[NodeView, ...]:
    """Every node of the cluster."""
    need = job_need(run)
    others = _taken_by_node(run, of_load=False)
    everything = _taken_by_node(run, of_load=None)
    return tuple(
        NodeView(
            name := str(node["metadata"]["name"]),
            _usable(node, need),
            offered := allocatable(node),
            everything.get(name, {}),
            min(_slots(offered, others.get(name, {}), need).values(), default=0) if _usable(node, need) else 0,
        )
        for node in run.during.nodes
    )


def more_nodes(run: CapacityRun, jobs: int) -> tuple[int, int] | None:
    """(number of nodes like the best of the present ones for so many more jobs, jobs on each); None if unknown."""
    need = job_need(run)
    each = max(
        (
            min(_slots(allocatable(node), {}, need).values(), default=0)
            for node in run.during.nodes
            if _usable(node, need)
        ),
        default=0,
    )
    return (math.ceil(jobs / each), each) if each > 0 else None


def job_need(run: CapacityRun) -> Amounts:
    """What one investigation of this load takes, its clean-up pod included; empty if that is not known."""
    own = _own_ids(run)
    pods = [raw for raw in (*run.during.pods, *run.during.all_pods) if Pod.parse(raw).job_id in own]
    return need_per_job(pods, run.during.jobs)


def port_range(run: CapacityRun) -> tuple[int, int] | None:
    """First and last stream port, as the environment or a refusal states it; Kubernetes itself does not tell."""
    stated = run.fingerprint.get("stream_ports")
    if isinstance(stated, (list, tuple)) and len(stated) == 2:
        return int(stated[0]), int(stated[1])
    texts = (record.answer for record in run.step.records) if run.step else ()
    match = next((match for text in texts if (match := _RANGE.search(text))), None)
    return (int(match[1]), int(match[2])) if match else None


def _of_nodes(run: CapacityRun, need: Amounts) -> Iterator[Supply]:
    nodes = [node for node in run.during.nodes if _usable(node, need)]
    others = _taken_by_node(run, of_load=False)
    for resource, per_job in need.items() if nodes else ():
        offered = [allocatable(node).get(resource, 0.0) for node in nodes]
        used = [others.get(str(node["metadata"]["name"]), {}).get(resource, 0.0) for node in nodes]
        slots = sum(_fit(one, other, per_job) for one, other in zip(offered, used, strict=True))
        cause = "gpu-slices" if GPU.match(resource) else _CAUSES.get(resource)
        if cause is not None:
            scope = f"{len(nodes)} node{'' if len(nodes) == 1 else 's'}"
            yield _supply(cause, resource, scope, sum(offered), sum(used), per_job, slots, run.target.jobs)


def _of_quotas(run: CapacityRun, need: Amounts) -> Iterator[Supply]:
    before = {quota["metadata"]["name"]: quota for quota in run.before.quotas}
    jobs_each = max(1, math.ceil(need.get(PODS, 1.0)))
    for quota in run.during.quotas:
        name, status = str(quota["metadata"]["name"]), quota.get("status") or {}
        hard = amounts(status.get("hard") or (quota.get("spec") or {}).get("hard"))
        used = amounts(((before.get(name) or {}).get("status") or {}).get("used"))
        for item, limit in hard.items():
            per_job = _quota_need(item, need, jobs_each)
            if per_job:
                taken_before = used.get(item, 0.0)
                slots = _fit(limit, taken_before, per_job)
                yield _supply("quota", item, f"quota {name}", limit, taken_before, per_job, slots, run.target.jobs)


def _quota_need(item: str, need: Amounts, jobs_each: int) -> float:
    if item in _QUOTA_OF_SERVICES:
        return 1.0
    if item == "count/jobs.batch":
        return float(jobs_each)
    return need.get(item.removeprefix("requests."), 0.0)


def _of_ports(run: CapacityRun) -> Iterator[Supply]:
    known = port_range(run)
    if known is None:
        return
    first, last = known
    own = _own_ids(run)
    services = {each.name: each for each in map(Service.parse, (*run.before.services, *run.during.services))}
    held = {
        port.node_port
        for service in services.values()
        if service.job_id not in own
        for port in service.ports
        if port.node_port is not None and first <= port.node_port <= last
    }
    size = last - first + 1
    yield _supply(
        "node-ports", "stream ports", f"{first}-{last}", size, len(held), 1, size - len(held), run.target.jobs
    )


def _supply(
    cause: str, resource: str, scope: str, offered: float, others: float, per_job: float, slots: int, target: int
) -> Supply:
    missing = max(0, target - slots) * per_job
    rest = (
        f"({shown(resource, offered)} - {shown(resource, others)} of others) / {shown(resource, per_job)} for each job"
    )
    arithmetic = f"{rest} = room for {slots} jobs"
    if missing:
        arithmetic += f"; {target} - {slots} = {target - slots} jobs need {shown(resource, missing)} more"
    return Supply(
        cause, resource, scope, float(offered), float(others), float(per_job), slots, float(missing), arithmetic
    )


def shown(resource: str, value: float) -> str:
    """An amount for people: memory in GiB, CPU in cores."""
    kind = resource.rsplit(".", 1)[-1]
    if kind in ("memory", "ephemeral-storage"):
        return f"{value / 2**30:.4g} GiB"
    return f"{value:.6g}{' cores' if kind == 'cpu' else ''}"


def _taken_by_node(run: CapacityRun, of_load: bool | None) -> dict[str, Amounts]:
    """What pods have requested on each node: of the load, of all others, or (None) both."""
    own, found = _own_ids(run), dict[str, Amounts]()
    for raw in _every_pod(run):
        if not holds_room(raw) or (of_load is not None and (Pod.parse(raw).job_id in own) is not of_load):
            continue
        name = str(raw["spec"]["nodeName"])
        found[name] = added(found.get(name, {}), taken(raw["spec"]))
    return found


def _every_pod(run: CapacityRun) -> Iterable[Mapping[str, Any]]:
    """All pods once; those of the load are in ``all_pods`` as well, where they still exist."""
    return {pod["metadata"].get("uid") or pod["metadata"]["name"]: pod for pod in run.during.all_pods}.values()


def _own_ids(run: CapacityRun) -> frozenset[str | None]:
    """The investigations of this load, also those that were opened without an answer."""
    answered = {record.job_id for record in run.step.records if record.job_id} if run.step else set()
    seen = {Job.parse(job).job_id for job in run.during.jobs} | {Pod.parse(pod).job_id for pod in run.during.pods}
    return frozenset(each for each in answered | seen if each)


def _usable(node: Mapping[str, Any], need: Amounts) -> bool:
    offered = allocatable(node)
    return takes_pods(node) and all(offered.get(resource) for resource in need if GPU.match(resource))


def _slots(offered: Amounts, others: Amounts, need: Amounts) -> dict[str, int]:
    return {each: _fit(offered.get(each, 0.0), others.get(each, 0.0), value) for each, value in need.items()}


def _fit(offered: float, others: float, per_job: float) -> int:
    # A hair is forgiven: 14 cores less 0.2 hold 138 jobs of 0.1 cores, whatever binary fractions make of it.
    return max(0, math.floor((offered - others) / per_job + 1e-9))
