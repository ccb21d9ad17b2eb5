"""Recovering from an outage: what was refused opens again, and how long that took."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from support import waits
from support.checks import outages as checks
from support.checks.matcher import judged
from support.checks.server import Outcome, is_alive
from support.clients.focus_server.client import ConnectionFailed, FocusServerClient
from support.clients.mongodb.client import DatabaseError, MongoDBClient
from support.config import Environment
from support.investigations.service import Investigations
from support.model import requests
from support.model.index_state import IndexState, state_of
from support.product.server_life import ServerLife
from support.reporting.record import context as reporting

_LONG_AGO_S = 1_000_000
_A_MINUTE_S = 60


class OutageRecovery:
    """Measures from the moment at which the outage was undone."""

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
        """What was away is there again from now on."""
        self._back_at_s = time.monotonic()

    def wait_until_refused_opens(self, request: requests.Body) -> None:
        """The same request until it opens, within the deadline; notes how long after the outage that was."""
        self._until_it_opens(request, "the same request")
        self._note("refused_request_opens_again_s")

    def wait_until_historic_opens(self, times: requests.Times) -> None:
        """The same for an investigation of a window."""
        self._until_it_opens(requests.historic(times), "a historic investigation")
        self._note("historic_opens_again_s")

    def wait_until_live_opens(self) -> None:
        """The same for a live one."""
        self._until_it_opens(requests.live(), "a live investigation")
        self._note("live_opens_again_s")

    def wait_until_alive(self) -> None:
        """The server answers its health check again."""
        waits.until(
            self._server.asked_whether_alive,
            is_alive(self._server.answers_within_s),
            within_s=self._limits.deadline("server_answers_s"),
            what="the server to answer after the outage",
        )
        self._note("server_answers_again_s")

    def prove(self, undo: Mapping[str, Any]) -> None:
        """Whoever comes next finds everything at work: the database, the server, and the server with the database."""
        within_s = self._limits.deadline("pod_ready_s") + self._limits.deadline("recovery_s")
        self._wait_for_database(within_s)
        waits.until(
            lambda: self._outcome(self._list_recordings),
            checks.is_served_at_last(),
            within_s=within_s,
            what="the server to find the recording index again",
        )

    def index_after_outage(self) -> IndexState:
        """The recording index, as soon as the database answers again within the deadline."""
        self._wait_for_database(self._limits.deadline("recovery_s"))
        return self.index_state()

    def index_state(self) -> IndexState:
        return state_of(self._mongodb, self._base_path)

    def _wait_for_database(self, within_s: float) -> None:
        waits.until(
            self._trouble_of_the_database,
            judged("a database that answers", lambda trouble: trouble),
            within_s=within_s,
            what="the database after the outage",
        )

    def _until_it_opens(self, request: requests.Body, what: str) -> None:
        waits.until(
            lambda: self._outcome(lambda: self._investigations.attempt(request).answer),
            checks.opens_at_last(),
            within_s=self._limits.deadline("recovery_s"),
            what=f"{what} to open after the outage",
        )

    def _trouble_of_the_database(self) -> str | None:
        try:
            self._mongodb.ping_ms(1)
        except DatabaseError as error:
            return str(error)
        return None

    def _list_recordings(self) -> Outcome:
        start_s = int(time.time()) - _LONG_AGO_S
        return self._client.recordings_in_time_range({"start_time": start_s, "end_time": start_s + _A_MINUTE_S})

    def _outcome(self, ask: Callable[[], Outcome]) -> Outcome:
        try:
            return ask()
        except ConnectionFailed as failure:
            return failure

    def _note(self, figure: str) -> None:
        reporting.current().figure(figure, round(time.monotonic() - self._back_at_s, 3))
