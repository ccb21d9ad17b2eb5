"""One direction of one connection: chunks are read as they arrive and delivered when the toxics allow it."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from environments.sandbox.links.toxics import Toxic

_READ_BYTES = 64 * 1024
_QUEUE_BYTES = 1024 * 1024
_BANDWIDTH_SLICE_MS = 100
_AT_ONCE = 0.0


class Cut(Exception):
    """Raised to close the whole connection or, with ``reset``, to break it with a TCP RST."""

    def __init__(self, reset: bool) -> None:
        super().__init__("reset" if reset else "closed")
        self.reset = reset


class LinkState(Protocol):
    """The state of a link that a direction checks before each delivery."""

    toxics: Sequence[Toxic]
    dropping: bool


@dataclass(eq=False)
class _Chunk:
    """Bytes and their arrival time (monotonic seconds). Without bytes the sender closed or, if ``broken``, reset."""

    data: bytes
    arrived_s: float
    broken: bool = False
    shaped: bool = False
    line_since_s: float | None = None
    delays_s: dict[Toxic, float] = field(default_factory=dict)


class Direction:
    """Moves bytes from ``source`` to ``sink`` under the toxics of stream ``stream``.

    A chunk's latency counts from its arrival, so that chunks that arrive together leave together. A change of the
    toxics or of ``dropping`` affects data in transit at once: :meth:`stir` wakes the delivery.
    """

    def __init__(
        self,
        stream: str,
        link: LinkState,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        dice: random.Random,
    ) -> None:
        self._stream = stream
        self._link = link
        self._source = source
        self._sink = sink
        self._dice = dice
        self._queue: deque[_Chunk] = deque()
        self._queued_bytes = 0
        self._stirred = asyncio.Event()
        self._room = asyncio.Event()
        self._drawn: dict[Toxic, bool] = {}
        self._since_s: dict[Toxic, float] = {}
        self._passed_bytes: dict[str, int] = {}
        self._swallower: str | None = None
        self._line_free_s = 0.0
        self._end_passed = False

    def stir(self) -> None:
        self._stirred.set()
        self._room.set()

    async def read(self) -> None:
        """Queue the sender's data until it is done. Reading pauses while the queue is full."""
        while True:
            while self._link.dropping or self._queued_bytes >= _QUEUE_BYTES:
                self._room.clear()
                await self._room.wait()
            try:
                data, broken = await self._source.read(_READ_BYTES), False
            except ConnectionError:
                data, broken = b"", True
            self._queue.append(_Chunk(data, time.monotonic(), broken))
            self._queued_bytes += len(data)
            self._stirred.set()
            if not data:
                return

    async def deliver(self) -> None:
        """Deliver chunks until the sender's end is passed on. Raises :class:`Cut` if the connection must be cut."""
        while True:
            self._stirred.clear()
            wait_s = await self._step(time.monotonic())
            if self._end_passed:
                return
            if wait_s is None or wait_s > _AT_ONCE:
                try:
                    await asyncio.wait_for(self._stirred.wait(), wait_s)
                except TimeoutError:
                    continue

    async def _step(self, now_s: float) -> float | None:
        """Do the next step. Returns the seconds until the following step, ``None`` to wait for a change."""
        if self._link.dropping:
            return None
        toxics = self._in_force(now_s)
        for toxic in toxics:
            if toxic.type in ("timeout", "reset_peer"):
                return self._swallow(toxic, now_s)
        if not self._queue:
            return None
        chunk = self._queue[0]
        if chunk.broken:
            raise Cut(reset=True)
        if not chunk.data:
            self._pass_end()
            return None
        due_s = self._due_s(chunk, toxics, now_s)
        if due_s > now_s:
            return due_s - now_s
        await self._send(chunk, toxics)
        return _AT_ONCE

    def _in_force(self, now_s: float) -> list[Toxic]:
        found = []
        for toxic in self._link.toxics:
            if toxic.stream == self._stream and self._drawn.setdefault(toxic, self._dice.random() < toxic.toxicity):
                self._since_s.setdefault(toxic, now_s)
                found.append(toxic)
        if self._swallower is not None and self._swallower not in {toxic.name for toxic in found}:
            raise Cut(reset=False)  # data that a removed timeout toxic swallowed cannot be restored
        return found

    def _swallow(self, toxic: Toxic, now_s: float) -> float | None:
        """Apply a timeout or reset_peer toxic. Returns the seconds until it cuts the connection, ``None`` if unknown.

        ``timeout`` drops all data and closes the connection after its time, or when the sender ends; with a time of 0
        only when the sender ends. ``reset_peer`` resets the connection when its time after the first data is over.
        """
        resets = toxic.type == "reset_peer"
        if resets and not self._queue:
            return None
        if any(not chunk.data for chunk in self._queue) and not resets:
            raise Cut(reset=False)
        since_s = self._queue[0].arrived_s if resets else self._since_s[toxic]
        if not resets:
            self._swallower = toxic.name
            self._queue.clear()
            self._queued_bytes = 0
            self._room.set()
            if toxic["timeout"] == 0:
                return None
        left_s = max(since_s, self._since_s[toxic]) + toxic["timeout"] / 1000 - now_s
        if left_s <= 0:
            raise Cut(reset=resets)
        return left_s

    def _pass_end(self) -> None:
        try:
            if not self._sink.transport.is_closing():
                self._sink.write_eof()
        except OSError:  # the receiver has closed meanwhile
            raise Cut(reset=True) from None
        self._end_passed = True

    def _due_s(self, chunk: _Chunk, toxics: Sequence[Toxic], now_s: float) -> float:
        due_s = chunk.arrived_s
        for toxic in toxics:
            if toxic.type == "latency":
                due_s += chunk.delays_s.setdefault(toxic, toxic.delay_s(self._dice))
        if due_s > now_s:
            return due_s
        self._shape(chunk, toxics)
        for toxic in toxics:
            if toxic.type == "bandwidth" and toxic["rate"]:
                if chunk.line_since_s is None:
                    chunk.line_since_s = max(now_s, self._line_free_s)
                self._line_free_s = chunk.line_since_s + len(chunk.data) / toxic["rate"] / 1000
                due_s = max(due_s, self._line_free_s)
        return due_s

    def _shape(self, chunk: _Chunk, toxics: Sequence[Toxic]) -> None:
        """Split the head of the queue so that it holds no more than the bandwidth toxics pass in one slice."""
        if chunk.shaped:
            return
        size = len(chunk.data)
        for toxic in toxics:
            if toxic.type == "bandwidth" and toxic["rate"]:
                size = min(size, toxic["rate"] * _BANDWIDTH_SLICE_MS)
        if size < len(chunk.data):
            self._queue.insert(1, _Chunk(chunk.data[size:], chunk.arrived_s, delays_s=dict(chunk.delays_s)))
            chunk.data = chunk.data[:size]
        chunk.shaped = True

    async def _send(self, chunk: _Chunk, toxics: Sequence[Toxic]) -> None:
        limits = [toxic for toxic in toxics if toxic.type == "limit_data"]
        allowed = min((toxic["bytes"] - self._passed_bytes.get(toxic.name, 0) for toxic in limits), default=None)
        data = chunk.data if allowed is None else chunk.data[: max(0, allowed)]
        self._queue.popleft()
        self._queued_bytes -= len(chunk.data)
        self._room.set()
        try:
            self._sink.write(data)
            await self._sink.drain()
        except ConnectionError:
            raise Cut(reset=True) from None
        for toxic in limits:
            self._passed_bytes[toxic.name] = self._passed_bytes.get(toxic.name, 0) + len(data)
        if allowed is not None and len(data) >= allowed:
            raise Cut(reset=False)
