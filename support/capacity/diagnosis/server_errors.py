"""Likely origin of 5xx answers, from the evidence of their time: overload, database, cluster or defect.

A cause that a text names counts before one that only coincides. A defect is concluded only if everything beside the
server was healthy.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from support.capacity.diagnosis.texts import cause_of

OVERLOAD, DATABASE, CLUSTER, DEFECT = "overload", "database", "cluster", "defect"
MANY_AT_ONCE = 5
"""With this many simultaneous requests, load can be the cause. The rest of the suite sends at most two at once."""
BUSY = 0.9
"""Share of its CPU limit, and of the connections of MongoDB, above which something is used up."""
_FAMILIES = {
    "mongo-pool": DATABASE,
    "server-queueing": OVERLOAD,
    "server-cpu": OVERLOAD,
    "memory-limit": OVERLOAD,
    "api-overload": OVERLOAD,
    "generator": OVERLOAD,
}
"""Families of the causes a text can name. All other causes belong to the cluster."""
_TEXTS = (
    (DATABASE, re.compile(r"mongo|ServerSelectionTimeout|AutoReconnect|NetworkTimeout|NotPrimary", re.IGNORECASE)),
    (CLUSTER, re.compile(r"kubernetes|api[ -]?server|\bkube|ClusterError|ApiException", re.IGNORECASE)),
    (OVERLOAD, re.compile(r"too many requests|queue is full|worker.* busy|MemoryError|overload", re.IGNORECASE)),
    (DEFECT, re.compile(r"Traceback \(most recent call last\)|\b(?!Mongo)\w+(?:Error|Exception): ")),
)

_TROUBLE = re.compile(r"\b(?:WARNING|ERROR|CRITICAL|FATAL)\b|Traceback|Error\b|Exception\b|[Tt]ime(?:d )?out")
"""Matches log lines that report a problem. Other lines name MongoDB and Kubernetes too."""


@dataclass(frozen=True)
class ServerErrorEvidence:
    """Evidence from the time when the server answered with 5xx.

    ``answers``, ``restarted``, ``unwell`` (pods and nodes that are not ready) and ``warnings`` (events of the cluster)
    are sentences; ``log`` holds the server's lines. ``cpu_share`` is the share of the server's limit, ``pool_share``
    that of MongoDB's connections; None if not available. ``unknown`` names what could not be examined.
    """

    answers: tuple[str, ...]
    most_at_once: int = 1
    log: tuple[str, ...] = ()
    restarted: tuple[str, ...] = ()
    unwell: tuple[str, ...] = ()
    database_unwell: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    cpu_share: float | None = None
    pool_share: float | None = None
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class ServerErrorVerdict:
    """``kind`` is one of the four, or None if the evidence is not conclusive; ``because`` is the evidence."""

    kind: str | None
    because: str

    def __str__(self) -> str:
        if self.kind is None:
            return f"what the server's 5xx come from the evidence does not say: {self.because}"
        article = "an" if self.kind == OVERLOAD else "a"
        named = {DATABASE: "the database", CLUSTER: "the cluster"}.get(self.kind, f"{article} {self.kind}")
        return f"the evidence of the server's 5xx speaks for {named}: {self.because}"


def judge_server_errors(evidence: ServerErrorEvidence) -> ServerErrorVerdict:
    """Return the verdict of the strongest evidence."""
    for kind, because in _speaking(evidence):
        return ServerErrorVerdict(kind, because)
    seen = f"{len(evidence.log)} lines of the server's log and nothing in the cluster name a cause"
    return ServerErrorVerdict(None, "; ".join([seen, *(f"not known: {what}" for what in evidence.unknown)]))


def _speaking(evidence: ServerErrorEvidence) -> Iterator[tuple[str, str]]:
    """Yield causes with their evidence, strongest first: texts, states, load, and a defect if all else is healthy."""
    texts = [*evidence.answers, *filter(_TROUBLE.search, evidence.log)]
    for kind in (DATABASE, CLUSTER, OVERLOAD):
        yield from ((kind, line) for line in texts if _named_by(line) == kind)
    yield from ((DATABASE, sentence) for sentence in evidence.database_unwell)
    if evidence.pool_share is not None and evidence.pool_share >= BUSY:
        yield DATABASE, f"{evidence.pool_share:.0%} of the connections of MongoDB are in use"
    for sentences in (evidence.restarted, evidence.unwell):
        for sentence in sentences:
            yield (OVERLOAD if cause_of(sentence) == "memory-limit" else CLUSTER), sentence
    if evidence.cpu_share is not None and evidence.cpu_share >= BUSY:
        yield OVERLOAD, f"the server uses {evidence.cpu_share:.0%} of the CPU it may use"
    yield from ((CLUSTER, sentence) for sentence in evidence.warnings if cause_of(sentence) is not None)
    if evidence.most_at_once >= MANY_AT_ONCE:
        yield OVERLOAD, f"{evidence.most_at_once} requests were under way at once, and nothing else was wrong"
    if evidence.unknown:
        return
    yield from ((DEFECT, line) for line in texts if _named_by(line) == DEFECT)
    if evidence.log:
        yield DEFECT, "nothing was loaded, nothing beside the server was unwell, and a single request is answered so"


def _named_by(line: str) -> str | None:
    cause = cause_of(line)
    if cause is not None:
        return _FAMILIES.get(cause, CLUSTER)
    return next((kind for kind, pattern in _TEXTS if pattern.search(line)), None)


def most_at_once(calls: Sequence[tuple[float, float]]) -> int:
    """Return the most requests under way at one moment; each is (begin, end) in seconds."""
    moments = sorted([(begin, 1) for begin, _ in calls] + [(end, -1) for _, end in calls])
    under_way = most = 0
    for _, change in moments:
        under_way += change
        most = max(most, under_way)
    return most
