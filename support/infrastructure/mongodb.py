"""Layers 1 to 4: the recording index."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from support import waits
from support.clients.mongodb.client import BasePath, ConnectionOutcome, DatabaseError, MongoDBClient, ServerStatus
from support.config import Environment
from support.model.infrastructure import AnswerTime, IndexFacts, Query

_QUERIES = 3


class MongoDBExamination:
    """Examination of the recording index, with the configured login and with a deliberately wrong one."""

    def __init__(self, client: MongoDBClient, environment: Environment) -> None:
        self._client = client
        self._settings = environment.mongodb
        self._limits = environment.limits

    def connect(self) -> IndexFacts:
        """Return the facts that the server reports, or only the reason if it refuses the user."""
        outcome = self._client.probe()
        if outcome.kind != "ok":
            return IndexFacts(trouble=f"{outcome.kind}: {outcome.message}", connect_s=outcome.duration_s)
        try:
            return self._facts(outcome.duration_s)
        except DatabaseError as error:
            reason = f"the user is let in but cannot use database {self._settings.database}: {error}"
            return IndexFacts(trouble=reason, connect_s=outcome.duration_s)

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

    def base_paths(self) -> list[BasePath]:
        """Return the entries that name the collections of recordings."""
        return self._client.base_paths()

    def connect_with_wrong_password(self) -> ConnectionOutcome:
        return self._client.probe(password="not-the-password")

    def connections_after_leaving(self) -> tuple[int, int]:
        """Return the number of connections on the server before another login, and after it has ended."""
        before = self._counted()
        outcome = self._client.probe()
        if outcome.kind != "ok":
            raise AssertionError(f"nobody could connect: {outcome.kind}: {outcome.message}")
        waits.settle(
            lambda: ["one more"] if self._counted().connections_current > before.connections_current else [],
            within_s=self._limits.mongodb_connect_s,
        )
        after = self._counted()
        if after.total_created <= before.total_created:
            raise AssertionError(
                f"the connections cannot be counted: somebody came and left, and the server still says that "
                f"{after.total_created} were made in all"
            )
        return before.connections_current, after.connections_current

    def _counted(self) -> ServerStatus:
        """Return the server status, or raise :class:`AssertionError` if the server does not count this connection."""
        status = self._client.server_status()
        if status.connections_current < 1:
            raise AssertionError(
                f"the connections cannot be counted: the server counts {status.connections_current}, not even the one "
                "over which it is asked"
            )
        return status

    def latest_recordings(self) -> Query:
        """Return the median time of several equal queries: a single one may have been delayed by this machine."""
        queries = [self._client.timed_latest_recordings(self._settings.base_path) for _ in range(_QUERIES)]
        return Query(min(found for found, _ in queries), statistics.median(duration_ms for _, duration_ms in queries))

    def ping_ms(self) -> float:
        """Return the duration of one answer over a warm connection."""
        return self._client.ping_ms(1)[0]

    def answer_time(self) -> AnswerTime:
        return self.answer_time_of(self._client.ping_ms(self._limits.ping_samples))

    def answer_time_of(self, samples_ms: Sequence[float]) -> AnswerTime:
        """Return measured answer times with the classes of this environment."""
        limits = self._limits
        classes = (
            (limits.mongodb_ping_excellent_ms, "excellent"),
            (limits.mongodb_ping_median_ms, "acceptable"),
            (limits.mongodb_ping_warning_ms, "warning"),
        )
        return AnswerTime(tuple(samples_ms), classes)
