"""The message broker, as far as the product depends on it: requirement IN-09."""

from __future__ import annotations

from collections.abc import Sequence

from support import waits
from support.checks.matcher import Judged, judged
from support.clients.amqp.client import BrokerClient, BrokerOutcome
from support.config import Environment


def lets_in_within(limit_s: float) -> Judged[BrokerOutcome]:
    def trouble(outcome: BrokerOutcome) -> str | None:
        if outcome.kind != "ok":
            return f"{outcome.kind}: {outcome.message}"
        return f"it took {outcome.duration_s:.2f} s" if outcome.duration_s > limit_s else None

    return Judged(f"a broker that lets the configured user in within {limit_s:g} s", trouble)


def fails_because_of_the_password() -> Judged[BrokerOutcome]:
    return Judged(
        "a wrong password that is refused as such",
        lambda outcome: None if outcome.kind == "authentication_failed" else f"{outcome.kind}: {outcome.message}",
    )


class BrokerExamination:
    """Logs in, looks, and leaves again."""

    def __init__(self, client: BrokerClient, environment: Environment) -> None:
        self._client = client
        self._limits = environment.limits
        self._exchange = environment.broker.exchange

    def wait_until_up(self) -> None:
        """A broker that was only just started is given its time; whom it lets in is another question."""
        waits.until(
            self._client.log_in,
            judged("a broker that answers", lambda seen: seen.message if seen.kind == "unreachable" else None),
            within_s=sum(map(self._limits.deadline, ("pod_ready_s", "server_answers_s", "recovery_s"))),
            what="the message broker to start",
        )

    def log_in(self) -> BrokerOutcome:
        return self._client.log_in()

    def log_in_with_a_wrong_password(self) -> BrokerOutcome:
        return self._client.log_in(self._client.wrong_password)

    def lets_in(self) -> Judged[BrokerOutcome]:
        return lets_in_within(self._limits.rabbitmq_connect_s)

    def assert_has_the_exchange(self) -> None:
        if not self._client.has_exchange(self._exchange):
            raise AssertionError(f"the broker has no exchange {self._exchange}")

    def wait_for_queues_of(self, job_id: str) -> None:
        """An investigation that was opened has at least one queue."""
        self._wait(job_id, judged("a queue of it", lambda names: None if names else "the broker has none"))

    def wait_until_no_queue_of(self, job_id: str) -> None:
        self._wait(job_id, judged("no queue of it", lambda names: f"left: {', '.join(names)}" if names else None))

    def _wait(self, job_id: str, matcher: Judged[Sequence[str]]) -> None:
        waits.until(
            lambda: self._client.queues_of(job_id),
            matcher,
            within_s=self._limits.deadline("release_s"),
            what=f"the queues of job {job_id}",
        )
