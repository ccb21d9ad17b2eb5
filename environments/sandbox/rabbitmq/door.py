"""A listener in front of a server that starts when the first client needs it."""

from __future__ import annotations

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable
from contextlib import suppress

from environments.sandbox.shared.errors import StartError
from environments.sandbox.shared.piping import join

_LOOK_AGAIN_S = 0.02
_PIECE_BYTES = 65_536

Server = Callable[[], Awaitable[tuple[str, int] | None]]


class Door:
    """Listens on the address that clients use, and connects them to the server behind it.

    ``server`` is called when a client has sent its first bytes. It returns the address where the server then listens,
    or None if the server is unavailable; the client is then disconnected. A client that connects and sends nothing
    starts nothing.
    """

    def __init__(self, host: str, port: int, server: Server) -> None:
        self._host, self._port, self._server = host, port, server
        self._listening: asyncio.Server | None = None

    async def open(self, within_s: float) -> None:
        """Return once it listens, which it may do already, or as soon as the port is free. Raises StartError."""
        taken: OSError | None = None
        try:
            async with asyncio.timeout(within_s):
                while self._listening is None:
                    try:
                        self._listening = await asyncio.start_server(self._let_through, self._host, self._port)
                    except OSError as error:
                        taken = error
                        await asyncio.sleep(_LOOK_AGAIN_S)
        except TimeoutError:
            raise StartError(f"{self._host}:{self._port} was not free within {within_s:g} s: {taken}") from None

    def close(self) -> None:
        if self._listening is not None:
            self._listening.close()
            self._listening = None

    async def _let_through(self, client: StreamReader, back: StreamWriter) -> None:
        with suppress(OSError):
            first = await client.read(_PIECE_BYTES)
            address = await self._server() if first else None
            if address is not None:
                answers, server = await asyncio.open_connection(*address)
                server.write(first)
                await join((client, back), (answers, server))
        back.close()
