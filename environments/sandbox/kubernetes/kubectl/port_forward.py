"""``pods/portforward``: connections to ports of a pod, over a WebSocket.

kubectl tunnels SPDY through it, with two streams (``error`` and ``data``) per connection. The Python client uses two
channels and one connection per port.
"""

from __future__ import annotations

import asyncio
import struct
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

from aiohttp import WSMsgType, web

from environments.sandbox.kubernetes.kubectl import spdy
from environments.sandbox.kubernetes.kubectl.kubelet_client import Incoming, Kubelet, KubeletRefused, incoming
from environments.sandbox.kubernetes.kubectl.streams import check_placed, upgraded
from environments.sandbox.kubernetes.store.errors import ApiError, bad_request

_TUNNEL, _CHANNELS = "SPDY/3.1+portforward.k8s.io", "v4.channel.k8s.io"


async def forward_ports(request: web.Request, kubelet: Kubelet, pod: Mapping[str, Any]) -> web.StreamResponse:
    """Serve until the client leaves or, if it uses channels, until all connections have ended."""
    check_placed(pod)
    ports = list(_ports(request))
    socket = await upgraded(request, (_TUNNEL, _CHANNELS))
    if socket.ws_protocol == _TUNNEL:
        await _Tunnel(socket, kubelet, pod).serve()
    else:
        await _Channels(socket, kubelet, pod, ports).serve()
    await socket.close()
    return socket


def _ports(request: web.Request) -> Iterator[int]:
    for text in ",".join(request.query.getall("ports", [])).split(","):
        if text and not (text.isdecimal() and 0 < int(text) < 65536):
            raise bad_request(f'unable to parse "{text}" as a port')
        if text:
            yield int(text)


class _Forward(ABC):
    """The connections of one client."""

    def __init__(self, socket: web.WebSocketResponse, kubelet: Kubelet, pod: Mapping[str, Any]) -> None:
        self._socket, self._kubelet = socket, kubelet
        self._uid: str = pod["metadata"]["uid"]
        self._tasks: set[asyncio.Task[None]] = set()

    async def _connect(self, port: int, arriving: Incoming, send: Callable[[bytes], Awaitable[None]]) -> str:
        """Serve one connection and return why it failed; empty if it ended normally."""
        try:
            await self._kubelet.forward(self._uid, port, arriving, send)
        except (KubeletRefused, ApiError) as error:
            return f"error forwarding port {port} to pod {self._uid}, uid : {error}"
        return ""

    def _later(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    @abstractmethod
    async def _received(self, message: bytes) -> None:
        """Handle one message of the client."""

    async def serve(self) -> None:
        try:
            async for message in self._socket:
                if message.type is WSMsgType.BINARY:
                    await self._received(message.data)
        finally:
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)


class _Tunnel(_Forward):
    """The SPDY tunnel. Streams are paired by their ``requestid``; the error stream comes first."""

    def __init__(self, socket: web.WebSocketResponse, kubelet: Kubelet, pod: Mapping[str, Any]) -> None:
        super().__init__(socket, kubelet, pod)
        self._spdy = spdy.Spdy()
        self._error_streams: dict[str, int] = {}
        self._arriving: dict[int, Incoming] = {}
        self._forwards: dict[int, asyncio.Task[None]] = {}

    async def serve(self) -> None:
        try:
            await super().serve()
        except spdy.SpdyError as error:
            await self._socket.close(code=1002, message=str(error).encode())

    async def _received(self, message: bytes) -> None:
        for frame in self._spdy.received(message):
            if frame.kind == spdy.SYN_STREAM:
                await self._opened(frame)
            elif frame.kind == spdy.DATA and frame.stream in self._arriving:
                await self._data(frame)
            elif frame.kind == spdy.RST_STREAM and frame.stream in self._forwards:
                self._forwards[frame.stream].cancel()
            elif frame.kind == spdy.PING:
                await self._socket.send_bytes(spdy.control(spdy.PING, frame.payload))

    async def _opened(self, frame: spdy.Frame) -> None:
        headers, stream = frame.headers, frame.stream
        request, kind, port = (headers.get(name, "") for name in ("requestid", "streamtype", "port"))
        await self._socket.send_bytes(self._spdy.reply(stream))
        if kind == "error":
            self._error_streams[request] = stream
        elif kind == "data" and request in self._error_streams and port.isdecimal():
            self._arriving[stream] = incoming()
            error_stream = self._error_streams.pop(request)
            self._forwards[stream] = self._later(self._forward(stream, error_stream, int(port)))
        else:
            raise spdy.SpdyError(f"a stream that is none of a port forward: {headers}")

    async def _data(self, frame: spdy.Frame) -> None:
        arriving = self._arriving[frame.stream]
        if frame.payload:
            await arriving.put(frame.payload)
        if frame.flags & spdy.FIN:
            await arriving.put(b"")

    async def _forward(self, stream: int, error_stream: int, port: int) -> None:
        async def send(content: bytes) -> None:
            await self._socket.send_bytes(spdy.data(stream, content))

        try:
            why = await self._connect(port, self._arriving[stream], send)
            await self._socket.send_bytes(spdy.data(error_stream, why.encode(), spdy.FIN))
            await self._socket.send_bytes(spdy.data(stream, b"", spdy.FIN))
        finally:
            del self._arriving[stream], self._forwards[stream]


class _Channels(_Forward):
    """Channel ``2 n`` carries the data of the n-th port, ``2 n + 1`` its error. Each begins with the port number."""

    def __init__(
        self, socket: web.WebSocketResponse, kubelet: Kubelet, pod: Mapping[str, Any], ports: list[int]
    ) -> None:
        super().__init__(socket, kubelet, pod)
        self._ports = ports
        self._arriving = [incoming() for _ in ports]

    async def serve(self) -> None:
        forwards = [self._later(self._forward(index, port)) for index, port in enumerate(self._ports)]
        self._later(self._close_after(forwards))
        await super().serve()

    async def _close_after(self, forwards: list[asyncio.Task[None]]) -> None:
        await asyncio.gather(*forwards)
        await self._socket.close()

    async def _received(self, message: bytes) -> None:
        index, is_error = divmod(message[0], 2) if message else (0, 1)
        if not is_error and index < len(self._arriving) and message[1:]:
            await self._arriving[index].put(message[1:])

    async def _forward(self, index: int, port: int) -> None:
        data_channel, error_channel = bytes([2 * index]), bytes([2 * index + 1])

        async def send(content: bytes) -> None:
            await self._socket.send_bytes(data_channel + content)

        for channel in (data_channel, error_channel):
            await self._socket.send_bytes(channel + struct.pack("<H", port))
        if why := await self._connect(port, self._arriving[index], send):
            await self._socket.send_bytes(error_channel + why.encode())
