"""A raw connection to the Focus Server, for actions that HTTP libraries do not offer: stop half way, send in pieces."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Mapping
from contextlib import ExitStack
from http.client import HTTPException, HTTPResponse
from ssl import SSLSocket
from typing import Any
from urllib.parse import SplitResult, urlsplit

from urllib3.exceptions import SSLError
from urllib3.util import assert_fingerprint

from support.clients import tls
from support.clients.deadline import Deadline, watched
from support.clients.focus_server.answers import Answer
from support.clients.focus_server.client import ConnectionFailed
from support.clients.journal import Journal
from support.clients.safety import Budget, opens_an_investigation
from support.clients.settings import FocusServerSettings

TARGET = "focus-server"
_INTERIM_BYTES = 4096
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class RawConnection:
    """One ``POST`` on one connection, as a context manager that closes it. Raises :class:`ConnectionFailed`.

    With ``asks_first``, the head asks the server whether it wants the body, see :meth:`wait_until_noticed`.
    """

    def __init__(
        self,
        settings: FocusServerSettings,
        path: str,
        body: Mapping[str, Any],
        journal: Journal,
        budget: Budget,
        asks_first: bool = False,
    ) -> None:
        parts = urlsplit(settings.base_url)
        self.body = json.dumps(dict(body)).encode()
        expect = "Expect: 100-continue\r\n" if asks_first else ""
        self.head = (
            f"POST {parts.path.rstrip('/')}{path} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(self.body)}\r\n{expect}Connection: close\r\n\r\n"
        ).encode()
        self._journal = journal
        self._answer_s = settings.read_timeout_s
        self._started = time.monotonic()
        with ExitStack() as closing:
            closing.enter_context(budget.asking(opens=opens_an_investigation("POST", path)))
            self._socket = self._connected(settings, parts)
            closing.callback(self._socket.close)
            self._closing = closing.pop_all()

    def _connected(self, settings: FocusServerSettings, parts: SplitResult) -> socket.socket:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        host = parts.hostname or ""
        try:
            plain = socket.create_connection((host, port), settings.connect_timeout_s)
            plain.settimeout(settings.read_timeout_s)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # each piece is sent by itself
            if parts.scheme != "https":
                return plain
            trust = tls.ServerTrust.of(settings, "focus_server")
            return _pinned(trust.context().wrap_socket(plain, server_hostname=host), trust.pin)
        except (OSError, SSLError) as error:
            raise self._failed(f"no connection: {tls.explained(error, 'focus_server')}") from error

    def __enter__(self) -> RawConnection:
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def send(self, piece: bytes) -> None:
        try:
            self._socket.sendall(piece)
        except OSError as error:
            raise self._failed(f"the connection broke: {error}") from error

    def wait_until_noticed(self, within_s: float) -> bool:
        """Wait for ``100 Continue``, by which the server asks for the body: it then certainly knows of the request.

        Returns False if it does not come. HTTP does not oblige a server to send it, and a client continues without it.
        """
        patience_s = self._socket.gettimeout()
        self._socket.settimeout(within_s)
        try:
            said = self._socket.recv(_INTERIM_BYTES)
        except TimeoutError:
            said = b""
        except OSError as error:
            raise self._failed(f"the connection broke: {error}") from error
        self._socket.settimeout(patience_s)
        return said.split(b" ", 2)[1:2] == [b"100"]

    def abandon(self) -> None:
        """Reset the connection at once, as when a client is killed."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._socket.close()
        self._note("abandoned half way")

    def answer(self) -> Answer:
        """Read the server's answer to the whole request."""
        response = HTTPResponse(self._socket, method="POST")
        deadline = Deadline(0.0, self._answer_s)
        try:
            with watched(deadline):
                deadline.watch(self._socket)
                response.begin()
                body = response.read()
        except (OSError, HTTPException) as error:
            late = f"not whole within {self._answer_s:g} s" if deadline.is_over else repr(error)
            raise self._failed(f"no answer: {late}") from error
        finally:
            response.close()
        self._note(f"{response.status} {body.decode('utf-8', errors='replace')}")
        return Answer(response.status, dict(response.getheaders()), body, time.monotonic() - self._started)

    def _failed(self, reason: str) -> ConnectionFailed:
        self._note(reason)
        line = self.head.split(b"\r\n", 1)[0].decode()
        return ConnectionFailed(f"{line} got no answer: {reason}", "broken", time.monotonic() - self._started)

    def _note(self, answer: str) -> None:
        self._journal.record(TARGET, (self.head + self.body).decode(), answer, time.monotonic() - self._started)


def _pinned(secured: SSLSocket, pin: str | None) -> SSLSocket:
    """Return the connection if its certificate is the pinned one, or if there is no pin.

    Otherwise it is closed, and :class:`SSLError` is raised.
    """
    with ExitStack() as closing:
        closing.callback(secured.close)
        if pin is not None:
            assert_fingerprint(secured.getpeercert(binary_form=True), pin)
        closing.pop_all()
    return secured
