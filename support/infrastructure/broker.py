"""The message broker, as far as the product depends on it: requirement IN-09."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from support import waits
from support.checks import broker as checks
from support.checks.matcher import Judged
from support.clients.amqp.client import BrokerClient, BrokerOutcome
from support.config import Environment


class BrokerExamination:
    """Logs in, looks, and leaves again."""

    def __init__(self, client: BrokerClient, environment: Environment) -> None:
        self._client = client
        self._limits = environment.limits
        self.exchange = environment.broker.exchange

    def wait_until_up(self) -> None:
        """A broker that was only just started is given its time; whom it lets in is another question."""
        waits.until(
            self._client.log_in,
            checks.answers(),
            within_s=sum(map(self._limits.deadline, ("pod_ready_s", "server_answers_s", "recovery_s"))),
            what="the message broker to start",
        )

    def announce(self) -> None:
        """Somebody will come: a broker that starts with its first client is up by then."""
        self._client.greet()

    def log_in(self) -> BrokerOutcome:
        return self._client.log_in()

    def log_in_with_a_wrong_password(self) -> BrokerOutcome:
        return self._client.log_in(self._client.wrong_password)

    def has_the_exchange(self) -> bool:
        return self._client.has_exchange(self.exchange)

    def wait_for_queues_of(self, job_id: str) -> None:
        """An investigation that was opened has at least one queue."""
        self._wait(job_id, checks.has_a_queue())

    def wait_until_no_queue_of(self, job_id: str) -> None:
        self._wait(job_id, checks.has_no_queue())

    def wait_until_no_queue_is_left(self, job_ids: Collection[str]) -> None:
        """Of many investigations."""
        waits.until(
            self._client.queues,
            checks.has_no_queue_of(job_ids),
            within_s=self._limits.deadline("release_s"),
            what=f"the queues of {len(job_ids)} investigations",
        )

    def _wait(self, job_id: str, matcher: Judged[Sequence[str]]) -> None:
        waits.until(
            lambda: self._client.queues_of(job_id),
            matcher,
            within_s=self._limits.deadline("release_s"),
            what=f"the queues of job {job_id}",
        )
