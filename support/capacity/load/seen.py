"""Phases and last object states of a load's investigations, as seen by the one watch of the run.

Each change is processed once, however many investigations there are. Stamps are the time of receipt, because the
cluster's own have a resolution of a second (docs/facts/capacity.md 1.1).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from support.clients.kubernetes.client import Job, Pod
from support.clients.kubernetes.objects import Raw
from support.clients.kubernetes.watch import ClusterWatch, Seen


class Phases:
    """Follows the watch from its creation on. :meth:`take_in` processes the changes since its last call."""

    def __init__(self, watch: ClusterWatch) -> None:
        self._watch = watch
        self._mark = watch.mark()
        self._reached: defaultdict[str, dict[str, float]] = defaultdict(dict)
        self._late: defaultdict[str, set[str]] = defaultdict(set)
        self._present: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
        self._gone_s: dict[str, float] = {}
        self._port_free_s: dict[str, float] = {}
        self._ended: set[str] = set()
        self._without_place: dict[str, bool] = {}
        self._pods: dict[str, Raw] = {}
        self._jobs: dict[str, Raw] = {}

    def take_in(self) -> None:
        seen = self._watch.since(self._mark)
        self._mark += len(seen)
        for one in seen:
            if one.job_id is not None:
                self._note(one.job_id, one)

    def reached(self, job_id: str) -> dict[str, float]:
        """Return the moment each phase was seen (monotonic seconds), by phase."""
        return dict(self._reached.get(job_id, {}))

    def note_port_open(self, job_id: str, at_s: float) -> None:
        """Record that the port of an investigation accepted a connection, which no watch shows."""
        self._reached[job_id].setdefault("port_open", at_s)

    def distrusted(self, job_id: str) -> frozenset[str]:
        """Phases that were found by listing after a gap. They were reached at some time before their stamp."""
        return frozenset(self._late.get(job_id, ()))

    def has_ended(self, job_id: str) -> bool:
        """Whether its job or pod has ended, so that it cannot reach any further phase."""
        return job_id in self._ended

    def has_no_place(self, job_id: str) -> bool:
        """Whether the scheduler found no node for its pod. Only resources that others free can change that."""
        return self._without_place.get(job_id, False)

    def progress(self) -> int:
        """Return a number that grows with each phase an investigation reaches, and with each that ends and frees its
        place."""
        return sum(map(len, self._reached.values())) + len(self._ended)

    def gone_s(self, job_id: str) -> float | None:
        """The moment its last object was deleted, or None while one exists."""
        return None if self._present.get(job_id) else self._gone_s.get(job_id)

    def port_free_s(self, job_id: str) -> float | None:
        """The moment the service that published its port was deleted; None while it exists or if it never did."""
        return self._port_free_s.get(job_id)

    def objects(self, kind: str, job_ids: Collection[str]) -> tuple[Raw, ...]:
        """The last state seen of each ``pod`` or ``job`` of these investigations, deleted ones included."""
        found = self._pods if kind == "pod" else self._jobs
        return tuple(raw for name, raw in found.items() if _job_id(name) in job_ids)

    def _note(self, job_id: str, seen: Seen) -> None:
        item = seen.object
        place = (seen.kind, item.name)
        if seen.change == "DELETED":
            self._present[job_id].discard(place)
            self._gone_s[job_id] = seen.at_s
            if seen.kind == "service":
                self._port_free_s[job_id] = seen.at_s
            if item.role == "grpc" and seen.kind in ("pod", "job"):
                (self._pods if seen.kind == "pod" else self._jobs)[item.name] = item.raw
            if item.role == "grpc" and seen.kind == "pod":
                self._ended.add(job_id)
            return
        self._present[job_id].add(place)
        if seen.kind == "service":
            self._port_free_s.pop(job_id, None)
        if item.role != "grpc":
            return
        if isinstance(item, Job):
            self._jobs[item.name] = item.raw
            self._stamp(job_id, "job_seen", seen)
            if item.state == "Failed":
                self._ended.add(job_id)
        elif isinstance(item, Pod):
            self._pods[item.name] = item.raw
            self._note_pod(job_id, item, seen)

    def _note_pod(self, job_id: str, pod: Pod, seen: Seen) -> None:
        placed = pod.conditions.get("PodScheduled")
        self._without_place[job_id] = placed is not None and placed.reason == "Unschedulable"
        if pod.node is not None:
            self._stamp(job_id, "scheduled", seen)
        if pod.phase == "Running":
            self._stamp(job_id, "running", seen)
        elif pod.phase in ("Failed", "Succeeded"):
            self._ended.add(job_id)

    def _stamp(self, job_id: str, phase: str, seen: Seen) -> None:
        if phase not in self._reached[job_id]:
            self._reached[job_id][phase] = seen.at_s
            if seen.observed_late:
                self._late[job_id].add(phase)


def _job_id(name: str) -> str:
    """``3-17`` of ``grpc-job-3-17`` and of its pod ``grpc-job-3-17-abcde``."""
    return "-".join(name.split("-")[2:4])
