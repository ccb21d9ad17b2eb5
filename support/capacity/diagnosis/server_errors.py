"""What answers of 5xx come from, as far as the evidence of their time says: overload, database, cluster or defect.

What a text names counts before what was only seen at the same time, and a defect is concluded only where everything
beside the server was well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from support.capacity.diagnosis.texts import cause_of

OVERLOAD, DATABASE, CLUSTER, DEFECT = "overload", "database", "cluster", "defect"
MANY_AT_ONCE = 5
"""From so many requests under way at one moment on a load can be the reason; the rest of the suite asks twice at
once."""
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
"""Of the causes that a text can name; every other is one of the cluster."""
_TEXTS = (
    (DATABASE, re.compile(r"mongo|ServerSelectionTimeout|AutoReconnect|NetworkTimeout|NotPrimary", re.IGNORECASE)),
    (CLUSTER, re.compile(r"kubernetes|api[ -]?server|\bkube|ClusterError|ApiException", re.IGNORECASE)),
    (OVERLOAD, re.compile(r"too many requests|queue is full|worker.* busy|MemoryError|overload", re.IGNORECASE)),
    (DEFECT, re.compile(r"Traceback \(most recent call last\)|\b(?!Mongo)\w+(?:Error|Exception): ")),
)

_TROUBLE = re.compile(r"\b(?:WARNING|ERROR|CRITICAL|FATAL)\b|Traceback|Error\b|Exception\b|[Tt]ime(?:d )?out")
"""A line of the log that tells of any trouble: others name MongoDB and Kubernetes too."""


@dataclass(frozen=True)
class ServerErrorEvidence:
    """What was seen while the server answered so.

    ``answers`` are sentences, ``log`` the server's lines of the time. ``restarted``, ``unwell`` (pods and nodes that
    are not ready) and ``warnings`` (events of the cluster) are sentences too. ``cpu_share`` is that of the server's
    limit, ``pool_share`` that of MongoDB's connections; None where nobody tells. ``unknown`` names what could not be
    looked at.
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
    """``kind`` is one of the four, or None when the evidence does not say; ``because`` is what says so."""

    kind: str | None
    because: str

    def __str__(self) -> str:
        if self.kind is None:
            return f"what the server's 5xx come from the evidence does not say: {self.because}"
        article = "an" if self.kind == OVERLOAD else "a"
        named = {DATABASE: "the database", CLUSTER: "the cluster"}.get(self.kind, f"{article} {self.kind}")
        return f"the evidence of the server's 5xx speaks for {named}: {self.because}"


def judge_server_errors(evidence: ServerErrorEvidence) -> ServerErrorVerdict:
    """The first that speaks, the strongest first."""
    for kind, because in _speaking(evidence):
        return ServerErrorVerdict(kind, because)
    seen = f"{len(evidence.log)} lines of the server's log and nothing in the cluster name a cause"
    return ServerErrorVerdict(None, "; ".join([seen, *(f"not known: {what}" for what in evidence.unknown)]))


def _speaking(evidence: ServerErrorEvidence) -> Iterator[tuple[str, str]]:
    """Texts, then states, then load, then what is left when all else is well."""
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
    """The most requests under way at one moment; each is its begin and its end in seconds."""
    moments = sorted([(begin, 1) for begin, _ in calls] + [(end, -1) for _, end in calls])
    under_way = most = 0
    for _, change in moments:
        under_way += change
        most = max(most, under_way)
    return most
