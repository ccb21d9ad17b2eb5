"""The stream of a live job: drained by a real gRPC client, held without a word, and ended by bad frames."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import grpc
import h2.connection
import pytest

from environments.sandbox.node.job_port import STREAM_METHOD, Stream

PACE_S = 0.02


class Port:
    """A stream port in its own event loop; it counts the consumed bytes."""

    def __init__(self) -> None:
        self.consumed = 0
        self.clients: set[asyncio.BaseTransport] = set()

    async def listen(self) -> asyncio.Server:
        def stream() -> Stream:
            return Stream(self.clients.add, self.clients.discard, self._count, PACE_S)

        return await asyncio.get_running_loop().create_server(stream, "127.0.0.1", 0)

    def _count(self) -> None:
        self.consumed += 1


@contextmanager
def port() -> Iterator[tuple[Port, str]]:
    loop, made = asyncio.new_event_loop(), Port()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(made.listen(), loop).result(60)
    try:
        yield made, f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)


def test_a_grpc_client_drains_the_stream() -> None:
    with port() as (made, address), grpc.insecure_channel(address) as channel:
        call = channel.unary_stream(STREAM_METHOD)(b"", timeout=60)
        got = [next(call) for _ in range(40)]
        assert {len(one) for one in got} == {4091}
        assert made.consumed >= 40
        call.cancel()


def test_another_method_is_not_implemented() -> None:
    with port() as (made, address), grpc.insecure_channel(address) as channel:
        with pytest.raises(grpc.RpcError) as raised:
            next(channel.unary_stream("/other.Service/StreamData")(b"", timeout=60))
        assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED
        assert "unknown method /other.Service/StreamData" in raised.value.details()
        assert made.consumed == 0


@pytest.mark.parametrize("said", [b"", b"hello\r\n", b"GET / HTTP/1.1\r\n\r\n"])
def test_a_client_that_only_connects_is_held_and_consumes_nothing(said: bytes) -> None:
    with port() as (made, address):
        host, _, number = address.partition(":")
        with socket.create_connection((host, int(number)), 60) as held:
            held.sendall(said)
            held.settimeout(0.3)
            with pytest.raises(TimeoutError):
                held.recv(1)
        assert made.consumed == 0


def test_a_client_that_opens_the_stream_and_does_not_read_consumes_what_its_window_holds_and_no_more() -> None:
    with port() as (made, address):
        host, _, number = address.partition(":")
        http = h2.connection.H2Connection()
        http.initiate_connection()
        headers = [(":method", "POST"), (":scheme", "http"), (":authority", address), (":path", STREAM_METHOD)]
        http.send_headers(1, [*headers, ("te", "trailers"), ("content-type", "application/grpc")], end_stream=True)
        with socket.create_connection((host, int(number)), 60) as held:
            held.sendall(http.data_to_send())
            received = 0
            while received < 65535 // 4096 * 4096:
                received += len(held.recv(65536))
            held.settimeout(0.3)
            with pytest.raises(TimeoutError):
                while chunk := held.recv(65536):
                    received += len(chunk)
        assert made.consumed == 65535 // 4096
        assert received >= made.consumed * 4096


def test_a_frame_of_a_wrong_size_ends_the_connection() -> None:
    settings_of_five_bytes = b"\x00\x00\x05\x04\x00\x00\x00\x00\x00" + bytes(5)
    with port() as (made, address):
        host, _, number = address.partition(":")
        with socket.create_connection((host, int(number)), 60) as wrong:
            wrong.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + settings_of_five_bytes)
            wrong.settimeout(60)
            while wrong.recv(65536):
                pass
        assert made.consumed == 0
