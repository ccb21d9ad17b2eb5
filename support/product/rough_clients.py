"""Clients that a server cannot choose: some leave, some are slow, and some all come at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier
from typing import Any

from support.checks.server import Outcome
from support.clients.focus_server.client import ConnectionFailed
from support.clients.focus_server.raw_connection import RawConnection
from support.clients.journal import Journal
from support.clients.safety import Budget
from support.config import Environment
from support.model import requests

PIECES = 5
_HOUR_S = 3600


@dataclass(frozen=True)
class SlowExchange:
    """Outcome of the slow client, and outcomes of the other clients while it was sending."""

    own: Outcome
    others: tuple[Outcome, ...]


class RoughClients:
    """Clients with rough behaviour. ``ask`` sends an ordinary health check with a time limit in seconds."""

    def __init__(
        self, environment: Environment, journal: Journal, budget: Budget, ask: Callable[[float], Outcome]
    ) -> None:
        self._budget = budget
        self._server = environment.focus_server
        self._limits = environment.limits
        self._journal = journal
        self._ask = ask
        self.patience_s = environment.focus_server.read_timeout_s
        """Seconds that clients wait if all come at once. The speed of the answers is judged elsewhere (PF-02)."""
        self.usual_s = environment.limits.ack_concurrent_p95_ms / 1000
        """Seconds that all other clients wait."""

    def leave_half_way(self) -> None:
        """Begin to open an investigation, and leave as soon as the server has begun to read the request."""
        with self._connection("/configure", requests.live(), asks_first=True) as connection:
            connection.send(connection.head)
            connection.wait_until_noticed(self.usual_s)
            connection.send(connection.body[: len(connection.body) // 2])
            connection.abandon()

    def leave_unanswered(self, body: requests.Body) -> None:
        """Send a complete request to open, and leave before it can be answered."""
        fields = {} if isinstance(body, bytes) else body
        with self._connection("/configure", fields, asks_first=True) as connection:
            connection.send(connection.head)
            connection.wait_until_noticed(self.usual_s)
            connection.send(connection.body)

    def send_little_by_little(self) -> SlowExchange:
        """List the recordings of an hour with a request sent in pieces; another client is served before each piece."""
        now_s = int(time.time())
        window = {"start_time": now_s - 2 * _HOUR_S, "end_time": now_s - _HOUR_S}
        others = []
        try:
            with self._connection("/recordings_in_time_range", window) as connection:
                connection.send(connection.head)
                for piece in pieces(connection.body, PIECES):
                    others.append(self._ask(self.usual_s))
                    connection.send(piece)
                return SlowExchange(connection.answer(), tuple(others))
        except ConnectionFailed as failure:
            return SlowExchange(failure, tuple(others))

    def _connection(self, path: str, body: Mapping[str, Any], asks_first: bool = False) -> RawConnection:
        return RawConnection(self._server, path, body, self._journal, self._budget, asks_first)

    def ask_all_at_once(self) -> list[Outcome]:
        """Send simultaneous health checks, as many as the environment says. Raises ``SafetyError`` if not permitted."""
        amount = self._limits.ack_concurrency
        self._budget.require_at_once(amount)
        everybody = Barrier(amount)

        def ask_with_the_others() -> Outcome:
            everybody.wait()
            return self._ask(self.patience_s)

        with ThreadPoolExecutor(amount) as pool:
            return [asking.result() for asking in [pool.submit(ask_with_the_others) for _ in range(amount)]]


def pieces(body: bytes, amount: int) -> list[bytes]:
    """Split ``body`` into at most ``amount`` parts of about the same length, none of them empty."""
    size = max(1, -(-len(body) // amount))
    return [body[start : start + size] for start in range(0, len(body), size)]
