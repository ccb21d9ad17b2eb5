"""The effect of each toxic on a raw socket."""

from __future__ import annotations

import errno
import socket

import pytest

from support.waits import Stopwatch
from tests.sandbox.links.links_harness import RECEIVE_TIMEOUT_S, Links, Took, receive


def _echo(connection: socket.socket, text: bytes = b"hello") -> Took:
    watch = Stopwatch()
    connection.sendall(text)
    assert receive(connection, len(text)) == text
    return Took.by(watch)


def test_without_toxics_bytes_pass_unchanged_and_fast(links: Links) -> None:
    with links.connect() as connection:
        assert min(_echo(connection).given_s for _ in range(3)) < 0.5
        connection.sendall(b"give 3000000")
        assert receive(connection, 3_000_000) == b"x" * 3_000_000


def test_a_half_close_reaches_the_other_side(links: Links) -> None:
    with links.connect() as connection:
        connection.sendall(b"last words")
        connection.shutdown(socket.SHUT_WR)
        assert receive(connection, 100) == b"last words"


def test_latency_counts_from_the_arrival_of_each_chunk(links: Links) -> None:
    links.add_toxic("latency", latency=400)
    with links.connect() as connection:
        watch = Stopwatch()
        for part in (b"header", b"body"):
            connection.sendall(part)
        assert receive(connection, 6) == b"header"
        header = Took.by(watch)
        assert receive(connection, 4) == b"body"
        body = Took.by(watch)
    assert header.wall_s >= 0.4
    assert body.given_s - header.given_s < 0.3  # and not a second latency, however long the machine delayed both


def test_latency_works_on_open_connections_and_ends_with_its_removal(links: Links) -> None:
    with links.connect() as connection:
        _echo(connection)
        links.add_toxic("latency", stream="upstream", latency=200, jitter=20)
        assert _echo(connection).wall_s >= 0.18
        links.call("PATCH", "/proxies/mongodb/toxics/latency_upstream", {"attributes": {"latency": 60_000}})
        connection.sendall(b"held")
        links.call("DELETE", "/proxies/mongodb/toxics/latency_upstream")
        assert receive(connection, 4) == b"held"


def test_bandwidth(links: Links) -> None:
    links.add_toxic("bandwidth", rate=400)
    with links.connect() as connection:
        watch = Stopwatch()
        connection.sendall(b"give 200000")
        assert len(receive(connection, 200_000)) == 200_000
        took = Took.by(watch)
    assert took.wall_s >= 0.45 and took.given_s < 2


def test_timeout_zero_swallows_until_it_is_removed_and_then_closes(links: Links) -> None:
    links.add_toxic("timeout", timeout=0)
    with links.connect(timeout_s=0.3) as connection:
        connection.sendall(b"hello")
        with pytest.raises(TimeoutError):
            connection.recv(1)
        links.call("POST", "/reset")
        connection.settimeout(RECEIVE_TIMEOUT_S)
        assert connection.recv(1) == b""


def test_timeout_closes_after_its_time(links: Links) -> None:
    links.add_toxic("timeout", timeout=200)
    with links.connect() as connection:
        watch = Stopwatch()
        connection.sendall(b"hello")
        assert connection.recv(1) == b""
        took = Took.by(watch)
    assert took.wall_s >= 0.15 and took.given_s < 2


def test_reset_peer_sends_a_real_reset(links: Links) -> None:
    links.add_toxic("reset_peer", timeout=50)
    with links.connect() as connection:
        connection.sendall(b"hello")
        with pytest.raises(ConnectionResetError) as caught:
            connection.recv(1)
        assert caught.value.errno == errno.ECONNRESET


def test_limit_data_ends_after_so_many_bytes(links: Links) -> None:
    links.add_toxic("limit_data", bytes=1000)
    with links.connect() as connection:
        connection.sendall(b"give 600")
        assert len(receive(connection, 600)) == 600
        connection.sendall(b"give 600")
        assert len(receive(connection, 600)) == 400


def test_toxicity_zero_leaves_connections_alone(links: Links) -> None:
    links.add_toxic("timeout", toxicity=0.0, timeout=0)
    with links.connect() as connection:
        _echo(connection)


def test_a_disabled_proxy_refuses_and_cuts_what_is_open(links: Links) -> None:
    with links.connect() as connection:
        _echo(connection)
        assert links.call("PATCH", "/proxies/mongodb", {"enabled": False})[1]["enabled"] is False
        assert connection.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        links.connect()
    assert links.connections() == 0
    links.call("POST", "/proxies/mongodb", {"enabled": True})
    with links.connect() as connection:
        _echo(connection)


def test_an_upstream_that_is_down_resets_the_client(links: Links) -> None:
    link = links.call("GET", "/proxies/focus-server-kubernetes")[1]
    with socket.socket() as connection, pytest.raises(ConnectionResetError):
        _hear(connection, int(link["listen"].rpartition(":")[2]))


def _hear(connection: socket.socket, port: int) -> bytes:
    """Receive; the reset may come as early as during the connect."""
    connection.settimeout(RECEIVE_TIMEOUT_S)
    connection.connect(("127.0.0.1", port))
    return connection.recv(1)


def test_reset_leaves_untouched_connections_open(links: Links) -> None:
    with links.connect() as connection:
        _echo(connection)
        links.process.request("reset")
        _echo(connection)
