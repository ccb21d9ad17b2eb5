"""Recommended changes: from what to what, why, and how to verify them. Made from findings, never a fixed list."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from support.capacity.diagnosis import Bottleneck, Diagnosis
from support.capacity.load.phases import latencies_ms
from support.capacity.load.run import CapacityRun
from support.capacity.report.cluster_room import ClusterRoom
from support.capacity.report.gap_arithmetic import Supply, shown

CAPACITY_TAG, LATENCY_TAG, PORTS_TAG = "@CA-01a", "@PF-01a", "@CA-06a"

Value = str | int | float | None


@dataclass(frozen=True)
class Recommendation:
    """A recommended change. ``before`` and ``after`` are the values of a setting, None if only an action helps."""

    cause: str
    action: str
    before: Value
    after: Value
    arithmetic: str
    expected_effect: str
    verify_with: str = CAPACITY_TAG


def recommend(room: ClusterRoom, diagnosis: Diagnosis, supplies: Sequence[Supply]) -> tuple[Recommendation, ...]:
    """Return a recommendation for each finding in order, then for what would run short next."""
    found = [_for(finding, room, supplies) for finding in diagnosis.findings]
    named = {finding.cause.id for finding in diagnosis.findings}
    found += [_room(supply, room, "would be the next shortage") for supply in supplies
              if supply.missing and supply.cause not in named and _cause_of_lost(supply, named)]  # fmt: skip
    return tuple(found)


def _cause_of_lost(supply: Supply, named: set[str]) -> bool:
    """Whether to add to a supply: not to nodes while one is lost, nor to ports while leaked services hold some."""
    on_nodes = supply.cause not in ("quota", "node-ports")
    return not (on_nodes and "node-not-ready" in named) and not (
        supply.cause == "node-ports" and "leaked-ports" in named
    )


def _for(finding: Bottleneck, room: ClusterRoom, supplies: Sequence[Supply]) -> Recommendation:
    cause = finding.cause.id
    supply = next((each for each in supplies if each.cause == cause and each.missing), None)
    if supply is not None:
        return _room(supply, room, _effect(finding))
    special = _SPECIAL.get(cause)
    if special is not None:
        return special(finding, room.run)
    action, tag = _ACTIONS[cause]
    return Recommendation(cause, action, None, None, _count(finding), _effect(finding), tag)


def _room(supply: Supply, room: ClusterRoom, effect: str) -> Recommendation:
    after = supply.offered + supply.missing
    actions = {
        "quota": f"raise {supply.resource} of {supply.scope}",
        "node-ports": "widen the range of stream ports",
        "gpu-slices": f"offer more {supply.resource} (time-slicing replicas, which add no computing power, or cards)",
        "pods-per-node": "let the nodes hold more pods (kubelet maxPods), or add nodes",
        "node-cpu": "add cores to the nodes, or lower what a job requests if it uses far less",
        "node-memory": "add memory to the nodes, or lower what a job requests if it uses far less",
        "node-storage": "add local storage to the nodes",
    }
    arithmetic = supply.arithmetic
    nodes = (
        room.more_nodes(room.run.target.jobs - supply.slots) if supply.cause not in ("quota", "node-ports") else None
    )
    if nodes is not None:
        arithmetic += (
            f"; or {nodes[0]} more node{'s' * (nodes[0] != 1)} like the present ones ({nodes[1]} jobs on each)"
        )
    before, to = shown(supply.resource, supply.offered), shown(supply.resource, after)
    return Recommendation(supply.cause, actions[supply.cause], before, to, arithmetic, effect)


def _count(finding: Bottleneck) -> str:
    parts = [(len(finding.jobs), "failed"), (len(finding.slow_jobs), "answered too late")]
    return ", ".join(f"{count} job{'s' * (count != 1)} {word}" for count, word in parts if count)


def _effect(finding: Bottleneck) -> str:
    if finding.jobs:
        return f"up to {len(finding.jobs)} of the failed jobs open, if nothing else runs short"
    return f"up to {len(finding.slow_jobs)} of the late answers come in time"


def _leaked(finding: Bottleneck, run: CapacityRun) -> Recommendation:
    count = next((row.value for row in finding.evidence if row.field == "services whose job is gone"), None)
    count = count or next((int(match[0]) for row in finding.evidence
                           if (match := re.search(r"\d+(?= of them by services)", str(row.value)))), None)  # fmt: skip
    action = "delete the services whose job is gone, and repair what should have deleted them"
    why = f"{count} ports are held by nobody's services" if count else _count(finding)
    return Recommendation(finding.cause.id, action, count, 0, why, _effect(finding), PORTS_TAG)


def _lost_node(finding: Bottleneck, run: CapacityRun) -> Recommendation:
    names = sorted({row.object for row in finding.evidence if row.source == "node"})
    action = f"bring back {', '.join(names) or 'the lost node'} (kubelet, network, power)"
    total = len(run.during.nodes)
    return Recommendation(finding.cause.id, action, f"{total - len(names)} of {total} nodes ready",
                          f"{total} of {total} nodes ready", _count(finding), _effect(finding))  # fmt: skip


def _workers(finding: Bottleneck, run: CapacityRun) -> Recommendation:
    """Recommend enough workers to answer the target's jobs within the limit, if each answer takes R_min."""
    values = {row.field: row.value for row in finding.evidence}
    workers = values.get("knee (X_max * R_min)")
    answers = [each for each in latencies_ms(run.step.records, "answered", 0)] if run.step else []
    fastest = min(answers, default=0.0)
    after = math.ceil(run.target.jobs * fastest / run.target.p95_ms) if fastest else None
    arithmetic = f"{run.target.jobs} jobs * {fastest:.0f} ms each / {run.target.p95_ms:g} ms = {after} at the same time"
    before = round(workers) if isinstance(workers, (int, float)) else None
    action = "raise the number of the server's workers or replicas"
    return Recommendation(finding.cause.id, action, before, after, arithmetic, _effect(finding), LATENCY_TAG)


def _pool(finding: Bottleneck, run: CapacityRun) -> Recommendation:
    match = next((m for row in finding.evidence if (m := re.search(r"maxPoolSize: (\d+)", str(row.value)))), None)
    peak = run.step.peak_in_flight if run.step else run.target.jobs
    action = "raise maxPoolSize of the server's MongoDB connections, or make its queries faster"
    why = f"{peak} requests were in flight at the same time; each needs a connection while it asks MongoDB"
    before = int(match[1]) if match else None
    return Recommendation(finding.cause.id, action, before, peak, why, _effect(finding), CAPACITY_TAG)


def _pace(finding: Bottleneck, run: CapacityRun) -> Recommendation:
    pace = next((row.value for row in finding.evidence if row.field == "scheduled per second"), None)
    limit_s = run.target.limit_s("scheduled")
    needed = math.ceil(run.target.jobs / limit_s * 10) / 10
    action = "raise the request rate of the job controller and scheduler (kube-api-qps, kube-api-burst), not the nodes"
    why = f"{run.target.jobs} jobs / {limit_s:g} s = {needed} pods per second at least"
    return Recommendation(finding.cause.id, action, pace, needed, why, _effect(finding))


_SPECIAL: dict[str, Callable[[Bottleneck, CapacityRun], Recommendation]] = {
    "leaked-ports": _leaked,
    "node-not-ready": _lost_node,
    "server-queueing": _workers,
    "mongo-pool": _pool,
    "controller-pace": _pace,
}
_ACTIONS: dict[str, tuple[str, str]] = {
    "node-cpu": ("add cores to the nodes, or lower what a job requests if it uses far less", CAPACITY_TAG),
    "node-memory": ("add memory to the nodes, or lower what a job requests if it uses far less", CAPACITY_TAG),
    "node-storage": ("add local storage to the nodes", CAPACITY_TAG),
    "gpu-slices": ("offer more GPU slices (time-slicing replicas or cards)", CAPACITY_TAG),
    "pods-per-node": ("let the nodes hold more pods (kubelet maxPods), or add nodes", CAPACITY_TAG),
    "placement": ("give the pods the toleration or label that the nodes ask for", CAPACITY_TAG),
    "kubelet-race": ("find what takes room the scheduler does not see (static pods, restarted kubelets)", CAPACITY_TAG),
    "quota": ("raise the quota that is named in the evidence", CAPACITY_TAG),
    "node-ports": ("widen the range of node ports", CAPACITY_TAG),
    "shared-port": ("repair how the server gives away ports: each investigation needs its own", CAPACITY_TAG),
    "image-pull": ("put the image on the nodes beforehand (imagePullPolicy IfNotPresent), repair the registry access",
                   CAPACITY_TAG),
    "pod-start": ("look at the container network and volumes of the nodes in the evidence", CAPACITY_TAG),
    "cpu-throttling": ("raise or remove the CPU limit of the containers in the evidence", CAPACITY_TAG),
    "memory-limit": ("raise the memory limit by a quarter (krr's rule after an OOM kill)", CAPACITY_TAG),
    "node-pressure": ("raise the requests to what pods really use, so that nodes are not overfilled", CAPACITY_TAG),
    "preemption": ("give the jobs a priority class that is not preempted", CAPACITY_TAG),
    "api-overload": ("raise the share of Focus Server's flow schema, or make it send fewer requests", CAPACITY_TAG),
    "job-failed": ("read the log of the jobs in the evidence: the container itself ends", CAPACITY_TAG),
    "mongo-index": ("build the index that is missing: focus-acceptance remedy indexes", "@DQ-02"),
    "recordings-storage": ("free or extend the storage of the recordings, and look at its claim", "@JL-07c"),
    "server-slow-from": ("profile the server with as many open jobs as the evidence names", LATENCY_TAG),
    "server-cpu": ("raise the server's CPU limit or its replicas", LATENCY_TAG),
    "generator": ("repeat from a stronger or quieter machine; this says nothing about the server", LATENCY_TAG),
    "network": ("look at the hop that the evidence names", CAPACITY_TAG),
    "server-crash": ("read the server's previous log (kubectl logs --previous): it ended", CAPACITY_TAG),
    "job-missing": ("look at the server: it answered before, or without, creating the job", CAPACITY_TAG),
    "never-running": ("look at the scheduler and the job controller: neither gives a reason", CAPACITY_TAG),
    "stream-client": ("repeat with stream_client: grpc (make extras); this says nothing about the site", CAPACITY_TAG),
    "port-closed": ("look at the service and its endpoints, and at what runs in the pod", PORTS_TAG),
}  # fmt: skip
