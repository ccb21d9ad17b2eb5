"""Copying of bytes between two connections."""

from __future__ import annotations

import asyncio
import contextlib
from asyncio import StreamReader, StreamWriter

_CHUNK_BYTES = 1 << 16

Connection = tuple[StreamReader, StreamWriter]


async def join(first: Connection, second: Connection) -> None:
    """Copy bytes, and the end of the stream, in both directions until both have ended; then close both."""
    with contextlib.closing(first[1]), contextlib.closing(second[1]):
        await asyncio.gather(carry(first[0], second[1]), carry(second[0], first[1]))


async def carry(source: StreamReader, target: StreamWriter) -> None:
    """Copy bytes until the source ends. A broken connection counts as its end."""
    with contextlib.suppress(OSError):
        while data := await source.read(_CHUNK_BYTES):
            target.write(data)
            await target.drain()
    with contextlib.suppress(OSError):
        target.write_eof()
