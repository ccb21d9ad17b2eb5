"""Evidence rows, and the cluster's objects of each investigation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from support.capacity.diagnosis.node_room import is_ready
from support.capacity.load.results import ClusterEvidence, JobRecord
from support.clients.kubernetes.objects import Job, Pod, Service
from support.redaction import PROCESS

Raw = Mapping[str, Any]
LONGEST_VALUE = 400


class Confidence(IntEnum):
    """Direct evidence counts more than phase timing, and phase timing more than a coincident event."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3


@dataclass(frozen=True)
class EvidenceRow:
    """One piece of evidence: source, object, field, value, and when it was first seen (UTC text or None)."""

    source: str
    object: str
    field: str
    value: str | int | float
    first_seen: str | None = None


@dataclass(frozen=True)
class Match:
    """A cause and its evidence."""

    cause: str
    confidence: Confidence
    rows: tuple[EvidenceRow, ...]


@dataclass
class Objects:
    """Objects of one investigation in the cluster."""

    pod: Pod | None = None
    job: Job | None = None
    service: Service | None = None
    events: list[Raw] = field(default_factory=list)


class ClusterIndex:
    """The evidence by investigation. ``before`` is the cluster without the load."""

    def __init__(self, evidence: ClusterEvidence, before: ClusterEvidence | None = None) -> None:
        self.evidence, self.before = evidence, before or ClusterEvidence()
        self._objects: dict[str, Objects] = {}
        self.lost_nodes = {node["metadata"]["name"]: node for node in evidence.nodes if not is_ready(node)}
        self._by_name: dict[tuple[str, str], str] = {}
        for job in map(Job.parse, evidence.jobs):
            if job.job_id and job.role == "grpc":
                self._of(job.job_id, "Job", job.name).job = job
        for pod in map(Pod.parse, evidence.pods):
            if pod.job_id and pod.role == "grpc":
                self._of(pod.job_id, "Pod", pod.name).pod = pod
        for service in map(Service.parse, evidence.services):
            if service.job_id:
                self._of(service.job_id, "Service", service.name).service = service
        for event in evidence.events:
            about = event.get("involvedObject") or event.get("regarding") or {}
            job_id = self._by_name.get((str(about.get("kind")), str(about.get("name"))))
            if job_id is not None:
                self._objects[job_id].events.append(event)

    def of(self, record: JobRecord) -> Objects:
        """The objects of this investigation; none for one that was refused."""
        return self._objects.get(record.job_id or "", Objects())

    def server_pods(self) -> Iterator[Raw]:
        """The pods of Focus Server."""
        return server_pods(self.evidence)

    def _of(self, job_id: str, kind: str, name: str) -> Objects:
        self._by_name[(kind, name)] = job_id
        return self._objects.setdefault(job_id, Objects())


def server_pods(evidence: ClusterEvidence) -> Iterator[Raw]:
    """Pods of Focus Server among all pods, recognised by name or by their ``app.kubernetes.io/name`` label."""
    for pod in evidence.all_pods:
        metadata = pod["metadata"]
        label = (metadata.get("labels") or {}).get("app.kubernetes.io/name", "")
        if "focus-server" in metadata["name"] or "focus-server" in label:
            yield pod


def container_states(pod: Raw) -> Iterator[tuple[str, str, Raw]]:
    """(container, "state" or "lastState", {"waiting" | "running" | "terminated": ...}) of each container."""
    status = pod.get("status") or {}
    for each in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        for field_name in ("state", "lastState"):
            if each.get(field_name):
                yield str(each["name"]), field_name, each[field_name]


def node_row(node: Raw) -> EvidenceRow:
    """The readiness of a node as evidence."""
    name = str(node["metadata"]["name"])
    for each in (node.get("status") or {}).get("conditions") or ():
        if each.get("type") == "Ready":
            value = f"{each.get('status')}: {each.get('reason', '')}: {each.get('message', '')}"
            return EvidenceRow("node", name, "conditions[Ready]", shortened(value), each.get("lastTransitionTime"))
    return EvidenceRow("node", name, "conditions[Ready]", "missing")


def event_row(event: Raw) -> EvidenceRow:
    """An event as evidence."""
    about = event.get("involvedObject") or event.get("regarding") or {}
    seen = event.get("firstTimestamp") or event.get("eventTime")
    name = f"{str(about.get('kind', '')).lower()} {about.get('name', '')}"
    return EvidenceRow("event", name, str(event.get("reason", "")), shortened(str(event.get("message", ""))), seen)


def shortened(text: str) -> str:
    """At most 400 characters of a text on one line. Secrets are hidden first, so that none is cut in half."""
    line = PROCESS.redact(" ".join(text.split()))
    return line if len(line) <= LONGEST_VALUE else line[: LONGEST_VALUE - 1] + "…"
