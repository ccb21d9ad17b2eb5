"""The message broker, as far as the product depends on it: requirement IN-09."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from support import waits
from support.checks import broker as checks
from support.checks.matcher import Judged
from support.clients.amqp.client import BrokerClient, BrokerOutcome
from support.config import Environment


class BrokerExamination:
    """Examination of the message broker: logs in, looks, and logs out."""

    def __init__(self, client: BrokerClient, environment: Environment) -> None:
        self._client = client
        self._limits = environment.limits
        self.exchange = environment.broker.exchange

    def wait_until_up(self) -> None:
        """Wait until the broker answers. A broker that was just started needs time; whether it accepts the login is
        checked separately."""
        waits.until(
            self._client.log_in,
            checks.answers(),
            within_s=sum(map(self._limits.deadline, ("pod_ready_s", "server_answers_s", "recovery_s"))),
            what="the message broker to start",
        )

    def announce(self) -> None:
        """Connect once in advance, so that a broker that starts with its first client is up when it is needed."""
        self._client.greet()

    def log_in(self) -> BrokerOutcome:
        return self._client.log_in()

    def log_in_with_a_wrong_password(self) -> BrokerOutcome:
        return self._client.log_in(self._client.wrong_password)

    def has_the_exchange(self) -> bool:
        return self._client.has_exchange(self.exchange)

    def wait_for_queues_of(self, job_id: str) -> None:
        """Wait until an opened investigation has at least one queue."""
        self._wait(job_id, checks.has_a_queue())

    def wait_until_no_queue_of(self, job_id: str) -> None:
        self._wait(job_id, checks.has_no_queue())

    def wait_until_no_queue_is_left(self, job_ids: Collection[str]) -> None:
        """Wait until none of these investigations has a queue."""
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
