"""Whether a database server answers: the driver asks every server for a heartbeat as soon as a client exists."""

from __future__ import annotations

import threading

from pymongo.monitoring import (
    ServerHeartbeatFailedEvent,
    ServerHeartbeatListener,
    ServerHeartbeatStartedEvent,
    ServerHeartbeatSucceededEvent,
)


class FirstHeartbeat(ServerHeartbeatListener):
    """Learns of the first heartbeat of ``servers`` servers. Selecting one takes its whole time-out where nobody is."""

    def __init__(self, servers: int) -> None:
        self._servers = servers
        self._over = threading.Event()
        self._silent: set[tuple[str, int | None]] = set()
        self._answered = False

    def answers(self, within_s: float) -> bool:
        """Whether one of them has answered; false as soon as all have failed to."""
        self._over.wait(within_s)
        return self._answered

    def started(self, event: ServerHeartbeatStartedEvent) -> None:
        """Nothing is known yet."""

    def succeeded(self, event: ServerHeartbeatSucceededEvent) -> None:
        self._answered = True
        self._over.set()

    def failed(self, event: ServerHeartbeatFailedEvent) -> None:
        self._silent.add(event.connection_id)
        if len(self._silent) == self._servers:
            self._over.set()
