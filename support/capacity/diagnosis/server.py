"""Evidence about Focus Server itself: ended, killed, at its CPU limit, waiting for MongoDB."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from support.capacity.diagnosis.evidence import (
    ClusterIndex,
    Confidence,
    EvidenceRow,
    Match,
    container_states,
    server_pods,
    shortened,
)
from support.capacity.diagnosis.node_room import quantity
from support.capacity.diagnosis.texts import cause_of

BUSY = 0.9
"""Use of a CPU limit above which throttling is likely; metrics.k8s.io cannot show throttling itself
(docs/facts/capacity.md 5, row 11)."""
ONE_CORE = 1.0
"""CPU use of one busy server thread, the reference if no limit is set (docs/facts/capacity.md 5, row 20)."""


def server_end(index: ClusterIndex) -> Match | None:
    """Find out whether the server ended during the load: its pod was restarted or replaced."""
    before = {pod["metadata"]["name"]: _restarts(pod) for pod in server_pods(index.before)}
    rows: list[EvidenceRow] = []
    killed = False
    for pod in index.server_pods():
        name = pod["metadata"]["name"]
        known = before.get(name)
        if _restarts(pod) > (known or 0):
            rows.append(
                EvidenceRow(
                    "pod",
                    name,
                    "restartCount",
                    f"{'unknown' if known is None else known} before the load, {_restarts(pod)} after",
                )
            )
            killed = killed or any("OOMKilled" in str(row.value) for row in _ends(pod))
            rows += _ends(pod)
        elif before and known is None:
            created = pod["metadata"].get("creationTimestamp")
            rows.append(EvidenceRow("pod", name, "metadata.name", "did not exist before the load", created))
    if not rows:
        return None
    # Without the state before the load, a restart may be an old one.
    confidence = Confidence.HIGH if before else Confidence.LOW
    return Match("memory-limit" if killed else "server-crash", confidence, tuple(rows))


def _ends(pod: Mapping[str, Any]) -> list[EvidenceRow]:
    rows = []
    for container, field, state in container_states(pod):
        ended = state.get("terminated")
        if ended:
            value = f"{ended.get('reason', 'Error')}, exit code {ended.get('exitCode')}"
            name = pod["metadata"]["name"]
            rows.append(EvidenceRow("pod", name, f"{container} {field}.terminated", value, ended.get("finishedAt")))
    return rows


def log_match(index: ClusterIndex, wanted: str) -> Match | None:
    """Find a line of the server's log that names this cause. It coincides, but does not say which request it hit."""
    for line in index.evidence.server_log.splitlines():
        if cause_of(line) == wanted:
            return Match(wanted, Confidence.LOW, (EvidenceRow("server log", "focus-server", "line", shortened(line)),))
    return None


def refusal_match(index: ClusterIndex) -> Match | None:
    """Find a request of the suite itself that the API server rejected while the load stood."""
    for refusal in index.evidence.refusals:
        if refusal.get("status", refusal.get("code")) == 429:
            text = shortened(str(refusal.get("message", "")))
            return Match(
                "api-overload", Confidence.LOW, (EvidenceRow("Kubernetes API", "own request", "status 429", text),)
            )
    return None


def busy_server(index: ClusterIndex) -> Match | None:
    """Find out whether the server's pod uses up its CPU limit, or one core if it has none."""
    names = {pod["metadata"]["name"]: pod for pod in index.server_pods()}
    rows = tuple(row for row in _busy(index, names) if row is not None)
    return Match("server-cpu", Confidence.MEDIUM, rows) if rows else None


def busy_container(index: ClusterIndex, pod: Mapping[str, Any] | None) -> Match | None:
    """Find out whether a job's containers use up their CPU limit. Without a limit nothing is throttled."""
    if pod is None or _limit(pod) is None:
        return None
    rows = tuple(_busy(index, {pod["metadata"]["name"]: pod}))
    return Match("cpu-throttling", Confidence.LOW, rows) if rows else None


def _busy(index: ClusterIndex, pods: Mapping[str, Mapping[str, Any]]) -> Iterator[EvidenceRow]:
    for usage in index.evidence.usage:
        name = usage["metadata"]["name"]
        if name not in pods:
            continue
        cores = sum(quantity(each["usage"]["cpu"]) for each in usage.get("containers") or ())
        limit = _limit(pods[name])
        if cores >= BUSY * (limit or ONE_CORE):
            of = f"limit {limit:g} cores" if limit else "no limit, one core"
            when = usage.get("timestamp")
            yield EvidenceRow("metrics.k8s.io", f"pod {name}", "usage.cpu", f"{cores:.2f} cores ({of})", when)


def _limit(pod: Mapping[str, Any]) -> float | None:
    """Cores that all containers may use together, or None if one of them has no limit."""
    containers = (pod.get("spec") or {}).get("containers") or ()
    limits = [((each.get("resources") or {}).get("limits") or {}).get("cpu") for each in containers]
    if not limits or None in limits:
        return None
    return sum(quantity(limit) for limit in limits)


def _restarts(pod: Mapping[str, Any]) -> int:
    return sum(int(each.get("restartCount") or 0) for each in (pod.get("status") or {}).get("containerStatuses") or ())
