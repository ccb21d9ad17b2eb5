"""A deadline for a whole call, however many pieces its answer comes in.

The time limit of an HTTP library applies to one read: it never gives up a server that sends a byte now and then. Here,
one thread ends the connection of each call whose time is over; the library then fails as for any broken connection.
"""

from __future__ import annotations

import heapq
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util import parse_url

_here = threading.local()


class Deadline:
    """The time of one call: ``connect_s`` for its connection, then ``answer_s`` from the request to the last byte.

    ``read_s`` limits the time that the server may be silent meanwhile; it is ``answer_s`` by default.
    """

    def __init__(self, connect_s: float, answer_s: float, read_s: float | None = None) -> None:
        self.answer_s = answer_s
        self.timeouts_s = (connect_s, read_s or answer_s)
        self.is_over = False
        self._lock = threading.Lock()
        self._watched: socket.socket | None = None
        self._closed = False
        self.at_s = time.monotonic() + connect_s + answer_s
        _watchdog.mind(self)

    def watch(self, connection: socket.socket) -> None:
        """End this connection when the time is over. Works below TLS, and while another thread reads."""
        with self._lock:
            self._forget()
            if not self._closed:
                # A duplicate shares the connection and does not depend on the object that TLS wraps around it.
                # os.dup does not accept the sockets of Windows.
                self._watched = socket.socket(fileno=socket.dup(connection.fileno()))
                self._end_if_over()

    def begin(self) -> None:
        """Start the time for the answer: the request is sent now."""
        self.at_s = time.monotonic() + self.answer_s
        _watchdog.mind(self)

    def close(self) -> None:
        """End the deadline, because the call has ended."""
        with self._lock:
            self._closed = True
            self._forget()

    def end_if_over(self) -> bool:
        """End the connection if the time is over. Returns False as long as the deadline is pending."""
        with self._lock:
            if not self._closed and time.monotonic() >= self.at_s:
                self.is_over = True
                self._end_if_over()
            return self._closed or self.is_over

    def _end_if_over(self) -> None:
        if self.is_over and self._watched is not None:
            with suppress(OSError):  # the server was faster
                self._watched.shutdown(socket.SHUT_RDWR)

    def _forget(self) -> None:
        if self._watched is not None:
            self._watched.close()
            self._watched = None


class _Watchdog:
    """One thread for all deadlines of the process, started with the first of them."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._heap: list[tuple[float, int, Deadline]] = []
        self._numbers = count()
        self._thread: threading.Thread | None = None

    def mind(self, deadline: Deadline) -> None:
        with self._changed:
            heapq.heappush(self._heap, (deadline.at_s, next(self._numbers), deadline))
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="deadlines", daemon=True)
                self._thread.start()
            elif self._heap[0][2] is deadline:
                self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._heap or self._heap[0][0] > time.monotonic():
                    self._changed.wait(self._heap[0][0] - time.monotonic() if self._heap else None)
                _, _, deadline = heapq.heappop(self._heap)
            deadline.end_if_over()


_watchdog = _Watchdog()


@contextmanager
def watched(deadline: Deadline) -> Iterator[Deadline]:
    """Apply ``deadline`` to connections that this thread makes or uses in the ``with`` block, and close it at its end.

    Raises :class:`TimeoutError` at the end of the block if the time is over: an answer without a length seems complete
    when its connection ends.
    """
    _here.deadline = deadline
    try:
        yield deadline
    finally:
        _here.deadline = None
        deadline.close()
    if deadline.is_over:
        raise TimeoutError(f"no whole answer within {deadline.answer_s:g} s")


@contextmanager
def opening(deadline: Deadline) -> Iterator[Deadline]:
    """Like :func:`watched`, for a stream: the deadline continues after the block until it is closed."""
    _here.deadline = deadline
    try:
        yield deadline
    finally:
        _here.deadline = None


class _Minded:
    """Mixin for HTTP and HTTPS connections that applies the deadline of the current thread."""

    sock: socket.socket | None

    def _new_conn(self) -> socket.socket:
        made: socket.socket = super()._new_conn()  # type: ignore[misc]  # of the class this is mixed into
        if deadline := _current():
            deadline.watch(made)
        return made

    def request(self, *arguments: Any, **options: Any) -> None:
        deadline = _current()
        if deadline and self.sock is not None:
            deadline.watch(self.sock)
            deadline.begin()
        super().request(*arguments, **options)  # type: ignore[misc]  # of the class this is mixed into
        if deadline:
            deadline.begin()


class _DeadlineConnection(_Minded, HTTPConnection):
    pass


class _SecureConnection(_Minded, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _DeadlineConnection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


POOLS = {"http": _Pool, "https": _SecurePool}
"""For ``pool_classes_by_scheme`` of a urllib3 pool manager whose calls have deadlines."""


def pool_of(base_url: str, tls: ssl.SSLContext, pin: str | None) -> HTTPConnectionPool:
    """Return the pool of one client with one connection, whose calls have deadlines.

    ``tls`` and ``pin`` are those of :class:`DeadlineAdapter`.
    """
    url = parse_url(base_url)
    if url.scheme == "https":
        return _SecurePool(url.host or "", url.port, maxsize=1, ssl_context=tls, assert_fingerprint=pin)
    return _Pool(url.host or "", url.port, maxsize=1)


class DeadlineAdapter(HTTPAdapter):
    """The transport of a :class:`requests.Session` whose calls have deadlines; one attempt for each call.

    ``tls`` is an :class:`ssl.SSLContext` that decides which certificates are trusted, the same for all connections.
    With ``pin``, the hexadecimal digits of a SHA-256, only that certificate is trusted.
    """

    def __init__(self, tls: Any = None, connections: int = 10, pin: str | None = None) -> None:
        self._tls, self._pin = tls, pin
        super().__init__(max_retries=0, pool_maxsize=connections)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        if self._tls is not None:
            options["ssl_context"] = self._tls
        if self._pin is not None:
            options["assert_fingerprint"] = self._pin
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def cert_verify(self, conn: object, url: object, verify: object, cert: object) -> None:
        """Do nothing: the TLS context already decides which certificates are trusted."""


def session(tls: Any = None, connections: int = 10, pin: str | None = None) -> requests.Session:
    """Return a session with deadlines and without retries. It ignores proxies and certificates of the process
    environment."""
    made = requests.Session()
    made.trust_env = False
    for scheme in ("http://", "https://"):
        made.mount(scheme, DeadlineAdapter(tls, connections, pin))
    return made


def _current() -> Deadline | None:
    deadline: Deadline | None = getattr(_here, "deadline", None)
    return deadline
