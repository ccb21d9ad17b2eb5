"""Computes the number of jobs the cluster has room for, by each resource a job needs, and what the target lacks.

Everything comes from cluster objects: what nodes offer, what others have taken, and what one investigation requests.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from support.capacity.diagnosis.node_room import PODS, Amounts, allocatable, amounts, fit
from support.capacity.load.run import CapacityRun
from support.capacity.report.cluster_room import GPU, ClusterRoom
from support.clients.kubernetes.objects import Service

_CAUSES = {"cpu": "node-cpu", "memory": "node-memory", "ephemeral-storage": "node-storage", PODS: "pods-per-node"}
_RANGE = re.compile(r"(?:range of valid ports is|all \d+ ports) (\d+)-(\d+)")
_QUOTA_OF_SERVICES = ("services", "count/services", "services.nodeports")


@dataclass(frozen=True)
class Supply:
    """One limit of the number of jobs, in cores, bytes or pieces.

    ``cause`` is the id of its shortage. ``missing`` is the amount to add for the target, 0 if none.
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


def supplies(room: ClusterRoom) -> tuple[Supply, ...]:
    """Return all known limits of the number of jobs, the scarcest first."""
    found = [*_of_nodes(room), *_of_quotas(room.run, room.need), *_of_ports(room)]
    return tuple(sorted(found, key=lambda supply: supply.slots))


def port_range(run: CapacityRun) -> tuple[int, int] | None:
    """First and last stream port, from the environment or a refusal. Kubernetes itself does not provide them."""
    stated = run.fingerprint.get("stream_ports")
    if isinstance(stated, (list, tuple)) and len(stated) == 2:
        return int(stated[0]), int(stated[1])
    texts = (record.answer for record in run.step.records) if run.step else ()
    match = next((match for text in texts if (match := _RANGE.search(text))), None)
    return (int(match[1]), int(match[2])) if match else None


def _of_nodes(room: ClusterRoom) -> Iterator[Supply]:
    count = len(room.usable)
    for resource, per_job in room.need.items() if count else ():
        amounts_of = [(allocatable(node).get(resource, 0.0), room.of_others(node, resource)) for node in room.usable]
        offered, others = (sum(column) for column in zip(*amounts_of, strict=True))
        slots = sum(fit(one, other, per_job) for one, other in amounts_of)
        cause = "gpu-slices" if GPU.match(resource) else _CAUSES.get(resource)
        if cause is not None:
            scope = f"{count} node{'' if count == 1 else 's'}"
            yield _supply(cause, resource, scope, offered, others, per_job, slots, room.run.target.jobs)


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
                slots = fit(limit, taken_before, per_job)
                yield _supply("quota", item, f"quota {name}", limit, taken_before, per_job, slots, run.target.jobs)


def _quota_need(item: str, need: Amounts, jobs_each: int) -> float:
    if item in _QUOTA_OF_SERVICES:
        return 1.0
    if item == "count/jobs.batch":
        return float(jobs_each)
    return need.get(item.removeprefix("requests."), 0.0)


def _of_ports(room: ClusterRoom) -> Iterator[Supply]:
    run = room.run
    known = port_range(run)
    if known is None:
        return
    first, last = known
    services = {each.name: each for each in map(Service.parse, (*run.before.services, *run.during.services))}
    held = {
        port.node_port
        for service in services.values()
        if service.job_id not in room.own_ids
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
    """Format an amount for people: memory in GiB, CPU in cores."""
    kind = resource.rsplit(".", 1)[-1]
    if kind in ("memory", "ephemeral-storage"):
        return f"{value / 2**30:.4g} GiB"
    return f"{value:.6g}{' cores' if kind == 'cpu' else ''}"
