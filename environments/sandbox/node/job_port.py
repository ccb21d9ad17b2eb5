"""The port of a job: the part of HTTP/2 and gRPC that a client needs to open its stream and drain it.

The content of the stream is invented. The connection of a client that only connects stays open and silent, as with a
real server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import Event, RequestReceived, StreamReset
from h2.exceptions import ProtocolError

STREAM_METHOD = "/pandadatastream.DataStreamService/StreamData"
"""The server-streaming call that clients use (docs/facts/kubernetes.md 1.10)."""
_PREFACE = b"PRI * HTTP/2.0"
_MESSAGE = b"\x00" + (4091).to_bytes(4, "big") + bytes(4091)
"""One gRPC message of 4 KiB including its prefix (the compression flag, unset, and the length)."""
_UNIMPLEMENTED = "12"


class Stream(asyncio.Protocol):
    """One connection that sends a message every ``pace_s`` seconds to a client that reads.

    ``connected`` and ``gone`` are called when the connection opens and ends, ``consumed`` for each message that the
    client has room for.
    """

    def __init__(
        self,
        connected: Callable[[asyncio.BaseTransport], None],
        gone: Callable[[asyncio.BaseTransport], None],
        consumed: Callable[[], None],
        pace_s: float,
    ) -> None:
        self._connected, self._gone, self._consumed, self._pace_s = connected, gone, consumed, pace_s
        self._http = H2Connection(H2Configuration(client_side=False))
        self._first = b""
        self._is_http = False
        self._open: set[int] = set()
        self._transport: asyncio.Transport | None = None
        self._next: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._connected(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._next is not None:
            self._next.cancel()
        if self._transport is not None:
            self._gone(self._transport)

    def data_received(self, data: bytes) -> None:
        if not self._is_http:
            data = self._first = self._first + data
            if len(data) < len(_PREFACE) or not data.startswith(_PREFACE):
                self._first = data[: len(_PREFACE)]
                return  # a client that does not speak HTTP/2 is kept connected without an answer
            self._is_http = True
            self._http.initiate_connection()
        try:
            for event in self._http.receive_data(data):
                self._take_in(event)
        except ProtocolError:
            self._flush()  # sends the GOAWAY frame with the reason
            if self._transport is not None:
                self._transport.close()
            return
        self._flush()

    def _take_in(self, event: Event) -> None:
        if isinstance(event, RequestReceived):
            self._begin(event)
        elif isinstance(event, StreamReset):
            self._open.discard(event.stream_id)

    def _begin(self, request: RequestReceived) -> None:
        path = dict(request.headers).get(b":path", b"").decode("ascii", "replace")
        answer = [(":status", "200"), ("content-type", "application/grpc")]
        if path != STREAM_METHOD:
            status = [("grpc-status", _UNIMPLEMENTED), ("grpc-message", f"unknown method {path}")]
            self._http.send_headers(request.stream_id, [*answer, *status], end_stream=True)
            return
        self._http.send_headers(request.stream_id, answer)
        self._open.add(request.stream_id)
        if self._next is None:
            self._feed()

    def _feed(self) -> None:
        """Send a message to each stream whose flow control window has room; a client that does not read has none."""
        for stream in sorted(self._open):
            if self._http.local_flow_control_window(stream) >= len(_MESSAGE):
                self._http.send_data(stream, _MESSAGE)
                self._consumed()
        self._flush()
        self._next = asyncio.get_running_loop().call_later(self._pace_s, self._feed)

    def _flush(self) -> None:
        if self._transport is not None and (data := self._http.data_to_send()):
            self._transport.write(data)
