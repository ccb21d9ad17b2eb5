"""Recovery from an outage: refused requests open again, and the time that takes is measured."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from support import waits
from support.checks import outages as checks
from support.checks.broker import lets_in_within
from support.checks.matcher import judged
from support.checks.server import Outcome, is_alive
from support.clients.amqp.client import BrokerOutcome
from support.clients.focus_server.client import Answer, ConnectionFailed, FocusServerClient
from support.clients.mongodb.client import MongoDBClient
from support.config import Environment
from support.investigations.service import Investigations
from support.model import requests
from support.model.index_state import IndexState, state_of
from support.product.server_life import ServerLife
from support.resilience.figures import note

OK = 200
_LONG_AGO_S = 1_000_000
_A_MINUTE_S, _A_GREETING_S = 60, 1.0


class OutageRecovery:
    """Waits for recovery, and measures from the moment at which the outage was undone."""

    def __init__(
        self,
        investigations: Investigations,
        client: FocusServerClient,
        server: ServerLife,
        mongodb: MongoDBClient,
        environment: Environment,
    ) -> None:
        self._investigations, self._client, self._server = investigations, client, server
        self._mongodb = mongodb
        self._limits = environment.limits
        self._base_path = environment.mongodb.base_path
        self._back_at_s = time.monotonic()

    def begin(self) -> None:
        """Start measuring: what was taken away exists again from now on."""
        self._back_at_s = time.monotonic()

    def wait_until_opens(self, name: str, request: requests.Body) -> None:
        """Repeat the request until it opens, within the deadline. Records as ``name`` the time since the outage."""
        within_s = self._limits.deadline("recovery_s")
        waits.until(
            lambda: self._outcome(lambda: self._investigations.attempt(request).answer),
            checks.opens_at_last(),
            within_s=within_s,
            what=f"the {name} request to open after the outage",
        )
        self._note(f"{name}_request_opens_again", within_s)

    def wait_until_alive(self) -> None:
        """Wait until the server answers its health check again."""
        waits.until(
            self._server.asked_whether_alive,
            is_alive(self._server.answers_within_s),
            within_s=self._limits.deadline("server_answers_s"),
            what="the server to answer after the outage",
        )
        self._note("server_answers_again", self._limits.deadline("server_answers_s"))

    def wait_until_broker_lets_in(self, log_in: Callable[[], BrokerOutcome]) -> None:
        """Wait until the message broker accepts logins again."""
        within_s = self._limits.deadline("pod_ready_s") + self._limits.deadline("recovery_s")
        waits.until(
            log_in,
            lets_in_within(self._limits.rabbitmq_connect_s),
            within_s=within_s,
            what="the message broker to let the product in after the outage",
        )
        self._note("broker_lets_in_again", within_s)

    def answered_before(self) -> int:
        """Return the status with which the server answers the request of :meth:`prove`; 200 if it gives no answer.

        The deployed server fails this request with or without an outage (docs/facts/focus-server.md 3.5). The same
        failure after the outage is then no trace of the outage.
        """
        before = self._outcome(self._list_recordings)
        return before.status if isinstance(before, Answer) else OK

    def prove(self, undo: Mapping[str, Any]) -> None:
        """Wait until everything is as it was: the database, the server, and the server with the database."""
        within_s = self._limits.deadline("pod_ready_s") + self._limits.deadline("recovery_s")
        self._wait_for_database(within_s)
        waits.until(
            lambda: self._outcome(self._list_recordings),
            checks.is_answered_as_before(undo.get("answered", OK)),
            within_s=within_s,
            what="the server to find the recording index again",
        )

    def index_after_outage(self) -> IndexState:
        """Return the state of the recording index as soon as the database answers again, within the deadline."""
        self._wait_for_database(self._limits.deadline("recovery_s"))
        return self.index_state()

    def index_state(self) -> IndexState:
        return state_of(self._mongodb, self._base_path)

    def _wait_for_database(self, within_s: float) -> None:
        waits.until(
            lambda: self._mongodb.answers(within_s=_A_GREETING_S),
            judged("a database that answers", lambda answers: None if answers else "it does not answer"),
            within_s=within_s,
            what="the database after the outage",
        )
        self._mongodb.connect_anew()

    def _list_recordings(self) -> Outcome:
        start_s = int(time.time()) - _LONG_AGO_S
        return self._client.recordings_in_time_range({"start_time": start_s, "end_time": start_s + _A_MINUTE_S})

    def _outcome(self, ask: Callable[[], Outcome]) -> Outcome:
        try:
            return ask()
        except ConnectionFailed as failure:
            return failure

    def _note(self, figure: str, limit_s: float) -> None:
        note(figure, time.monotonic() - self._back_at_s, limit_s)
