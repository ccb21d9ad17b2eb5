"""Clients that stay connected to stream ports."""

from __future__ import annotations

import errno
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest

from support import waits
from support.clients.journal import Journal
from support.config.sections import STREAM_METHOD
from support.investigations.grpc_streams import GrpcStreamClients
from support.investigations.streams import StreamClients, try_to_connect

PATIENCE_S = 60.0


@pytest.fixture
def clients() -> Iterator[StreamClients]:
    started = StreamClients()
    started.start()
    yield started
    started.stop()


@pytest.fixture
def port() -> Iterator[socket.socket]:
    """A bound port of this machine that does not listen yet."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        bound.settimeout(PATIENCE_S)
        yield bound


def test_open_port_accepts_and_is_left_again(port: socket.socket) -> None:
    port.listen()
    result = try_to_connect(*port.getsockname())
    assert result.connected
    accepted, _ = port.accept()
    with accepted:
        assert accepted.recv(1) == b""


def test_closed_port_says_why(port: socket.socket) -> None:
    result = try_to_connect(*port.getsockname())
    assert not result.connected
    assert "does not accept connections" in str(result)


def test_client_joins_as_soon_as_the_port_opens_and_stays(clients: StreamClients, port: socket.socket) -> None:
    clients.join("1-1", *port.getsockname(), within_s=PATIENCE_S)
    port.listen()
    accepted, _ = port.accept()
    with accepted:
        accepted.settimeout(0.1)
        with pytest.raises(TimeoutError):
            accepted.recv(1)
        clients.leave("1-1")
        accepted.settimeout(PATIENCE_S)
        assert accepted.recv(1) == b""


def test_client_that_left_before_the_port_opened_never_joins(clients: StreamClients, port: socket.socket) -> None:
    clients.join("1-1", *port.getsockname(), within_s=PATIENCE_S)
    clients.leave("1-1")
    port.listen()
    port.settimeout(0.2)
    with pytest.raises(TimeoutError):
        while True:
            accepted, _ = port.accept()
            with accepted:
                accepted.settimeout(PATIENCE_S)
                assert accepted.recv(1) == b"", "a client stayed"


def test_a_port_that_still_led_to_the_investigation_before_is_connected_to_again(
    clients: StreamClients, port: socket.socket
) -> None:
    port.listen()
    clients.join("1-2", *port.getsockname(), within_s=PATIENCE_S)
    for _ in range(3):
        of_the_one_before, _ = port.accept()
        of_the_one_before.close()
    accepted, _ = port.accept()
    with accepted:
        assert happens(lambda: clients.is_connected("1-2"))
        accepted.settimeout(0.1)
        with pytest.raises(TimeoutError):
            accepted.recv(1)


def test_a_connection_that_ends_later_is_lost_whatever_was_sent_over_it(
    clients: StreamClients, port: socket.socket
) -> None:
    port.listen()
    clients.join("1-1", *port.getsockname(), within_s=0.2)
    accepted, _ = port.accept()
    with accepted:
        accepted.settimeout(PATIENCE_S)
        accepted.sendall(bytes(1_000_000))  # its end must be visible even if the data is not read
        assert happens(lambda: clients.connected_since_s("1-1") is not None) and clients.is_connected("1-1")
        watch = waits.Stopwatch()
        assert happens(lambda: watch.given_s() > 0.4)
    assert happens(lambda: not clients.is_connected("1-1"))
    port.settimeout(0.2)
    with pytest.raises(TimeoutError):
        port.accept()
    assert clients.connected_since_s("1-1") is not None


def test_ending_closes_every_connection(port: socket.socket) -> None:
    clients = StreamClients()
    clients.start()
    port.listen()
    clients.join("1-1", *port.getsockname(), within_s=PATIENCE_S)
    accepted, _ = port.accept()
    with accepted:
        accepted.settimeout(PATIENCE_S)
        clients.stop()
        assert accepted.recv(1) == b""


def test_an_attempt_that_goes_on_as_windows_says_it_is_waited_for(
    port: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Windows(socket.socket):
        def connect_ex(self, address: Any) -> int:
            code = super().connect_ex(address)
            return errno.EWOULDBLOCK if code == errno.EINPROGRESS else code

    monkeypatch.setattr("support.investigations.streams.socket.socket", Windows)
    clients = StreamClients()
    clients.start()
    port.listen()
    try:
        clients.join("1-1", *port.getsockname(), within_s=PATIENCE_S)
        accepted, _ = port.accept()
        accepted.close()
    finally:
        clients.stop()


def streaming() -> grpc.Server:
    """Answers each call with messages until its client leaves."""

    def messages(request: bytes, context: Any) -> Iterator[bytes]:
        assert request == b""
        while context.is_active():
            yield bytes(1000)

    return serving(messages)


def serving(messages: Callable[[bytes, Any], Iterator[bytes]]) -> grpc.Server:
    """A server with only the method of a job's stream."""

    class Streams(grpc.GenericRpcHandler):
        def service(self, details: Any) -> Any:
            if details.method != STREAM_METHOD:
                return None
            return grpc.unary_stream_rpc_method_handler(messages)

    return grpc.server(ThreadPoolExecutor(4), handlers=[Streams()])


@pytest.fixture
def server() -> Iterator[grpc.Server]:
    made = streaming()
    yield made
    made.stop(None)


def happens(seen: Any) -> bool:
    pause, deadline_s = threading.Event(), time.monotonic() + PATIENCE_S
    while not seen() and time.monotonic() < deadline_s:
        pause.wait(0.01)
    return bool(seen())


@pytest.fixture
def drains() -> Iterator[GrpcStreamClients]:
    started = GrpcStreamClients(STREAM_METHOD, Journal())
    started.start()
    yield started
    started.stop()


def test_a_stream_is_drained_from_the_moment_its_port_opens_until_its_client_leaves(
    drains: GrpcStreamClients, server: grpc.Server, port: socket.socket
) -> None:
    number = port.getsockname()[1]
    drains.join("1-1", "127.0.0.1", number, within_s=PATIENCE_S)
    assert drains.connected_since_s("1-1") is None and not drains.is_connected("1-1")
    port.close()
    server.add_insecure_port(f"127.0.0.1:{number}")
    server.start()
    assert happens(lambda: drains.is_connected("1-1"))
    assert drains.connected_since_s("1-1") is not None
    drains.leave("1-1")
    assert drains.connected_since_s("1-1") is None and not drains.is_connected("1-1")


def test_a_stream_that_breaks_within_its_time_is_opened_again(drains: GrpcStreamClients, server: grpc.Server) -> None:
    number = server.add_insecure_port("127.0.0.1:0")
    server.start()
    drains.join("1-2", "127.0.0.1", number, within_s=PATIENCE_S)
    assert happens(lambda: drains.is_connected("1-2"))
    first_s = drains.connected_since_s("1-2")
    server.stop(None).wait()
    assert happens(lambda: not drains.is_connected("1-2"))
    its_own = streaming()
    its_own.add_insecure_port(f"127.0.0.1:{number}")
    its_own.start()
    try:
        assert happens(lambda: drains.is_connected("1-2"))
        assert drains.connected_since_s("1-2") == first_s, "its port was open before"
    finally:
        its_own.stop(None)


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED])
def test_a_call_that_a_server_takes_back_as_it_goes_away_is_made_again(
    drains: GrpcStreamClients, code: grpc.StatusCode
) -> None:
    calls: list[Any] = []

    def messages(_: bytes, context: Any) -> Iterator[bytes]:
        calls.append(context)
        if len(calls) == 1:
            context.abort(code, "going away")
        while context.is_active():
            yield bytes(1000)

    server = serving(messages)
    number = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        drains.join("1-1", "127.0.0.1", number, within_s=PATIENCE_S)
        assert happens(lambda: len(calls) == 2 and drains.is_connected("1-1"))
    finally:
        server.stop(None)


def test_a_stream_that_its_server_ends_is_no_longer_held(drains: GrpcStreamClients, server: grpc.Server) -> None:
    number = server.add_insecure_port("127.0.0.1:0")
    server.start()
    drains.join("1-1", "127.0.0.1", number, within_s=PATIENCE_S)
    assert happens(lambda: drains.is_connected("1-1"))
    server.stop(None)
    assert happens(lambda: not drains.is_connected("1-1"))


def test_a_method_that_the_server_does_not_know_holds_nothing(server: grpc.Server) -> None:
    number = server.add_insecure_port("127.0.0.1:0")
    server.start()
    journal = Journal()
    drains = GrpcStreamClients("/other.Service/StreamData", journal)
    drains.start()
    try:
        drains.join("1-1", "127.0.0.1", number, within_s=PATIENCE_S)
        assert happens(lambda: drains.connected_since_s("1-1") is not None and not drains.is_connected("1-1"))
        assert "/other.Service/StreamData of job 1-1 at 127.0.0.1:" in journal.text()
        assert "the stream broke: UNIMPLEMENTED: " in journal.text()
    finally:
        drains.stop()
