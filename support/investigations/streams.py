"""TCP clients of stream ports. They stay connected, because an investigation without a client is cleaned up."""

from __future__ import annotations

import errno
import selectors
import socket
import threading
import time
from dataclasses import dataclass

from support import waits

_TRY_AGAIN_S = 0.02
_PAUSE_PER_WAITING_S = 0.001
"""Pause between attempts per waiting client: at most 1000 attempts per second in all, to spare this machine."""
_CONNECT_TIMEOUT_S = 1.0
_CHUNK_BYTES = 65536


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


@dataclass
class _Client:
    """A client to connect: its target, its time limit, the time of the next attempt, and the attempt or connection.

    ``since_s`` is the time at which its port first accepted it. Unless ``is_through``, ``connection`` is an attempt.
    """

    host: str
    port: int
    within_s: float
    watch: waits.Stopwatch
    next_s: float = 0.0
    connection: socket.socket | None = None
    began_s: float = 0.0
    since_s: float | None = None
    is_through: bool = False

    @property
    def has_time(self) -> bool:
        return self.watch.given_s() <= self.within_s


class StreamClients:
    """Clients that connect to stream ports as soon as they open, and stay connected until :meth:`leave`.

    One thread serves all clients, and no attempt blocks another: a port that never answers delays no other client.

    Ports are reused. For a moment a port may lead to the investigation that had it before, and the end of that
    investigation ends the connection. A client that loses its connection within its time therefore connects again.
    """

    def __init__(self) -> None:
        self._clients: dict[str, _Client] = {}
        self._lock = threading.RLock()
        self._selector = selectors.DefaultSelector()
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._selector.register(self._wake_in, selectors.EVENT_READ, None)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stream-clients", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._wake()
        self._thread.join()
        for job_id in list(self._clients):
            self.leave(job_id)
        self._selector.close()
        self._wake_in.close()
        self._wake_out.close()

    def join(self, job_id: str, host: str, port: int, within_s: float) -> None:
        """Connect in the background, within ``within_s`` given to the suite (:mod:`support.waits`). A port that never
        opens is for the scenario to judge."""
        with self._lock:
            self._clients[job_id] = _Client(host, port, within_s, waits.Stopwatch())
        self._wake()

    def leave(self, job_id: str) -> None:
        with self._lock:
            client = self._clients.pop(job_id, None)
            if client is not None:
                self._hang_up(client)

    def connected_since_s(self, job_id: str) -> float | None:
        """Return the time at which the port first accepted a connection (monotonic), or None if it has not yet."""
        with self._lock:
            return self._clients[job_id].since_s if job_id in self._clients else None

    def is_connected(self, job_id: str) -> bool:
        """Whether the connection was made and the other side has not closed it since."""
        with self._lock:
            client = self._clients.get(job_id)
            if client is None or not client.is_through or client.connection is None:
                return False
            return _is_open(client.connection)

    def _wake(self) -> None:
        self._wake_out.send(b"x")

    def _run(self) -> None:
        while not self._ended.is_set():
            with self._lock:
                pause_s = self._begin_attempts()
            for key, _ in self._selector.select(pause_s):
                if key.data is None:
                    self._wake_in.recv(4096)
                else:
                    with self._lock:
                        self._ready(key.data)

    def _begin_attempts(self) -> float | None:
        """Start the attempts that are due. Returns the seconds until the next round, or None if no client waits."""
        now_s = time.monotonic()
        waiting = [(job_id, one) for job_id, one in self._clients.items() if self._waits(one, now_s)]
        pause_s = max(_TRY_AGAIN_S, _PAUSE_PER_WAITING_S * len(waiting))
        for job_id, one in waiting:
            if one.connection is None and now_s >= one.next_s:
                one.next_s = now_s + pause_s
                self._begin(job_id, one)
        return pause_s if waiting else None

    def _waits(self, one: _Client, now_s: float) -> bool:
        """Whether the client still has to be connected. Gives up an attempt that takes too long."""
        if one.is_through:
            return False
        if one.connection is not None and now_s - one.began_s > _CONNECT_TIMEOUT_S:
            self._hang_up(one)
        return one.connection is not None or one.has_time

    def _begin(self, job_id: str, one: _Client) -> None:
        attempt = socket.socket()
        attempt.setblocking(False)
        try:
            code = attempt.connect_ex((one.host, one.port))
        except OSError:  # the name cannot be resolved
            code = errno.EHOSTUNREACH
        if code not in (0, errno.EINPROGRESS, errno.EWOULDBLOCK):  # Windows reports EWOULDBLOCK
            attempt.close()
            return
        one.connection, one.began_s = attempt, time.monotonic()
        self._selector.register(attempt, selectors.EVENT_WRITE, job_id)

    def _ready(self, job_id: str) -> None:
        """Handle a socket event: an attempt succeeded or failed, or a connection has data or has ended."""
        at_s = time.monotonic()
        client = self._clients.get(job_id)
        if client is None or client.connection is None:
            return
        if client.is_through:
            self._take_in(client, client.connection)
        elif client.connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0:
            self._hang_up(client)
        else:
            client.is_through, client.since_s = True, client.since_s or at_s
            self._selector.modify(client.connection, selectors.EVENT_READ, job_id)

    def _take_in(self, client: _Client, connection: socket.socket) -> None:
        """Discard the data of a stream; only its end matters."""
        try:
            if connection.recv(_CHUNK_BYTES):
                return
        except BlockingIOError:
            return
        except OSError:
            pass  # a reset is an end as well
        self._hang_up(client)
        client.is_through, client.next_s = False, time.monotonic() + _TRY_AGAIN_S

    def _hang_up(self, client: _Client) -> None:
        if client.connection is not None:
            self._selector.unregister(client.connection)
            client.connection.close()
            client.connection = None


def _is_open(connection: socket.socket) -> bool:
    try:
        return connection.recv(1, socket.MSG_PEEK) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False
