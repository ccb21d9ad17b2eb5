"""Many requests to the Focus Server at the same moment: connections that are made before the moment comes.

``urllib3`` and neither httpx, which at 200 at once would itself add seconds, nor ``requests``, which needs half as much
again for each of them (docs/facts/capacity.md 2.1).
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
    """What came back: a status, or None and in ``error`` why nothing did. Stamps are monotonic seconds."""

    sent_s: float
    done_s: float
    status: int | None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    error: str = ""


@dataclass(frozen=True)
class LoadRequest:
    """What one client sends. ``path`` begins at the root of the server, ``url`` is the whole of it."""

    method: str
    url: str
    path: str
    payload: bytes | None
    headers: Mapping[str, str]
    opens: bool


class LoadConnection:
    """One client with one request that is ready to be sent, once: no retry, no redirect, no proxy."""

    def __init__(
        self, pool: urllib3.HTTPConnectionPool, request: LoadRequest, timeouts_s: tuple[float, float], budget: Budget
    ) -> None:
        """``pool`` is for this one client; ``timeouts_s`` are those of the connection and of the answer."""
        self._pool, self._request, self._timeouts_s, self._budget = pool, request, timeouts_s, budget

    def warm_up(self, path: str) -> None:
        """Connect now, by a harmless question, so that no handshake falls into the measurement.

        Whatever becomes of it: the measured request says what is wrong.
        """
        try:
            with self._budget.asking(opens=False), watched(Deadline(*self._timeouts_s)):
                self._ask("GET", path)
        except (urllib3.exceptions.HTTPError, TimeoutError):
            self._pool.close()

    def send(self) -> Reply:
        """Send the request and read the whole answer. Never raises for an answer that does not come; ``SafetyError``
        when the budget of the run is used up."""
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
        """The request as the journal writes it."""
        return asked(self._request.method, self._request.url, (self._request.payload or b"").decode(errors="replace"))

    def close(self) -> None:
        self._pool.close()


@dataclass(frozen=True)
class BurstOrder:
    """What is to be sent, each body once, ``apart_s`` after the one before, and who learns of each answer."""

    method: str
    path: str
    bodies: Sequence[Body | None]
    caps: Caps
    on_done: Callable[[Sample], None]
    stop: threading.Event
    apart_s: float


class BurstClient(ABC):
    """Sends many requests at one moment, each once: from threads, or from many testers."""

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
        """Send all ``bodies``, each ``apart_s`` after the one before, from connections that are there already.

        ``on_done`` learns of each answer as soon as it is there, also of one that comes after its request was given
        up. With ``stop`` no further request is sent. Every exchange is written into the journal after the
        measurement. Raises :class:`~support.clients.load_engine.CapExceeded`, and ``SafetyError`` for more at once than
        is permitted.
        """
        return self._send(BurstOrder(method, path, bodies, caps, on_done, stop or threading.Event(), apart_s))

    @abstractmethod
    def _send(self, order: BurstOrder) -> Burst: ...


class LoadClient(BurstClient):
    """Makes connections for a load, within the budget of the run."""

    engine = "threads, one urllib3 connection each"

    def __init__(self, settings: FocusServerSettings, journal: Journal, budget: Budget) -> None:
        self._base_url = settings.base_url.rstrip("/")
        self._timeouts_s = (settings.connect_timeout_s, settings.read_timeout_s)
        self._trust = tls.ServerTrust.of(settings, "focus_server")
        self._journal, self._budget = journal, budget

    @cached_property
    def _context(self) -> ssl.SSLContext:
        """Made by the first load: a certificate file that cannot be read is found by the plain client before that."""
        return self._trust.context()

    def connections(self, method: str, path: str, bodies: Sequence[Body | None], *, warm: bool) -> list[LoadConnection]:
        """A connection of its own for each body.

        Raises ``SafetyError`` for more at once than is permitted, and
        :class:`~support.clients.machine.MachineTooSmall` where this machine could not carry it.
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
        """Write an exchange into the journal: after the measurement, because writing takes time."""
        note_exchange(self._journal, connection.asked, reply)

    def _connection(self, method: str, path: str, body: Body | None) -> LoadConnection:
        # All connections share what was read from the certificate file once: reading it 200 times costs a second.
        pool = pool_of(self._base_url, self._context, self._trust.pin)
        url, payload = self._base_url + path, encoded(body)
        opens = opens_an_investigation(method, path)
        request = LoadRequest(method, url, _path_of(url), payload, headers_of(payload), opens)
        return LoadConnection(pool, request, self._timeouts_s, self._budget)


def _path_of(url: str) -> str:
    return urllib3.util.parse_url(url).request_uri


def headers_of(payload: bytes | None) -> dict[str, str]:
    """What is said with a request of a load."""
    return {"Accept": "application/json"} | ({"Content-Type": "application/json"} if payload is not None else {})


def asked(method: str, url: str, text: str) -> str:
    """A request as the journal writes it."""
    return f"{method} {url}\n{text}".rstrip("\n")


def note_exchange(journal: Journal, asked_for: str, reply: EngineReply) -> None:
    """Write a request of a load and its answer into the journal."""
    if reply.status is None:
        answer = reply.error
    else:
        kind = reply.headers.get("Content-Type", "no content type")
        answer = f"{reply.status} ({kind}) {reply.body.decode('utf-8', errors='replace')}"
    journal.record(TARGET, asked_for, answer, reply.done_s - reply.sent_s)
