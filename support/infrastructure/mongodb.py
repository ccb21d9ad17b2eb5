"""Layers 1 to 4: the recording index."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from fnmatch import fnmatch

from support import waits
from support.checks.matcher import Judged, judged
from support.clients.mongodb.client import ConnectionOutcome, DatabaseError, MongoDBClient
from support.config import Environment

_QUERIES = 3


@dataclass(frozen=True)
class IndexFacts:
    """What the recording index says of itself after the configured user was let in, or the ``trouble`` instead."""

    connect_s: float
    trouble: str = ""
    user: str = ""
    user_database: str = ""
    host: str = ""
    version: str = ""
    databases: tuple[str, ...] = ()
    collections: tuple[str, ...] = ()


@dataclass(frozen=True)
class AnswerTime:
    """Warm answer times in milliseconds."""

    samples_ms: tuple[float, ...]
    classes: tuple[tuple[float, str], ...]
    """Those of requirement IN-03, each with the median in milliseconds below which it begins, the best first."""

    @property
    def median_ms(self) -> float:
        return statistics.median(self.samples_ms)

    @property
    def rating(self) -> str:
        return next((name for limit, name in self.classes if self.median_ms < limit), "critical")

    def __str__(self) -> str:
        return f"{self.rating}: the median of {len(self.samples_ms)} answers is {self.median_ms:.1f} ms"


@dataclass(frozen=True)
class Query:
    """A question for the latest recordings: how many were found, and the median of its answer times."""

    found: int
    duration_ms: float


class MongoDBExamination:
    """Looks at the recording index with the configured client, and with deliberately wrong ones."""

    def __init__(self, client: MongoDBClient, environment: Environment) -> None:
        self._client = client
        self._settings = environment.mongodb
        self._limits = environment.limits

    def connect(self) -> IndexFacts:
        """What it says of itself; when it does not let the user in, nothing but why."""
        outcome = self._client.probe()
        if outcome.kind != "ok":
            return IndexFacts(trouble=f"{outcome.kind}: {outcome.message}", connect_s=outcome.duration_s)
        try:
            return self._facts(outcome.duration_s)
        except DatabaseError as error:
            trouble = f"the user is let in but cannot use database {self._settings.database}: {error}"
            return IndexFacts(trouble=trouble, connect_s=outcome.duration_s)

    def _facts(self, connect_s: float) -> IndexFacts:
        status = self._client.server_status()
        user, user_database = self._client.authenticated_user()
        return IndexFacts(
            user=user,
            user_database=user_database,
            host=status.host,
            version=status.version,
            databases=tuple(self._client.databases()),
            collections=tuple(self._client.collections()),
            connect_s=connect_s,
        )

    def connect_with_wrong_password(self) -> ConnectionOutcome:
        return self._client.probe(password="not-the-password")

    def connections_after_leaving(self) -> tuple[int, int]:
        """Connections the server counts before somebody came, and after they left."""
        before = self._connections()
        self._client.probe()
        waits.settle(
            lambda: ["one more"] if self._connections() > before else [],
            within_s=self._limits.mongodb_connect_s,
        )
        return before, self._connections()

    def _connections(self) -> int:
        """:class:`AssertionError` when the server does not count the connection over which it is asked."""
        count = self._client.server_status().connections_current
        if count < 1:
            raise AssertionError(
                f"the connections cannot be counted: the server counts {count}, not even the one over which it is asked"
            )
        return count

    def latest_recordings(self) -> Query:
        """The typical of a few equal queries: a single one may have waited for this machine."""
        queries = [self._client.timed_latest_recordings(self._settings.base_path) for _ in range(_QUERIES)]
        return Query(min(found for found, _ in queries), statistics.median(duration_ms for _, duration_ms in queries))

    def answer_time(self) -> AnswerTime:
        limits = self._limits
        classes = (
            (limits.mongodb_ping_excellent_ms, "excellent"),
            (limits.mongodb_ping_median_ms, "acceptable"),
            (limits.mongodb_ping_warning_ms, "warning"),
        )
        return AnswerTime(tuple(self._client.ping_ms(limits.ping_samples)), classes)

    # What must be true

    def lets_the_user_in(self) -> Judged[IndexFacts]:
        return judged(
            f"an authenticated user, connected within {self._limits.mongodb_connect_s:g} s",
            lambda facts: (
                None
                if facts.user and facts.connect_s <= self._limits.mongodb_connect_s
                else facts.trouble or f"user {facts.user or 'nobody'} after {facts.connect_s:.2f} s"
            ),
        )

    def names_the_configured_database(self) -> Judged[IndexFacts]:
        wanted = self._settings.database
        return judged(
            f"database {wanted} among those listed",
            lambda facts: None if wanted in facts.databases else f"listed are {', '.join(facts.databases) or 'none'}",
        )

    def has_required_collections(self) -> Judged[IndexFacts]:
        """``base_paths``, the configured ones, and those the entries of ``base_paths`` name."""

        def trouble(facts: IndexFacts) -> str | None:
            if facts.trouble:
                return facts.trouble
            wanted = [*self._settings.required_collections, *(entry.guid for entry in self._client.base_paths())]
            missing = [name for name in wanted if name not in facts.collections]
            if missing:
                return f"missing are {', '.join(missing)}"
            paths = [entry.base_path for entry in self._client.base_paths()]
            return (
                None if self._settings.base_path in paths else f"no entry for {self._settings.base_path} in base_paths"
            )

        return judged("every required collection", trouble)

    def is_the_configured_one(self) -> Judged[IndexFacts]:
        pattern = self._settings.reports_as
        return judged(
            f"a server that calls itself {pattern}",
            lambda facts: (
                None if fnmatch(facts.host, pattern) else facts.trouble or f"the server calls itself {facts.host}"
            ),
        )

    def belongs_to_the_configured_database(self) -> Judged[IndexFacts]:
        wanted = self._settings.database
        return judged(
            f"a user of database {wanted}",
            lambda facts: (
                None
                if facts.user_database == wanted and wanted in facts.databases
                else facts.trouble or f"user {facts.user} belongs to database {facts.user_database}"
            ),
        )

    def is_answered_in_time(self) -> Judged[Query]:
        limit_ms = self._limits.mongodb_query_ms
        return judged(
            f"an answer within {limit_ms:g} ms",
            lambda query: None if query.duration_ms <= limit_ms else f"it took {query.duration_ms:.0f} ms",
        )

    def is_at_least_acceptable(self) -> Judged[AnswerTime]:
        limit_ms = self._limits.mongodb_ping_median_ms
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
    """For (before, after) of connections counted by a server."""
    return judged(
        "no more connections than before",
        lambda counts: None if counts[1] <= counts[0] else f"{counts[0]} connections before, {counts[1]} after",
    )


def fails_because(kind: str) -> Judged[ConnectionOutcome]:
    return judged(
        f"a connection that ends as {kind}",
        lambda outcome: None if outcome.kind == kind else f"it ended as {outcome.kind}: {outcome.message}",
    )
