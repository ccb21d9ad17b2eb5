"""A time limit covers the whole call in each HTTP client of the suite, no matter in which pieces the answer comes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from client_doubles import FocusServerAt, KubernetesAt
from pydantic import SecretStr

from support.clients.amqp.client import BrokerClient, BrokerError
from support.clients.focus_server.client import ConnectionFailed, FocusServerClient
from support.clients.focus_server.load_client import LoadClient
from support.clients.focus_server.raw_connection import RawConnection
from support.clients.journal import Journal
from support.clients.kubernetes import api
from support.clients.kubernetes.client import ClusterError, KubernetesClient
from support.clients.safety import Budget
from support.clients.sandbox.control import ControlError, SandboxControl
from support.config.models import Control
from support.waits import Stopwatch

LIMIT_S = 0.5
LONGEST_S = 3.0
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
ENDLESS: dict[str, list[bytes]] = {
    "a byte of the status line now and then": [b"H", *[b"T"] * 100],
    "a header now and then": [HEAD, *[b"X-More: 1\r\n"] * 100],
    "a byte of the body now and then": [HEAD + b"Content-Length: 100\r\n\r\n", *[b" "] * 99],
    "a body without a length": [HEAD + b"\r\n", *[b" "] * 100],
    "a chunk now and then": [HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *[b"1\r\n \r\n"] * 100],
}


@contextmanager
def endless(pieces: list[bytes]) -> Iterator[str]:
    """A server that sends a piece every 0.1 s on each connection."""
    listener, stopped = socket.create_server(("127.0.0.1", 0)), threading.Event()

    def serve(connection: socket.socket) -> None:
        with connection:
            try:
                connection.recv(65536)
                for piece in pieces:
                    connection.sendall(piece)
                    if stopped.wait(0.1):
                        return
            except OSError:
                return

    def accept() -> None:
        while not stopped.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stopped.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def asks_plainly(url: str) -> None:
    settings = FocusServerAt(url)
    with pytest.raises(ConnectionFailed, match=r"no answer within 0.5 s") as raised:
        FocusServerClient(settings, Journal(), Budget.on_loopback()).request("GET", "/ack", read_timeout_s=LIMIT_S)
    assert raised.value.kind == "timeout"


def asks_raw(url: str) -> None:
    with RawConnection(
        FocusServerAt(url, read_timeout_s=LIMIT_S), "/configure", {}, Journal(), Budget.on_loopback()
    ) as connection:
        connection.send(connection.head + connection.body)
        with pytest.raises(ConnectionFailed, match=r"not whole within 0.5 s"):
            connection.answer()


def asks_under_load(url: str) -> None:
    client = LoadClient(FocusServerAt(url, read_timeout_s=LIMIT_S), Journal(), Budget.on_loopback())
    (connection,) = client.connections("GET", "/ack", [None], warm=False)
    reply = connection.send()
    assert reply.status is None
    assert "no answer" in reply.error


def asks_the_cluster(url: str) -> None:
    with pytest.raises(ClusterError, match=r"no whole answer within 0.5 s"):
        KubernetesClient(KubernetesAt(url), Journal(), Budget.on_loopback()).version()


def reads_a_log(url: str) -> None:
    with pytest.raises(ClusterError, match=r"no whole answer within 0.5 s"):
        KubernetesClient(KubernetesAt(url), Journal(), Budget.on_loopback()).pod_log("server-1")


def controls_the_sandbox(url: str) -> None:
    with pytest.raises(ControlError, match="did not answer GET /state"):
        SandboxControl(Control(url=url)).state()


def asks_the_broker(url: str) -> None:
    host, port = url.removeprefix("http://").split(":")
    settings: Any = SimpleNamespace(
        host=host, port=1, management_port=int(port), user="u", password=SecretStr("p"), vhost="/"
    )
    with pytest.raises(BrokerError, match="does not tell its queues"):
        BrokerClient(settings, Journal()).queues()


@pytest.mark.parametrize("pieces", ENDLESS.values(), ids=ENDLESS)
@pytest.mark.parametrize(
    "ask",
    [asks_plainly, asks_raw, asks_under_load, asks_the_cluster, reads_a_log, controls_the_sandbox, asks_the_broker],
)
def test_an_endless_answer_is_given_up(
    monkeypatch: pytest.MonkeyPatch, ask: Callable[[str], None], pieces: list[bytes]
) -> None:
    monkeypatch.setattr(api, "ANSWER_TIMEOUT_S", LIMIT_S)
    monkeypatch.setattr("support.clients.sandbox.control._TIMEOUT_S", LIMIT_S)
    monkeypatch.setattr("support.clients.amqp.client._TIMEOUT_S", LIMIT_S)
    with endless(pieces) as url:
        clock = Stopwatch()
        ask(url)
        assert clock.given_s() < LONGEST_S


def test_a_watch_ends_when_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    line = b'{"type": "BOOKMARK", "object": {}}\n'
    chunk = f"{len(line):x}\r\n".encode() + line + b"\r\n"
    with endless([HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *[chunk] * 100]) as url:
        client: Any = KubernetesClient(KubernetesAt(url), Journal(), Budget.on_loopback())
        clock = Stopwatch()
        stream = client._api.stream("/api/v1/pods", {}, LIMIT_S)
        with pytest.raises(ClusterError, match="the stream broke"):
            list(stream)
        assert clock.wall_s() > LIMIT_S and clock.given_s() < LONGEST_S


def test_calls_one_after_the_other_over_one_connection_have_a_deadline_each() -> None:
    """The deadline of a finished call does not end the connection, which the next call uses."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            while connection.recv(65536):
                connection.sendall(HEAD + b"Content-Length: 2\r\n\r\n{}")

    threading.Thread(target=serve, daemon=True).start()
    client = FocusServerClient(
        FocusServerAt(f"http://127.0.0.1:{listener.getsockname()[1]}"), Journal(), Budget.on_loopback()
    )
    pause = threading.Event()
    for _ in range(4):
        assert client.request("GET", "/ack", read_timeout_s=0.3).status == 200
        pause.wait(0.2)
    listener.close()
