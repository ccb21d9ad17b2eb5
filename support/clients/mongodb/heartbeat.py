"""Checks that a database server answers, by the heartbeat that the driver requests as soon as a client exists."""

from __future__ import annotations

import threading

from pymongo.monitoring import (
    ServerHeartbeatFailedEvent,
    ServerHeartbeatListener,
    ServerHeartbeatStartedEvent,
    ServerHeartbeatSucceededEvent,
)


class FirstHeartbeat(ServerHeartbeatListener):
    """Waits for the first heartbeat from ``servers`` servers.

    The driver's server selection would take its whole time-out if no server answers.
    """

    def __init__(self, servers: int) -> None:
        self._servers = servers
        self._over = threading.Event()
        self._silent: set[tuple[str, int | None]] = set()
        self._answered = False

    def answers(self, within_s: float) -> bool:
        """Whether a server answers within ``within_s``. Returns False as soon as all have failed."""
        self._over.wait(within_s)
        return self._answered

    def started(self, event: ServerHeartbeatStartedEvent) -> None:
        """Do nothing: a heartbeat that has started shows nothing yet."""

    def succeeded(self, event: ServerHeartbeatSucceededEvent) -> None:
        self._answered = True
        self._over.set()

    def failed(self, event: ServerHeartbeatFailedEvent) -> None:
        self._silent.add(event.connection_id)
        if len(self._silent) == self._servers:
            self._over.set()
