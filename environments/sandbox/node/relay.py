"""Relay of the bytes between two connections, in both directions."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any

from environments.sandbox.shared.piping import Connection, carry

Endpoint = tuple[str, int]


class Forwarders:
    """All forwarded connections. Beyond ``most``, new ones are reset, so that a flood does not take the node down."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: set[asyncio.Task[None]] = set()

    def accept(self, client: Connection, target: Endpoint | None) -> None:
        """Connect the client to its target until either side ends. Resets the client if it has no target, or one that
        refuses."""
        if target is None or len(self._open) >= self._most:
            client[1].transport.abort()
            return
        task = asyncio.create_task(_forward(client, target))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    def close(self) -> None:
        for task in self._open:
            task.cancel()


async def _forward(client: Connection, target: Endpoint) -> None:
    try:
        server = await asyncio.open_connection(*target)
        with contextlib.closing(server[1]):
            await _first_of(carry(client[0], server[1]), carry(server[0], client[1]))
    except OSError:
        client[1].transport.abort()
    finally:
        client[1].close()


async def _first_of(*works: Coroutine[Any, Any, None]) -> None:
    """Wait until one of them is done and cancel the others."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
