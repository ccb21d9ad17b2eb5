"""Clients of stream ports: an investigation nobody connects to is cleaned up, so somebody must stay connected."""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import dataclass

_TRY_AGAIN_S = 0.02
_CONNECT_TIMEOUT_S = 1.0


@dataclass(frozen=True)
class Connection:
    """The result of one attempt: connected or not, and why not."""

    host: str
    port: int
    connected: bool
    error: str = ""

    def __str__(self) -> str:
        return f"{self.host}:{self.port} {'accepts connections' if self.connected else self.error}"


def try_to_connect(host: str, port: int) -> Connection:
    """Open a TCP connection and close it again."""
    try:
        with socket.create_connection((host, port), _CONNECT_TIMEOUT_S):
            return Connection(host, port, True)
    except OSError as error:
        return Connection(host, port, False, f"does not accept connections: {error}")


class StreamClients:
    """Connects to stream ports as soon as they open, and stays connected until told to leave."""

    def __init__(self) -> None:
        self._waiting: dict[str, tuple[str, int, float]] = {}
        self._connected: dict[str, socket.socket] = {}
        self._lock = threading.Lock()
        self._work = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stream-clients", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._work.set()
        self._thread.join()
        for job_id in [*self._waiting, *self._connected]:
            self.leave(job_id)

    def join(self, job_id: str, host: str, port: int, within_s: float) -> None:
        """Connect in the background, within ``within_s``; a port that never opens is for a scenario to judge, not for
        us."""
        with self._lock:
            self._waiting[job_id] = (host, port, time.monotonic() + within_s)
        self._work.set()

    def leave(self, job_id: str) -> None:
        with self._lock:
            self._waiting.pop(job_id, None)
            connection = self._connected.pop(job_id, None)
        if connection is not None:
            connection.close()

    def _run(self) -> None:
        while not self._ended.is_set():
            self._work.wait(None if not self._waiting else _TRY_AGAIN_S)
            self._work.clear()
            for job_id, (host, port, deadline) in list(self._waiting.items()):
                self._try(job_id, host, port, deadline)

    def _try(self, job_id: str, host: str, port: int, deadline: float) -> None:
        try:
            connection = socket.create_connection((host, port), _CONNECT_TIMEOUT_S)
        except OSError:
            if time.monotonic() > deadline:
                with self._lock:
                    self._waiting.pop(job_id, None)
            return
        with self._lock:
            if self._waiting.pop(job_id, None) is not None:
                self._connected[job_id] = connection
                return
        connection.close()
