"""The door of a server that is started when somebody comes for the first time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

_LOOK_AGAIN_S = 0.02


class Doorbell:
    """Listens until the first connection: closes it, gives the port back, and calls ``rung``.

    To a client this is a server that is just starting: the first connection is closed, later ones are refused, and
    then they are served.
    """

    def __init__(self, host: str, port: int, rung: Callable[[], None]) -> None:
        self._host, self._port, self._rung = host, port, rung
        self._server: asyncio.Server | None = None

    async def hang(self, within_s: float) -> None:
        """Return once it listens: at once if it does already, or as soon as the port is free. Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            while self._server is None:
                with suppress(OSError):
                    self._server = await asyncio.start_server(self._answer, self._host, self._port)
                    return
                await asyncio.sleep(_LOOK_AGAIN_S)

    def take_down(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()
        if self._server is not None:
            self.take_down()
            self._rung()
