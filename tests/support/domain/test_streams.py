"""Clients that stay connected to stream ports."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from support.investigations.streams import StreamClients, try_to_connect

PATIENCE_S = 5.0


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
