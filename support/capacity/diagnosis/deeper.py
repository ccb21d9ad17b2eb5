"""Root causes behind causes: missing room because of a lost node, missing ports because of leaks, slow lookups because
of a missing index, pods that do not start because their storage is missing.

A root cause takes only as many jobs as it explains: 40 leaked ports are the cause of 40 refusals, not of 50.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace

from support.capacity.diagnosis.causes import NO_START, PORTS, ROOM_ON_NODES, SLOW_LOOKUPS
from support.capacity.diagnosis.direct import answer_row
from support.capacity.diagnosis.evidence import ClusterIndex, Confidence, EvidenceRow, Match, node_row
from support.capacity.diagnosis.node_room import allocatable, need_per_job, room
from support.capacity.load.results import JobRecord
from support.clients.kubernetes.objects import Job, Service

EVERY_JOB = sys.maxsize
_SCAN = "COLLSCAN"
_OVERDUE = frozenset({None, 500, 503, 504})
"""Statuses of a request that waited too long for the database."""


def deepen(
    matches: Mapping[int, Match | None], records: Sequence[JobRecord], index: ClusterIndex
) -> dict[int, Match | None]:
    """Return the matches, replaced by their root cause where one is found."""
    lost, leaked = _lost_nodes(index), _leaked_services(records, index)
    after_nodes = _replaced(matches, ROOM_ON_NODES, "node-not-ready", *lost)
    after_ports = _replaced(after_nodes, PORTS, "leaked-ports", *leaked)
    after_storage = _replaced(after_ports, NO_START, "recordings-storage", *_lost_claims(index))
    return with_lookups(after_storage, records, index)


def with_lookups(
    matches: Mapping[int, Match | None], records: Sequence[JobRecord], index: ClusterIndex
) -> dict[int, Match | None]:
    """Return the matches. Lookups that read all documents become the cause of what is slow or unanswered."""
    scan = scans(index)
    if not scan:
        return dict(matches)
    found = _replaced(matches, SLOW_LOOKUPS, "mongo-index", EVERY_JOB, scan)
    unanswered = {record.number: record for record in records if record.failed_phase == "answered"}
    for number, match in found.items():
        if match is None and number in unanswered and unanswered[number].status in _OVERDUE:
            found[number] = Match("mongo-index", Confidence.MEDIUM, (answer_row(unanswered[number]), *scan))
    return found


def scans(index: ClusterIndex) -> tuple[EvidenceRow, ...]:
    """Return evidence that a lookup reads all documents. Empty if the database uses an index or was not asked."""
    search = index.evidence.search
    if search is None or _SCAN not in search.stages:
        return ()
    value = f"{' over '.join(search.stages)}, {search.documents_examined} documents examined"
    return (EvidenceRow("MongoDB explain", "lookup of recordings", "winningPlan", value),)


def _lost_claims(index: ClusterIndex) -> tuple[int, tuple[EvidenceRow, ...]]:
    """Claims of the namespace without a volume. No pod that mounts one starts."""
    rows = []
    for claim in index.evidence.claims:
        phase = str((claim.get("status") or {}).get("phase"))
        if phase != "Bound":
            rows.append(EvidenceRow("persistentvolumeclaim", claim["metadata"]["name"], "status.phase", phase))
    return EVERY_JOB if rows else 0, tuple(rows)


def _replaced(
    matches: Mapping[int, Match | None], causes: frozenset[str], behind: str, budget: int, rows: tuple[EvidenceRow, ...]
) -> dict[int, Match | None]:
    found: dict[int, Match | None] = {}
    for number, match in matches.items():
        found[number] = match
        if match is None:
            continue
        if match.cause == behind:
            found[number] = replace(match, rows=(*match.rows, *rows))
            budget -= 1
        elif match.cause in causes and budget > 0:
            found[number] = Match(behind, Confidence.HIGH, (*match.rows, *rows))
            budget -= 1
    return found


def _lost_nodes(index: ClusterIndex) -> tuple[int, tuple[EvidenceRow, ...]]:
    """Return the number of jobs that the nodes that are not ready could have taken, and the nodes as evidence."""
    need = need_per_job(index.evidence.pods, index.evidence.jobs)
    # If the need of a job is unknown, a lost node may have had room for all of them.
    fits = [room(allocatable(node), need) for node in index.lost_nodes.values()]
    budget = sum(EVERY_JOB if each is None else each for each in fits)
    return budget, tuple(map(node_row, index.lost_nodes.values()))


def _leaked_services(records: Sequence[JobRecord], index: ClusterIndex) -> tuple[int, tuple[EvidenceRow, ...]]:
    """Return services of earlier investigations whose job is gone: they existed before the load and still exist. A
    service deleted meanwhile holds no port, and one created meanwhile belongs to an opening of another user."""
    own = {record.job_id for record in records}
    jobs = {job.job_id for job in map(Job.parse, (*index.evidence.jobs, *index.before.jobs))}
    before = {each["metadata"]["name"] for each in index.before.services}
    services = [each for each in map(Service.parse, index.evidence.services) if not before or each.name in before]
    leaked = [each for each in services if each.job_id and each.job_id not in own | jobs]
    rows = [_service_row(each) for each in sorted(leaked, key=lambda each: each.name)[:3]]
    if leaked:
        rows.append(EvidenceRow("service", "grpc-service-*", "services whose job is gone", len(leaked)))
    return len(leaked), tuple(rows)


def _service_row(service: Service) -> EvidenceRow:
    ports = ", ".join(str(port.node_port) for port in service.ports if port.node_port)
    created = service.created.isoformat() if service.created else None
    return EvidenceRow("service", service.name, "spec.ports[].nodePort", f"{ports}, without a job", created)
