"""The listening server: accepts connections."""

from __future__ import annotations

import asyncio
import itertools

from environments.sandbox.mongodb.commands.instance import Instance
from environments.sandbox.mongodb.connection import Connection


class Server:
    """Serves one :class:`Instance`."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._connections: set[asyncio.Task[None]] = set()
        self._numbers = itertools.count(1)
        self._listener: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> tuple[str, int]:
        """Listen and return the address; the port may be shared with a holder that does not listen."""
        self._listener = await asyncio.start_server(self._accept, host, port, reuse_port=True, backlog=512)
        address: tuple[str, int] = self._listener.sockets[0].getsockname()[:2]
        return address

    async def stop(self) -> None:
        """Stop listening and close every connection."""
        if self._listener is not None:
            self._listener.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(self._instance, next(self._numbers), reader, writer)
        self._instance.connection_opened()
        task = asyncio.create_task(self._serve(connection))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, connection: Connection) -> None:
        try:
            await connection.serve()
        finally:
            self._instance.connection_closed()
