"""Results of a load run: one record for each requested investigation, and the state of the cluster meanwhile."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from support.capacity.load.machine import MachineUse
from support.model.recording_index import Search

Raw = Mapping[str, Any]

PHASES = ("answered", "job_seen", "scheduled", "running", "port_open")
"""Phases of an investigation while it opens, in order. ``released`` follows when it is ended."""


@dataclass(frozen=True)
class JobRecord:
    """One investigation of a load step.

    Only an answer that opens an investigation reaches ``answered``; a refusal, however fast, does not. Moments are
    monotonic seconds. ``released_s`` is the duration of the release. ``status`` is the HTTP status, or None without an
    answer; ``answer`` is the body, or the reason why there was none. ``reached`` gives for each phase the seconds since
    ``intended_s``; a missing phase was not reached within its limit. ``distrusted`` names phases whose stamp must not
    be used for a latency, because the watch had a gap. ``port_free_s`` is when the service that published its port was
    deleted, in seconds since ``intended_s``; None while it exists.
    """

    number: int
    intended_s: float
    sent_s: float
    status: int | None
    answer: str
    headers: Mapping[str, str] = field(default_factory=dict)
    job_id: str | None = None
    stream_host: str | None = None
    stream_port: int | None = None
    reached: Mapping[str, float] = field(default_factory=dict)
    distrusted: frozenset[str] = frozenset()
    alive_together: bool = False
    released_s: float | None = None
    port_free_s: float | None = None

    @property
    def failed_phase(self) -> str | None:
        """The first phase that was not reached, or None for an investigation that opened completely."""
        return next((phase for phase in PHASES if phase not in self.reached), None)

    @property
    def ok(self) -> bool:
        """Opened completely, and alive at the moment when all of them should be."""
        return self.failed_phase is None and self.alive_together


@dataclass(frozen=True)
class ClusterEvidence:
    """Kubernetes objects as the API returned them (parsed JSON), taken while the load stood, and the database's answer.

    ``pods`` and ``jobs`` hold the last state seen of each object of the load, deleted ones included. ``usage`` is
    metrics.k8s.io by pod name. ``refusals`` are error answers of the API server to the suite itself (status, headers
    and message). ``claims`` are volume claims. ``search`` is how the database answers a lookup of recordings, or None
    if the load made none.
    """

    pods: tuple[Raw, ...] = ()
    jobs: tuple[Raw, ...] = ()
    services: tuple[Raw, ...] = ()
    events: tuple[Raw, ...] = ()
    nodes: tuple[Raw, ...] = ()
    all_pods: tuple[Raw, ...] = ()
    quotas: tuple[Raw, ...] = ()
    usage: tuple[Raw, ...] = ()
    server_log: str = ""
    refusals: tuple[Raw, ...] = ()
    claims: tuple[Raw, ...] = ()
    search: Search | None = None


@dataclass(frozen=True)
class SelfCheck:
    """Latency that the load generator itself adds, measured against a loopback server of known service time."""

    concurrent: int
    service_ms: float
    added_p50_ms: float
    added_p95_ms: float
    peak_in_flight: int
    arrival_spread_ms: float
    trusted: bool
    reason: str = ""


@dataclass(frozen=True)
class LoadStep:
    """The measurement of ``asked`` investigations at once. ``leftovers`` remained after its release. ``of_earlier`` are
    leftovers of earlier loads that existed while it stood. ``machine`` is the use of the tester's machine meanwhile."""

    asked: int
    records: tuple[JobRecord, ...]
    seconds: float
    peak_in_flight: int
    arrival_spread_ms: float
    running_together: int
    distinct_ports: int
    leftovers: tuple[str, ...] = ()
    stopped_because: str = ""
    of_earlier: tuple[str, ...] = ()
    machine: MachineUse | None = None

    @property
    def failed(self) -> tuple[JobRecord, ...]:
        """The investigations that did not open completely, were not alive together, or have no port of their own."""
        return failed_records(self.records)

    @property
    def succeeded(self) -> int:
        """Number that opened completely, were alive together, and have a port of their own."""
        return len(self.records) - len(self.failed)


def failed_records(records: Sequence[JobRecord]) -> tuple[JobRecord, ...]:
    """Return the records that failed. Two investigations on one port both fail, because neither has its own."""
    shared = sharers(records)
    return tuple(each for each in records if not each.ok or each.number in shared)


def sharers(records: Sequence[JobRecord]) -> dict[int, tuple[int, ...]]:
    """Return by number each investigation that shared a stream address (host, port), with those it shared it with.

    Only simultaneous use counts: a port given out again after its earlier service was deleted is not shared.
    """
    by_address: defaultdict[tuple[str | None, int], list[JobRecord]] = defaultdict(list)
    for record in records:
        if record.stream_port is not None:
            by_address[(record.stream_host, record.stream_port)].append(record)
    found = {}
    for holders in by_address.values():
        for record in holders:
            others = tuple(each.number for each in holders if each is not record and _lived_together(each, record))
            if others:
                found[record.number] = others
    return found


def _lived_together(one: JobRecord, other: JobRecord) -> bool:
    """Whether each was answered before the port of the other was free."""
    (one_from_s, one_to_s), (other_from_s, other_to_s) = _life(one), _life(other)
    return one_from_s < other_to_s and other_from_s < one_to_s


def _life(record: JobRecord) -> tuple[float, float]:
    """Lifetime of the port, from the answer that gives it until no service publishes it (monotonic seconds)."""
    free_s = math.inf if record.port_free_s is None else record.intended_s + record.port_free_s
    return record.intended_s + record.reached.get("answered", 0.0), free_s
