"""Clients of stream ports: an investigation nobody connects to is cleaned up, so somebody must stay connected."""

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
"""However many wait, at most 1000 attempts are made each second: this machine has other things to do."""
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


@dataclass
class _Waiting:
    """Somebody who wants to connect: for how long, when to try next, and the attempt that goes on, if one does."""

    host: str
    port: int
    within_s: float
    watch: waits.Stopwatch
    next_s: float = 0.0
    attempt: socket.socket | None = None
    began_s: float = 0.0


class StreamClients:
    """Connects to stream ports as soon as they open, and stays connected until told to leave.

    One thread for all of them, and no attempt holds up another: a port that never answers costs nobody anything.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, _Waiting] = {}
        self._connected: dict[str, tuple[socket.socket, float]] = {}
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
        for job_id in [*self._waiting, *self._connected]:
            self.leave(job_id)
        self._selector.close()
        self._wake_in.close()
        self._wake_out.close()

    def join(self, job_id: str, host: str, port: int, within_s: float) -> None:
        """Connect in the background, within ``within_s`` given to the suite; a port that never opens is for a scenario
        to judge, not for us."""
        with self._lock:
            self._waiting[job_id] = _Waiting(host, port, within_s, waits.Stopwatch())
        self._wake()

    def leave(self, job_id: str) -> None:
        with self._lock:
            waiting = self._waiting.pop(job_id, None)
            if waiting is not None:
                self._give_up(waiting)
            connection, _ = self._connected.pop(job_id, (None, 0.0))
        if connection is not None:
            connection.close()

    def connected_since_s(self, job_id: str) -> float | None:
        """When its port accepted the connection (monotonic), or None while it has not."""
        with self._lock:
            return self._connected[job_id][1] if job_id in self._connected else None

    def is_connected(self, job_id: str) -> bool:
        """Whether the connection was made and the other side has not closed it since."""
        with self._lock:
            connection, _ = self._connected.get(job_id, (None, 0.0))
        if connection is None:
            return False
        try:
            return connection.recv(1, socket.MSG_PEEK) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False

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
                    self._finish(key.data)

    def _begin_attempts(self) -> float | None:
        """Try for everybody whose turn it is; the seconds until the next turn, None when nobody waits."""
        now_s = time.monotonic()
        pause_s = max(_TRY_AGAIN_S, _PAUSE_PER_WAITING_S * len(self._waiting))
        for job_id, one in list(self._waiting.items()):
            if one.attempt is not None and now_s - one.began_s > _CONNECT_TIMEOUT_S:
                self._give_up(one)
            if one.attempt is not None:
                continue
            if one.watch.given_s() > one.within_s:
                del self._waiting[job_id]
            elif now_s >= one.next_s:
                one.next_s = now_s + pause_s
                self._begin(job_id, one)
        return pause_s if self._waiting else None

    def _begin(self, job_id: str, one: _Waiting) -> None:
        attempt = socket.socket()
        attempt.setblocking(False)
        try:
            code = attempt.connect_ex((one.host, one.port))
        except OSError:  # a name that cannot be resolved
            code = errno.EHOSTUNREACH
        if code not in (0, errno.EINPROGRESS, errno.EWOULDBLOCK):  # the last is how Windows says it
            attempt.close()
            return
        one.attempt, one.began_s = attempt, time.monotonic()
        self._selector.register(attempt, selectors.EVENT_WRITE, job_id)

    def _finish(self, job_id: str) -> None:
        """The attempt has come to an end, good or bad."""
        at_s = time.monotonic()
        with self._lock:
            one = self._waiting.get(job_id)
            if one is None or one.attempt is None:
                return
            attempt = one.attempt
            if attempt.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0:
                self._give_up(one)
                return
            self._selector.unregister(attempt)
            del self._waiting[job_id]
            self._connected[job_id] = attempt, at_s

    def _give_up(self, one: _Waiting) -> None:
        if one.attempt is not None:
            self._selector.unregister(one.attempt)
            one.attempt.close()
            one.attempt = None
