"""Finds one primary cause for each investigation: direct evidence first, then phase timing, then coincident events."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from support.capacity.diagnosis import pace, server, timing
from support.capacity.diagnosis.direct import answer_row, direct_match
from support.capacity.diagnosis.evidence import ClusterIndex, Confidence, EvidenceRow, Match, container_states
from support.capacity.load.results import JobRecord, SelfCheck, sharers

_BROKEN_CONNECTION = ("connection refused", "connection reset", "reset by peer", "remote end closed", "disconnected")
_SLOW_HOP = ("connect timeout", "connection to", "timed out while connecting", "tls", "ssl")
_GATEWAY = frozenset({502, 503, 504})


@dataclass(frozen=True)
class Attribution:
    """The data the rules may use."""

    records: Sequence[JobRecord]
    index: ClusterIndex
    self_check: SelfCheck | None
    limit_s: float
    ramp: Sequence[Sequence[JobRecord]] = field(default=())

    def primary(self, record: JobRecord) -> Match | None:
        """Return the cause of a failed investigation, or None if no evidence names one."""
        found = self._shared(record) or self._unconsumed(record) or direct_match(record, self.index)
        found = found or self._unanswered(record) or self._unseen(record) or self._stuck(record)
        return found or self._left_alone(record)

    def of_slow(self, record: JobRecord) -> Match | None:
        """Return the cause of an answer that was late, or None."""
        return self._generator(Confidence.HIGH) or self._slow_server

    def _shared(self, record: JobRecord) -> Match | None:
        if record.number not in self._sharers:
            return None
        others = sorted((record.number, *self._sharers[record.number]))
        value = f"{record.stream_host}:{record.stream_port} given to investigations {', '.join(map(str, others))}"
        row = EvidenceRow("HTTP answer", f"investigation {record.number}", "stream port", value)
        return Match("shared-port", Confidence.HIGH, (row,))

    def _unconsumed(self, record: JobRecord) -> Match | None:
        """A live job has no end of its own. One that succeeded although a client was connected treated that client as
        one that does not consume the stream (docs/facts/kubernetes.md 1.10)."""
        pod = self.index.of(record).pod
        if pod is None or pod.phase != "Succeeded" or "port_open" not in record.reached:
            return None
        if any("--time-start" in container.command for container in pod.containers):
            return None
        rows = tuple(
            EvidenceRow(
                "pod", pod.name, f"{container} {field}", f"{ended.get('reason')}, exit code 0", ended.get("finishedAt")
            )
            for container, field, state in container_states(pod.raw)
            if (ended := state.get("terminated") or {}).get("exitCode") == 0
        )
        row = EvidenceRow(
            "tester's client", f"{record.stream_host}:{record.stream_port}", "connected", "before it ended"
        )
        return Match("stream-client", Confidence.HIGH, (row, *rows))

    def _left_alone(self, record: JobRecord) -> Match | None:
        """It opened completely but was not alive with the others, of which some had ended by themselves."""
        if record.status != 200 or record.failed_phase is not None or not self._ended_early:
            return None
        value = f"{self._ended_early} of the others had ended before all were open"
        address = f"{record.stream_host}:{record.stream_port}"
        return Match("stream-client", Confidence.MEDIUM, (EvidenceRow("tester's client", address, "alone", value),))

    def _unanswered(self, record: JobRecord) -> Match | None:
        """No answer, or an error that names no cause: look at the server's pod first, then at its log."""
        if record.status == 200:
            return None
        row, text = answer_row(record), record.answer.lower()
        broken = record.status is None and any(word in text for word in _BROKEN_CONNECTION)
        if (broken or record.status in _GATEWAY) and self._server_end is not None:
            return replace(self._server_end, rows=(row, *self._server_end.rows))
        if record.status is None and not broken and any(word in text for word in _SLOW_HOP):
            return Match("network", Confidence.MEDIUM, (row,))
        late = record.status is None and "timed out" in text
        if late and self._slow_server is not None:
            return replace(self._slow_server, rows=(row, *self._slow_server.rows))
        for cause in ("mongo-pool", "api-overload"):
            if record.status != 429 and (found := server.log_match(self.index, cause)) is not None:
                return replace(found, rows=(row, *found.rows))
        found = server.refusal_match(self.index) if record.status in (500, 503) else None
        return None if found is None else replace(found, rows=(row, *found.rows))

    def _generator(self, confidence: Confidence) -> Match | None:
        """Blame the generator if it is not trusted. None if it is, or was not checked."""
        if (check := self.self_check) is None or check.trusted:
            return None
        rows = (EvidenceRow("self-check", "load generator", "added P95 ms", check.added_p95_ms),)
        return Match("generator", confidence, rows)

    def _unseen(self, record: JobRecord) -> Match | None:
        """The pod runs and only the suite's own client could not connect: a weak generator explains that."""
        pod = self.index.of(record).pod
        own_view = record.status == 200 and record.failed_phase in ("port_open", None)
        return self._generator(Confidence.MEDIUM) if own_view and pod is not None and pod.phase == "Running" else None

    def _stuck(self, record: JobRecord) -> Match | None:
        """Answered as open, but it did not go on, and nothing in the cluster gives the reason directly."""
        if record.status != 200 or record.failed_phase in (None, "answered"):
            return None
        objects, phase = self.index.of(record), record.failed_phase
        if phase == "job_seen" and objects.job is None:
            return Match(
                "job-missing", Confidence.MEDIUM, (EvidenceRow("job", f"grpc-job-{record.job_id}", "exists", "never"),)
            )
        # A pod that was scheduled so late had no time left for the following phases.
        late = record.reached.get("scheduled", math.inf) > self.limit_s / 2
        if late and self._pace is not None:
            return self._pace
        pod = objects.pod
        if pod is None:
            name = objects.job.name if objects.job else f"grpc-job-{record.job_id}"
            rows = (EvidenceRow("job", name, "pods", "none was ever created"),)
            return Match("never-running", Confidence.MEDIUM, rows) if objects.job is not None else None
        placed = pod.node is not None
        if phase == "running" and placed and (pod.waiting_reason == "ContainerCreating" or pod.phase == "Pending"):
            rows = (EvidenceRow("pod", pod.name, "state.waiting.reason", pod.waiting_reason or "Pending on a node"),)
            return Match("pod-start", Confidence.MEDIUM, rows)
        if pod.phase == "Pending":
            created = pod.created.isoformat() if pod.created else None
            return Match(
                "never-running", Confidence.MEDIUM, (EvidenceRow("pod", pod.name, "status.phase", "Pending", created),)
            )
        if phase == "port_open" and pod.phase == "Running":
            busy = server.busy_container(self.index, pod.raw)
            address = f"{record.stream_host}:{record.stream_port}"
            row = EvidenceRow("probe", address, "connection", f"refused or silent while pod {pod.name} is Running")
            return busy or Match("port-closed", Confidence.MEDIUM, (row,))
        return None

    @cached_property
    def _sharers(self) -> dict[int, tuple[int, ...]]:
        return sharers(self.records)

    @cached_property
    def _ended_early(self) -> int:
        return sum(self._unconsumed(record) is not None for record in self.records)

    @cached_property
    def _server_end(self) -> Match | None:
        return server.server_end(self.index)

    @cached_property
    def _pace(self) -> Match | None:
        return pace.controller_pace(self.records, self.limit_s)

    @cached_property
    def _slow_server(self) -> Match | None:
        """The cause of late answers: what lies behind the queue, if evidence names it, else the timing pattern."""
        pattern = timing.slow_answers(self.records, self.ramp)
        behind = server.log_match(self.index, "mongo-pool") or self._mongo_answer()
        if behind is not None:
            return replace(behind, rows=(*behind.rows, *(pattern.rows if pattern else ())))
        busy = server.busy_server(self.index)
        if busy is not None and (pattern is None or pattern.cause == "server-queueing"):
            return replace(busy, rows=(*busy.rows, *(pattern.rows if pattern else ())))
        return pattern

    def _mongo_answer(self) -> Match | None:
        found = (direct_match(record, self.index) for record in self.records if record.status in (500, 503))
        match = next((each for each in found if each is not None and each.cause == "mongo-pool"), None)
        return None if match is None else replace(match, confidence=Confidence.MEDIUM)
