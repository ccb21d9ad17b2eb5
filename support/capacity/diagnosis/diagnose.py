"""The diagnosis of one load step: causes ordered by the number of jobs they explain, with evidence, and the unknown."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from support.capacity.diagnosis.attribution import Attribution
from support.capacity.diagnosis.causes import CAUSES, Cause
from support.capacity.diagnosis.deeper import deepen, with_lookups
from support.capacity.diagnosis.direct import START_EVENTS
from support.capacity.diagnosis.evidence import ClusterIndex, Confidence, EvidenceRow, Match, shortened
from support.capacity.diagnosis.texts import cause_of
from support.capacity.load.results import ClusterEvidence, JobRecord, SelfCheck, failed_records

MOST_ROWS = 12
ALIKE = 3
"""Number of rows kept of each kind. Rows of one kind differ only in names and numbers."""
MOST_UNMATCHED = 20


@dataclass(frozen=True)
class Bottleneck:
    """A cause, and the numbers of the investigations whose primary cause it is: failed, or answered too late."""

    cause: Cause
    jobs: tuple[int, ...]
    slow_jobs: tuple[int, ...]
    confidence: Confidence
    evidence: tuple[EvidenceRow, ...]


@dataclass(frozen=True)
class Diagnosis:
    """The diagnosis. ``findings`` are ordered by the number of failed jobs they explain, then of slow ones.

    Each failed or slow investigation is in exactly one finding or in ``unattributed`` / ``unattributed_slow``.
    ``unmatched`` are texts of the evidence that no rule knows.
    """

    failed: int
    slow: int
    findings: tuple[Bottleneck, ...]
    unattributed: tuple[int, ...]
    unattributed_slow: tuple[int, ...]
    unmatched: tuple[str, ...]


def diagnose(
    records: Sequence[JobRecord],
    evidence: ClusterEvidence,
    self_check: SelfCheck | None = None,
    *,
    before: ClusterEvidence | None = None,
    ramp: Sequence[Sequence[JobRecord]] = (),
    slow_above_ms: float | None = None,
    limit_s: float = 30.0,
) -> Diagnosis:
    """Explain the failed investigations of a step and, with ``slow_above_ms``, the ones answered later than that.

    ``before`` is the cluster without the load, ``ramp`` the records of smaller steps, ``limit_s`` the time a job was
    waited for.
    """
    index = ClusterIndex(evidence, before)
    rules = Attribution(records, index, self_check, limit_s, ramp)
    failed = failed_records(records)
    numbers = {record.number for record in failed}
    slow = [] if slow_above_ms is None else [
        record for record in records
        if record.number not in numbers and record.reached.get("answered", 0.0) * 1000 > slow_above_ms
    ]  # fmt: skip
    failed_matches = deepen(_matched(failed, rules.primary), records, index)
    slow_matches = with_lookups(_matched(slow, rules.of_slow), slow, index)
    return Diagnosis(
        failed=len(failed),
        slow=len(slow),
        findings=_findings(failed_matches, slow_matches),
        unattributed=tuple(number for number, match in failed_matches.items() if match is None),
        unattributed_slow=tuple(number for number, match in slow_matches.items() if match is None),
        unmatched=_unmatched(failed, index),
    )


def _matched(records: Sequence[JobRecord], rule: Callable[[JobRecord], Match | None]) -> dict[int, Match | None]:
    return {record.number: rule(record) for record in records}


def _findings(failed: Mapping[int, Match | None], slow: Mapping[int, Match | None]) -> tuple[Bottleneck, ...]:
    causes = {match.cause for match in (*failed.values(), *slow.values()) if match is not None}
    found = [_finding(cause, failed, slow) for cause in sorted(causes)]
    return tuple(sorted(found, key=lambda each: (-len(each.jobs), -len(each.slow_jobs), -each.confidence)))


def _finding(cause: str, failed: Mapping[int, Match | None], slow: Mapping[int, Match | None]) -> Bottleneck:
    jobs, slow_jobs = (
        tuple(number for number, match in matches.items() if match is not None and match.cause == cause)
        for matches in (failed, slow)
    )
    matches = [match for match in (*failed.values(), *slow.values()) if match is not None and match.cause == cause]
    # The confidence of most matches; of two equally frequent ones, the lower.
    counted = Counter(match.confidence for match in matches)
    confidence = max(counted, key=lambda each: (counted[each], -each))
    return Bottleneck(CAUSES[cause], jobs, slow_jobs, confidence, _kept(matches))


def _kept(matches: Sequence[Match]) -> tuple[EvidenceRow, ...]:
    """Return the first few rows of each kind, because hundreds of similar sentences add nothing."""
    kept: dict[EvidenceRow, None] = {}
    kinds: dict[tuple[str, str, str], int] = {}
    for match in matches:
        for row in match.rows:
            kind = (row.source, row.field, re.sub(r"\d+(-\d+)*", "#", str(row.value)))
            if row not in kept and kinds.get(kind, 0) < ALIKE and len(kept) < MOST_ROWS:
                kept[row] = None
                kinds[kind] = kinds.get(kind, 0) + 1
    return tuple(kept)


def _unmatched(failed: Sequence[JobRecord], index: ClusterIndex) -> tuple[str, ...]:
    """Return the texts about failed jobs that no rule knows, once each."""
    texts: dict[str, None] = {}
    for record in failed:
        objects = index.of(record)
        if record.failed_phase == "answered":
            texts[f"answer {record.status or 'missing'}: {record.answer}"] = None
        scheduled = objects.pod.conditions.get("PodScheduled") if objects.pod else None
        if scheduled is not None and scheduled.status != "True" and scheduled.message:
            texts[f"pod condition: {scheduled.message}"] = None
        for event in objects.events:
            if event.get("type") == "Warning" and event.get("reason") not in START_EVENTS:
                texts[f"event {event.get('reason')}: {event.get('message')}"] = None
    unknown = dict.fromkeys(shortened(text) for text in texts if cause_of(text) is None)
    return tuple(unknown)[:MOST_UNMATCHED]
