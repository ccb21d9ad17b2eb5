"""The measured part of the gap report: the result with its percentiles, the ramp, and what the pods used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from support.capacity.diagnosis import Diagnosis
from support.capacity.diagnosis.node_room import amounts, quantity
from support.capacity.load.phases import PhaseTimes, all_phase_times, phase_times
from support.capacity.load.results import JobRecord, LoadStep
from support.capacity.load.run import CapacityRun
from support.capacity.report.cluster_room import GPU
from support.capacity.report.curves import curves_of_step, openings_of, throughput_of
from support.clients.kubernetes.objects import Pod
from support.statistics.operational import little_ratio, mean_in_flight
from support.statistics.percentiles import minimum_samples, percentile, wilson


def result_part(run: CapacityRun, diagnosis: Diagnosis) -> dict[str, Any] | None:
    """Return the results of all requested investigations, or None if the load never ran."""
    if run.step is None or not run.step.records:
        return None
    step, records = run.step, run.step.records
    rate = wilson(step.succeeded, len(records))
    phases = all_phase_times(records, run.target)
    answered = next((each for each in phases if each.phase == "answered"), None)
    return {
        "requested": len(records),
        "ok": step.succeeded,
        "failed": diagnosis.failed,
        "late": diagnosis.slow,
        "refused": sum(record.status is not None and record.status != 200 for record in records),
        "no_answer": sum(record.status is None for record in records),
        "timeout": sum(record.status == 200 and record.failed_phase is not None for record in records),
        "running_together": step.running_together,
        "distinct_ports": step.distinct_ports,
        "seconds": step.seconds,
        "success": {"rate": step.succeeded / len(records), "wilson95": [rate.lower, rate.upper]},
        "latency": None if answered is None else _latency(answered),
        "phases": [*(_phase(each) for each in phases), *_released(records)],
    }


def _latency(times: PhaseTimes) -> dict[str, Any]:
    judged = times.samples >= minimum_samples(0.99)
    return {
        "method": "nearest-rank",
        "basis": "intended start; failed ones at the limit",
        "samples": times.samples,
        "p50_ms": times.p50.value,
        "p95_ms": times.p95.value,
        "p95_ci": [times.p95.lower, times.p95.upper],
        "p99_ms": times.p99.value,
        "p99_note": "" if judged else f"indicative: {times.samples} of at least {minimum_samples(0.99)} samples",
        "max_ms": times.largest_ms,
    }


def _phase(times: PhaseTimes) -> dict[str, Any]:
    return {
        "phase": times.phase,
        "reached": times.reached,
        "samples": times.samples,
        "distrusted": times.distrusted,
        "p50_ms": times.p50.value,
        "p95_ms": times.p95.value,
        "p99_ms": times.p99.value,
        "max_ms": times.largest_ms,
    }


def _released(records: Sequence[JobRecord]) -> list[dict[str, Any]]:
    """Return the times of the release, for those that were released. The release is no part of opening."""
    taken = [record.released_s * 1000 for record in records if record.released_s is not None]
    if not taken:
        return []
    p50, p95, p99 = (percentile(taken, q).value for q in (0.5, 0.95, 0.99))
    return [{"phase": "released", "reached": len(taken), "samples": len(taken),
             "distrusted": 0,
             "p50_ms": p50, "p95_ms": p95, "p99_ms": p99, "max_ms": max(taken)}]  # fmt: skip


def ramp_part(run: CapacityRun) -> list[dict[str, Any]]:
    """One point for each step, the judged one last. Steps without an answer have no times."""
    steps = sorted((*run.ramp, *([run.step] if run.step else ())), key=lambda step: step.asked)
    return [_point(step, run) for step in steps if step.records]


def curves_part(run: CapacityRun) -> dict[str, Any] | None:
    """Return the judged load over time and the throughput of each load, or None if none ran."""
    if run.step is None or not run.step.records:
        return None
    steps = [step for step in (*run.ramp, run.step) if step.records]
    points = [throughput_of(openings_of(step.records, 0.0)) for step in steps]
    return curves_of_step(run.step, run.target.p95_ms, points)


def _point(step: LoadStep, run: CapacityRun) -> dict[str, Any]:
    times = phase_times(step.records, "answered", run.target.limit_s("answered"))
    spans = [(each.intended_s, each.intended_s + each.reached["answered"]) for each in step.records
             if "answered" in each.reached]  # fmt: skip
    seconds = [end - start for start, end in spans]
    elapsed = max((end for _, end in spans), default=0.0) - min((start for start, _ in spans), default=0.0)
    throughput = len(spans) / elapsed if elapsed > 0 else None
    in_flight = mean_in_flight(spans)
    return {
        "jobs": step.asked,
        "ok": step.succeeded,
        "success": step.succeeded / len(step.records),
        "throughput": throughput,
        "fastest_ms": min(seconds) * 1000 if seconds else None,
        "mean_ms": fmean(seconds) * 1000 if seconds else None,
        "p95_ms": times.p95.value if times else None,
        "little_ratio": little_ratio(throughput, fmean(seconds), in_flight) if throughput and in_flight else None,
        "stopped_because": step.stopped_because or None,
    }


def resources_part(run: CapacityRun) -> list[dict[str, Any]]:
    """Return requests, limits and use by kind of pod, Focus Server apart (metrics.k8s.io, one sample each)."""
    usage = {each["metadata"]["name"]: each for each in run.during.usage}
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for raw in {pod["metadata"]["name"]: pod for pod in (*run.during.all_pods, *run.during.pods)}.values():
        pod = Pod.parse(raw)
        kind = f"{pod.role} job" if pod.role else "focus-server" if "focus-server" in pod.name else None
        if kind is not None:
            groups.setdefault(kind, []).append(raw)
    return [_pod_group(kind, pods, usage) for kind, pods in sorted(groups.items())]


def _pod_group(kind: str, pods: Sequence[Mapping[str, Any]], usage: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    used = [usage[name] for pod in pods if (name := pod["metadata"]["name"]) in usage]
    cpu, memory = ([_sum(each, resource) for each in used] for resource in ("cpu", "memory"))
    return {
        "pods": kind,
        "count": len(pods),
        "request": _stated(pods[0], "requests"),
        "limit": _stated(pods[0], "limits"),
        "use_p95": {"cpu": percentile(cpu, 0.95).value, "memory": percentile(memory, 0.95).value} if used else None,
        "use_max": {"cpu": max(cpu), "memory": max(memory)} if used else None,
        "samples": len(used),
        "metrics_source": "metrics.k8s.io" if used else None,
    }


def _sum(usage: Mapping[str, Any], resource: str) -> float:
    return sum(quantity(each["usage"][resource]) for each in usage["containers"])


def _stated(pod: Mapping[str, Any], field: str) -> dict[str, float]:
    total: dict[str, float] = {}
    for container in (pod.get("spec") or {}).get("containers") or ():
        for resource, value in amounts((container.get("resources") or {}).get(field)).items():
            if resource in ("cpu", "memory") or GPU.match(resource):
                total[resource] = total.get(resource, 0.0) + value
    return total
