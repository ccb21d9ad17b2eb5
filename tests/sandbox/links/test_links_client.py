"""Each toxic, set by the published Python client, and its effect at both ends of a connection."""

from __future__ import annotations

import http.client
import http.server
import random
import socket
import statistics
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from environments.sandbox.links.toxics import parse_toxic
from support.waits import Stopwatch
from tests.sandbox.links.links_harness import RECEIVE_TIMEOUT_S, Links, Took, receive

toxiproxy = pytest.importorskip("toxiproxy", reason="the toxiproxy-python client is not installed")
SHORT_S, DELAY_S = 0.2, 0.3
TRIES = 50
CHUNKS, PACE_S = 10, 0.03


class Ends:
    """Both ends of connections through a proxy of its own; ``proxy`` is the client library's object for it."""

    def __init__(self, server: Any, listener: socket.socket) -> None:
        self._listener = listener
        self.proxy = server.create(name="ends", upstream=f"127.0.0.1:{listener.getsockname()[1]}")

    def toxic(self, kind: str, stream: str, toxicity: float = 1.0, **attributes: int) -> None:
        self.proxy.add_toxic(type=kind, stream=stream, toxicity=toxicity, attributes=attributes)

    def connect(self) -> tuple[socket.socket, socket.socket]:
        """Connect; return the client's end and the server's."""
        port = int(self.proxy.listen.rpartition(":")[2])
        client = socket.create_connection(("127.0.0.1", port), timeout=RECEIVE_TIMEOUT_S)
        server, _ = self._listener.accept()
        server.settimeout(RECEIVE_TIMEOUT_S)
        return client, server


@pytest.fixture
def ends(links: Links, over_http: int) -> Iterator[Ends]:
    server = toxiproxy.Toxiproxy()
    server.update_api_consumer("127.0.0.1", over_http)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(RECEIVE_TIMEOUT_S)
        made = Ends(server, listener)
        yield made
        made.proxy.destroy()


def _travels(sender: socket.socket, receiver: socket.socket, data: bytes = b"x") -> Took:
    watch = Stopwatch()
    sender.sendall(data)
    assert receive(receiver, len(data)) == data
    return Took.by(watch)


def _once_within(limit_s: float, sender: socket.socket, receiver: socket.socket, data: bytes = b"x") -> list[Took]:
    """Send until one transfer took less than ``limit_s``.

    A transfer that is always delayed never does; a slow machine delays only some.
    """
    travels: list[Took] = []
    while len(travels) < TRIES:
        travels.append(_travels(sender, receiver, data))
        if travels[-1].given_s < limit_s:
            return travels
    raise AssertionError(f"none of {TRIES} travels took less than {limit_s} s: {travels}")


def _held_back(delay_s: float, sender: socket.socket, receiver: socket.socket, data: bytes = b"x") -> bool:
    """Whether each transfer takes the delay, and one takes it only once."""
    return all(travel.wall_s >= delay_s for travel in _once_within(1.6 * delay_s, sender, receiver, data))


@pytest.mark.parametrize("stream", ["upstream", "downstream"])
def test_latency_delays_its_own_direction_only(ends: Ends, stream: str) -> None:
    ends.toxic("latency", stream, latency=300)
    client, server = ends.connect()
    slow, fast = ((client, server), (server, client))[:: 1 if stream == "upstream" else -1]
    with client, server:
        assert _held_back(DELAY_S, *slow)
        assert _once_within(SHORT_S, *fast)


def test_jitter_varies_the_latency_within_its_bounds(ends: Ends) -> None:
    ends.toxic("latency", "downstream", latency=60, jitter=50)
    client, server = ends.connect()
    with client, server:
        travels = _once_within(0.06, server, client)
    assert min(travel.wall_s for travel in travels) >= 0.01


def test_jitter_is_drawn_from_all_of_its_bounds() -> None:
    toxic = parse_toxic({"type": "latency", "attributes": {"latency": 60, "jitter": 50}})
    dice = random.Random(1)
    delays_s = [toxic.delay_s(dice) for _ in range(500)]
    assert 0.01 <= min(delays_s) < 0.012 and 0.108 < max(delays_s) <= 0.11
    assert statistics.mean(delays_s) == pytest.approx(0.06, abs=0.005)


@pytest.mark.parametrize("stream", ["upstream", "downstream"])
def test_bandwidth_slows_its_own_direction_only(ends: Ends, stream: str) -> None:
    ends.toxic("bandwidth", stream, rate=200)
    client, server = ends.connect()
    slow, fast = ((client, server), (server, client))[:: 1 if stream == "upstream" else -1]
    with client, server:
        assert _held_back(0.29, *slow, b"x" * 60_000)
        assert _once_within(SHORT_S, *fast, b"x" * 60_000)


def test_a_half_open_connection_hears_and_is_not_heard(ends: Ends) -> None:
    ends.toxic("timeout", "upstream", timeout=0)
    client, server = ends.connect()
    with client, server:
        client.sendall(b"into the dark")
        server.settimeout(SHORT_S)
        with pytest.raises(TimeoutError):
            server.recv(1)
        _travels(server, client, b"still there?")


@pytest.mark.parametrize(
    ("kind", "attributes", "arrives"),
    [("timeout", {"timeout": 100}, b""), ("limit_data", {"bytes": 700}, b"x" * 700)],
)
def test_what_closes_a_connection_closes_it_at_both_ends(
    ends: Ends, kind: str, attributes: dict[str, int], arrives: bytes
) -> None:
    ends.toxic(kind, "upstream", **attributes)
    client, server = ends.connect()
    with client, server:
        client.sendall(b"x" * 1000)
        assert receive(server, 1000) == arrives
        assert client.recv(1) == b""


def test_reset_peer_resets(ends: Ends) -> None:
    ends.toxic("reset_peer", "downstream", timeout=50)
    client, server = ends.connect()
    with client, server:
        server.sendall(b"x")
        with pytest.raises(ConnectionResetError):
            client.recv(1)


def test_toxicity_is_the_share_of_connections(ends: Ends) -> None:
    ends.toxic("timeout", "upstream", toxicity=0.5, timeout=1)
    closed = 0
    for _ in range(60):
        client, server = ends.connect()
        with client, server:
            client.sendall(b"x")
            closed += server.recv(1) == b""
    assert 15 <= closed <= 45


def test_a_disabled_proxy_refuses_and_an_enabled_one_serves_again(ends: Ends) -> None:
    client, server = ends.connect()
    with client, server:
        ends.proxy.disable()
        assert client.recv(1) == b"" and server.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        ends.connect()
    ends.proxy.enable()
    client, server = ends.connect()
    with client, server:
        _travels(client, server)


class _Chunked(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for _ in range(CHUNKS):
            self.wfile.write(b"4\r\nbody\r\n")
            self.wfile.flush()
            threading.Event().wait(PACE_S)  # a busy server: its output arrives in pieces
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: pytest shows the relevant output."""


def test_a_chunked_answer_is_delayed_once(links: Links, over_http: int) -> None:
    server = toxiproxy.Toxiproxy()
    server.update_api_consumer("127.0.0.1", over_http)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Chunked) as web:
        thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        proxy = server.create(name="web", upstream=f"127.0.0.1:{web.server_address[1]}")
        proxy.add_toxic(type="latency", attributes={"latency": 300})
        connection = http.client.HTTPConnection(*proxy.listen.split(":"), timeout=RECEIVE_TIMEOUT_S)
        watch = Stopwatch()
        connection.request("GET", "/")
        answer = connection.getresponse().read()
        took = Took.by(watch)
        connection.close()
        web.shutdown()
        thread.join()
    assert answer == b"body" * CHUNKS
    assert took.wall_s >= DELAY_S + CHUNKS * PACE_S and took.given_s < CHUNKS * DELAY_S
