"""One proxy: a listening address, an upstream address, the toxics between them and the connections through it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import socket
import struct
from collections.abc import Sequence
from typing import Any

from environments.sandbox.links.direction import Cut, Direction
from environments.sandbox.links.errors import ApiError
from environments.sandbox.links.toxics import STREAMS, Toxic

_BACKLOG = 256
_FILL_WAIT_S = 0.02
_FILL_TRIES = 4
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)

Address = tuple[str, int]
log = logging.getLogger("links")


class Connection:
    """A client's connection and the connection to the upstream that was opened for it."""

    def __init__(self, proxy: Proxy, client: socket.socket) -> None:
        self._proxy = proxy
        self._client = client
        self._writers: list[asyncio.StreamWriter] = []
        self._directions: list[Direction] = []

    def stir(self) -> None:
        for direction in self._directions:
            direction.stir()

    async def serve(self) -> None:
        """Relay bytes until both sides are done or the connection is cut. Leaves no task and no socket behind."""
        reset = True
        tasks: list[asyncio.Task[None]] = []
        try:
            from_client, to_client = await asyncio.open_connection(sock=self._client)
            self._writers.append(to_client)
            try:
                from_upstream, to_upstream = await asyncio.open_connection(*self._proxy.upstream)
            except OSError:
                return  # no listener: reset the client, which is the closest to a refused connection
            self._writers.append(to_upstream)
            dice = self._proxy.dice
            up = Direction("upstream", self._proxy, from_client, to_upstream, dice)
            down = Direction("downstream", self._proxy, from_upstream, to_client, dice)
            self._directions = [up, down]
            delivering = [asyncio.create_task(up.deliver()), asyncio.create_task(down.deliver())]
            tasks = [*delivering, asyncio.create_task(up.read()), asyncio.create_task(down.read())]
            await asyncio.gather(*tasks)
            reset = False
        except Cut as cut:
            reset = cut.reset
        except asyncio.CancelledError:
            reset = False
            raise
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._close(reset)

    def _close(self, reset: bool) -> None:
        for writer in self._writers:
            if reset:
                with contextlib.suppress(OSError):  # the peer has closed already: nothing is left to reset
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
                writer.transport.abort()
            else:
                writer.close()
        if not self._writers:
            self._client.close()


class Proxy:
    """A link that can be disabled (refuse connections), impaired (toxics) and made to drop packets (NetworkPolicy).

    For the policies, ``workload`` names the target behind the link and ``source`` its user; ``None`` if unspecified.
    """

    def __init__(
        self, name: str, listen: Address, upstream: Address, workload: str | None = None, source: str | None = None
    ) -> None:
        self.name = name
        self.listen = listen
        self.upstream = upstream
        self.workload = workload
        self.source = source
        self.toxics: Sequence[Toxic] = ()
        self.dropping = False
        self.accepted = 0
        self.dice = random.Random(name)
        self._listener: socket.socket | None = None
        self._connections: dict[Connection, asyncio.Task[None]] = {}
        self._fillers: dict[Address, socket.socket] = {}

    @property
    def enabled(self) -> bool:
        return self._listener is not None

    @property
    def connections(self) -> int:
        return len(self._connections)

    def to_json(self) -> dict[str, Any]:
        """Return the proxy as Toxiproxy's API represents it."""
        return {
            "name": self.name,
            "listen": f"{self.listen[0]}:{self.listen[1]}",
            "upstream": f"{self.upstream[0]}:{self.upstream[1]}",
            "enabled": self.enabled,
            "toxics": self.toxics_json(),
        }

    def toxics_json(self) -> list[dict[str, Any]]:
        return [toxic.to_json() for stream in STREAMS for toxic in self.toxics if toxic.stream == stream]

    async def start(self) -> None:
        """Start to listen. Raises :class:`ApiError` 500 if the address is not available."""
        if self._listener is not None:
            return
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setblocking(False)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            listener.bind(self.listen)
            listener.listen(_BACKLOG)
        except OSError as error:
            listener.close()
            raise ApiError(f"listen tcp {self.listen[0]}:{self.listen[1]}: {error.strerror}", 500) from None
        self.listen = listener.getsockname()
        self._listener = listener
        if self.dropping:
            await self._stop_accepting(listener)
        else:
            asyncio.get_running_loop().add_reader(listener, self._accept)

    async def stop(self) -> None:
        """Refuse new connections and cut the open ones."""
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None
            self._close_fillers()
        serving = list(self._connections.values())
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)

    def set_toxics(self, toxics: Sequence[Toxic]) -> None:
        """Apply these toxics, also to open connections."""
        self.toxics = toxics
        self._stir()

    async def set_dropping(self, dropping: bool) -> None:
        """Switch dropping on or off. While it is on, new connections get no answer and open ones receive no data."""
        if dropping == self.dropping:
            return
        self.dropping = dropping
        self._stir()
        if self._listener is None:
            return
        if dropping:
            await self._stop_accepting(self._listener)
        else:
            self._listener.listen(_BACKLOG)
            asyncio.get_running_loop().add_reader(self._listener, self._accept)

    def _stir(self) -> None:
        for connection in self._connections:
            connection.stir()

    async def _stop_accepting(self, listener: socket.socket) -> None:
        """Fill the listener's queue. The kernel then drops every SYN, which looks to clients like a lost packet."""
        loop = asyncio.get_running_loop()
        loop.remove_reader(listener)
        listener.listen(0)
        for _ in range(_FILL_TRIES):
            filler = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            filler.setblocking(False)
            try:
                await asyncio.wait_for(loop.sock_connect(filler, self.listen), _FILL_WAIT_S)
            except (TimeoutError, OSError):
                filler.close()
                return
            self._fillers[filler.getsockname()] = filler

    def _close_fillers(self) -> None:
        while self._fillers:
            self._fillers.popitem()[1].close()

    def _accept(self) -> None:
        assert self._listener is not None
        try:
            client, address = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        if address in self._fillers:
            self._fillers.pop(address).close()
            client.close()
            return
        client.setblocking(False)
        self.accepted += 1
        connection = Connection(self, client)
        task = asyncio.create_task(connection.serve())
        self._connections[connection] = task
        task.add_done_callback(lambda done: self._ended(connection, done))

    def _ended(self, connection: Connection, task: asyncio.Task[None]) -> None:
        del self._connections[connection]
        if not task.cancelled() and task.exception() is not None:
            log.error("%s: a connection failed", self.name, exc_info=task.exception())
