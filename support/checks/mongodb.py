"""Matchers for the recording index as infrastructure: layers 1 to 4."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fnmatch import fnmatch

from support.checks.matcher import Judged, judged
from support.clients.mongodb.client import BasePath, ConnectionOutcome
from support.config import Limits, MongoDB
from support.model.infrastructure import AnswerTime, IndexFacts, Query


def lets_the_user_in(limits: Limits) -> Judged[IndexFacts]:
    return judged(
        f"an authenticated user, connected within {limits.mongodb_connect_s:g} s",
        lambda facts: (
            None
            if facts.user and facts.connect_s <= limits.mongodb_connect_s
            else facts.trouble or f"user {facts.user or 'nobody'} after {facts.connect_s:.2f} s"
        ),
    )


def names_the_configured_database(settings: MongoDB) -> Judged[IndexFacts]:
    wanted = settings.database
    return judged(
        f"database {wanted} among those listed",
        lambda facts: None if wanted in facts.databases else f"listed are {', '.join(facts.databases) or 'none'}",
    )


def has_required_collections(settings: MongoDB, base_paths: Callable[[], Sequence[BasePath]]) -> Judged[IndexFacts]:
    """Match an index with the configured collections, those that entries of ``base_paths`` name, and an entry for the
    configured path."""

    def mismatch(facts: IndexFacts) -> str | None:
        if facts.trouble:
            return facts.trouble
        wanted = [*settings.required_collections, *(entry.guid for entry in base_paths())]
        missing = [name for name in wanted if name not in facts.collections]
        if missing:
            return f"missing are {', '.join(missing)}"
        paths = [entry.base_path for entry in base_paths()]
        return None if settings.base_path in paths else f"no entry for {settings.base_path} in base_paths"

    return judged("every required collection", mismatch)


def is_the_configured_one(settings: MongoDB) -> Judged[IndexFacts]:
    pattern = settings.reports_as
    return judged(
        f"a server that calls itself {pattern}",
        lambda facts: (
            None if fnmatch(facts.host, pattern) else facts.trouble or f"the server calls itself {facts.host}"
        ),
    )


def belongs_to_the_database(settings: MongoDB) -> Judged[IndexFacts]:
    wanted = settings.database
    return judged(
        f"a user of database {wanted}",
        lambda facts: (
            None
            if facts.user_database == wanted and wanted in facts.databases
            else facts.trouble or f"user {facts.user} belongs to database {facts.user_database}"
        ),
    )


def is_answered_in_time(limits: Limits) -> Judged[Query]:
    limit_ms = limits.mongodb_query_ms
    return judged(
        f"an answer within {limit_ms:g} ms",
        lambda query: None if query.duration_ms <= limit_ms else f"it took {query.duration_ms:.0f} ms",
    )


def is_at_least_acceptable(limits: Limits) -> Judged[AnswerTime]:
    limit_ms = limits.mongodb_ping_median_ms
    return judged(
        f"a median below {limit_ms:g} ms",
        lambda measured: None if measured.median_ms < limit_ms else str(measured),
    )


def tells_its_version() -> Judged[IndexFacts]:
    return judged(
        "a version like 8.0.5",
        lambda facts: None if facts.version[:1].isdigit() else f"the version is {facts.version!r}",
    )


def finds_recordings() -> Judged[Query]:
    return judged("at least one recording", lambda query: None if query.found else "no recording was found")


def counts_no_more_than_before() -> Judged[tuple[int, int]]:
    """Match a pair (before, after) of connection counts of a server that did not grow."""

    def mismatch(counts: tuple[int, int]) -> str | None:
        before, after = counts
        if before < 1:
            return "no connection was counted, not even that of the one who counts"
        return None if after <= before else f"{before} connections before, {after} after"

    return judged("no more connections than before", mismatch)


def fails_because(kind: str) -> Judged[ConnectionOutcome]:
    return judged(
        f"a connection that ends as {kind}",
        lambda outcome: None if outcome.kind == kind else f"it ended as {outcome.kind}: {outcome.message}",
    )
