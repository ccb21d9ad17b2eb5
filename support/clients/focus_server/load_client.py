"""Sends many requests to the Focus Server at the same moment, over connections made beforehand.

It uses ``urllib3``: at 200 requests at once, httpx itself would add seconds, and ``requests`` needs half as much time
again for each request (docs/facts/capacity.md 2.1).
"""

from __future__ import annotations

import ssl
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from itertools import repeat
from typing import ClassVar

import urllib3

from support.clients import tls
from support.clients.deadline import Deadline, pool_of, watched
from support.clients.focus_server.client import TARGET, Body, encoded
from support.clients.journal import Journal
from support.clients.load_engine import STAGGER_S, Burst, Caps, EngineReply, Sample, fire
from support.clients.machine import require_room_for
from support.clients.safety import Budget, opens_an_investigation
from support.clients.settings import FocusServerSettings

WARMING_AT_ONCE = 8


@dataclass(frozen=True)
class Reply:
    """The result of a request: a status, or None with the reason in ``error``. Timestamps are monotonic seconds."""

    sent_s: float
    done_s: float
    status: int | None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    error: str = ""


@dataclass(frozen=True)
class LoadRequest:
    """The request that one client sends. ``path`` begins at the root of the server; ``url`` is complete."""

    method: str
    url: str
    path: str
    payload: bytes | None
    headers: Mapping[str, str]
    opens: bool


class LoadConnection:
    """One client with one prepared request. It is sent once, without retries, redirects or proxy."""

    def __init__(
        self, pool: urllib3.HTTPConnectionPool, request: LoadRequest, timeouts_s: tuple[float, float], budget: Budget
    ) -> None:
        """``pool`` belongs to this client alone; ``timeouts_s`` are those for the connection and for the answer."""
        self._pool, self._request, self._timeouts_s, self._budget = pool, request, timeouts_s, budget

    def warm_up(self, path: str) -> None:
        """Connect now with a harmless request, so that the measurement contains no handshake.

        Errors are ignored: the measured request will report them.
        """
        try:
            with self._budget.asking(opens=False), watched(Deadline(*self._timeouts_s)):
                self._ask("GET", path)
        except (urllib3.exceptions.HTTPError, TimeoutError):
            self._pool.close()

    def send(self) -> Reply:
        """Send the request and read the whole answer. Does not raise if no answer comes.

        Raises ``SafetyError`` if the budget of the run is used up.
        """
        with self._budget.asking(opens=self._request.opens):
            return self._exchange()

    def _exchange(self) -> Reply:
        request, sent_s = self._request, time.monotonic()
        try:
            with watched(Deadline(*self._timeouts_s)):
                response = self._ask(request.method, request.path, request.payload, request.headers)
        except (urllib3.exceptions.HTTPError, TimeoutError) as error:
            return Reply(sent_s, time.monotonic(), None, error=f"no answer: {error}")
        return Reply(sent_s, time.monotonic(), response.status, response.headers, response.data)

    def _ask(
        self, method: str, path: str, payload: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> urllib3.BaseHTTPResponse:
        connect_s, answer_s = self._timeouts_s
        timeout = urllib3.Timeout(connect=connect_s, read=answer_s)
        return self._pool.urlopen(
            method, path, body=payload, headers=headers, retries=False, redirect=False, timeout=timeout
        )

    @property
    def asked(self) -> str:
        """The text of the request in the journal."""
        return asked(self._request.method, self._request.url, (self._request.payload or b"").decode(errors="replace"))

    def close(self) -> None:
        self._pool.close()


@dataclass(frozen=True)
class BurstOrder:
    """The order for a burst: each body is sent once, ``apart_s`` after the one before; ``on_done`` gets the answers."""

    method: str
    path: str
    bodies: Sequence[Body | None]
    caps: Caps
    on_done: Callable[[Sample], None]
    stop: threading.Event
    apart_s: float


class BurstClient(ABC):
    """Sends many requests at one moment, each once. Subclasses send from threads or from many testers."""

    engine: ClassVar[str]

    def burst(
        self,
        method: str,
        path: str,
        bodies: Sequence[Body | None],
        caps: Caps,
        *,
        on_done: Callable[[Sample], None] = lambda sample: None,
        stop: threading.Event | None = None,
        apart_s: float = STAGGER_S,
    ) -> Burst:
        """Send all ``bodies``, each ``apart_s`` after the one before, over connections made beforehand.

        ``on_done`` gets each answer as soon as it arrives, even after its request was given up. Once ``stop`` is set,
        no further request is sent. All exchanges are written to the journal after the measurement. Raises
        :class:`~support.clients.load_engine.CapExceeded`, and ``SafetyError`` for more requests at once than permitted.
        """
        return self._send(BurstOrder(method, path, bodies, caps, on_done, stop or threading.Event(), apart_s))

    @abstractmethod
    def _send(self, order: BurstOrder) -> Burst: ...


class LoadClient(BurstClient):
    """A burst client that sends from threads of this process, within the budget of the run."""

    engine = "threads, one urllib3 connection each"

    def __init__(self, settings: FocusServerSettings, journal: Journal, budget: Budget) -> None:
        self._base_url = settings.base_url.rstrip("/")
        self._timeouts_s = (settings.connect_timeout_s, settings.read_timeout_s)
        self._trust = tls.ServerTrust.of(settings, "focus_server")
        self._journal, self._budget = journal, budget

    @cached_property
    def _context(self) -> ssl.SSLContext:
        """The TLS context, made by the first load. The plain client reports an unreadable certificate file earlier."""
        return self._trust.context()

    def connections(self, method: str, path: str, bodies: Sequence[Body | None], *, warm: bool) -> list[LoadConnection]:
        """Prepare a connection for each body, and open it now if ``warm``.

        Raises ``SafetyError`` for more requests at once than permitted, and
        :class:`~support.clients.machine.MachineTooSmall` if this machine cannot carry them.
        """
        self._budget.require_at_once(len(bodies))
        require_room_for(len(bodies))
        made = [self._connection(method, path, body) for body in bodies]
        if warm:
            with ThreadPoolExecutor(WARMING_AT_ONCE) as pool:
                list(pool.map(LoadConnection.warm_up, made, repeat(_path_of(f"{self._base_url}/ack"))))
        return made

    def _send(self, order: BurstOrder) -> Burst:
        connections = self.connections(order.method, order.path, order.bodies, warm=True)
        try:
            burst = fire(connections, order.caps, stagger_s=order.apart_s, on_done=order.on_done, stop=order.stop)
        finally:
            for connection in connections:
                connection.close()
        for connection, sample in zip(connections, burst.samples, strict=True):
            self.note(connection, sample)
        return burst

    def note(self, connection: LoadConnection, reply: EngineReply) -> None:
        """Write an exchange into the journal. Call it after the measurement, because writing takes time."""
        note_exchange(self._journal, connection.asked, reply)

    def _connection(self, method: str, path: str, body: Body | None) -> LoadConnection:
        # All connections share one context: reading the certificate file 200 times takes a second.
        pool = pool_of(self._base_url, self._context, self._trust.pin)
        url, payload = self._base_url + path, encoded(body)
        opens = opens_an_investigation(method, path)
        request = LoadRequest(method, url, _path_of(url), payload, headers_of(payload), opens)
        return LoadConnection(pool, request, self._timeouts_s, self._budget)


def _path_of(url: str) -> str:
    return urllib3.util.parse_url(url).request_uri


def headers_of(payload: bytes | None) -> dict[str, str]:
    """Return the headers for a request of a load."""
    return {"Accept": "application/json"} | ({"Content-Type": "application/json"} if payload is not None else {})


def asked(method: str, url: str, text: str) -> str:
    """Return the text of a request in the journal."""
    return f"{method} {url}\n{text}".rstrip("\n")


def note_exchange(journal: Journal, asked_for: str, reply: EngineReply) -> None:
    """Write a request of a load and its answer into the journal."""
    if reply.status is None:
        answer = reply.error
    else:
        kind = reply.headers.get("Content-Type", "no content type")
        answer = f"{reply.status} ({kind}) {reply.body.decode('utf-8', errors='replace')}"
    journal.record(TARGET, asked_for, answer, reply.done_s - reply.sent_s)
