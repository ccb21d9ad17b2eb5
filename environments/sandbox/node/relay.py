"""Passing the bytes of one connection on to another, both ways."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

Endpoint = tuple[str, int]


class Forwarders:
    """All forwarded connections; beyond ``most`` new ones are cut, so that a flood does not take the node down."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: set[Client] = set()
        self._connecting: set[asyncio.Task[None]] = set()

    def client(self, choose: Callable[[], Endpoint | None]) -> Client:
        """The protocol of one accepted connection; ``choose`` says where it leads."""
        return Client(self, choose)

    def close(self) -> None:
        for task in self._connecting:
            task.cancel()
        for client in list(self._open):
            client.abort()

    def accept(self, client: Client, target: Endpoint | None) -> None:
        if target is None or len(self._open) >= self._most:
            client.abort()
            return
        self._open.add(client)
        task = asyncio.create_task(client.connect(target))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    def discard(self, client: Client) -> None:
        self._open.discard(client)


class _Side(asyncio.Protocol):
    """One end: what arrives is written to the other end, which also decides how fast."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.other: _Side | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.write(data)

    def pause_writing(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        if self.other is not None and self.other.transport is not None:
            self.other.transport.close()


class Client(_Side):
    """The side of the client; it waits until its target is connected."""

    def __init__(self, forwarders: Forwarders, choose: Callable[[], Endpoint | None]) -> None:
        super().__init__()
        self._forwarders, self._choose = forwarders, choose

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._forwarders.accept(self, self._choose())

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._forwarders.discard(self)

    def abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    async def connect(self, target: Endpoint) -> None:
        """Join the client to its target; a target that refuses resets the client."""
        if self.transport is None:
            return
        self.transport.pause_reading()
        try:
            await asyncio.get_running_loop().create_connection(self._target_side, *target)
        except OSError:
            self.abort()
            return
        if self.transport is not None:
            self.transport.resume_reading()
        elif self.other is not None and self.other.transport is not None:
            self.other.transport.close()

    def _target_side(self) -> _Side:
        self.other = _Side()
        self.other.other = self
        return self.other
