"""gRPC clients that open the streams of jobs and drain them, so that a job counts as used. The data is discarded.

Needs the extra ``grpc``.
"""

from __future__ import annotations

import asyncio
import threading
import time

import grpc
import grpc.aio

from support import waits
from support.clients.journal import Journal

TARGET = "stream"

_MOST_BYTES = 50 * 1024 * 1024
"""Limit for one message, the same as in the clients of the product."""
_OPTIONS = (
    ("grpc.max_receive_message_length", _MOST_BYTES),
    ("grpc.enable_http_proxy", 0),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 250),
)
_STREAM_0 = b""
"""The request in protobuf. All fields have their defaults, so the stream id is 0."""
_BREAKS = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
"""Status codes of a call whose server goes away: the connection is lost, or the server cancelled its calls before."""
_END_S = 5.0
_AGAIN_S = 0.05


class GrpcStreamClients:
    """Clients with one channel per job, all served by one thread. They call the method that the environment names."""

    def __init__(self, method: str, journal: Journal) -> None:
        self._method, self._journal = method, journal
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="grpc-streams", daemon=True)
        self._lock = threading.Lock()
        self._tasks: dict[str, asyncio.Future[None]] = {}
        self._since_s: dict[str, float] = {}
        self._through: set[str] = set()
        self._wanted: set[str] = set()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        for job_id in list(self._tasks):
            self.leave(job_id)
        asyncio.run_coroutine_threadsafe(self._all_ended(), self._loop).result(_END_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_END_S)
        self._loop.close()

    def join(self, job_id: str, host: str, port: int, within_s: float) -> None:
        """Open the stream in the background, within ``within_s``, and drain it until :meth:`leave`."""
        self.leave(job_id)
        with self._lock:
            self._wanted.add(job_id)
        asyncio.run_coroutine_threadsafe(self._begin(job_id, f"{host}:{port}", within_s), self._loop)

    def leave(self, job_id: str) -> None:
        with self._lock:
            task = self._tasks.pop(job_id, None)
            self._since_s.pop(job_id, None)
            self._through.discard(job_id)
            self._wanted.discard(job_id)
        if task is not None:
            self._loop.call_soon_threadsafe(task.cancel)

    def connected_since_s(self, job_id: str) -> float | None:
        """Return the time at which the stream was first opened (monotonic), or None if it has not been yet."""
        with self._lock:
            return self._since_s.get(job_id)

    def is_connected(self, job_id: str) -> bool:
        """Whether the stream was opened and has not ended since."""
        with self._lock:
            return job_id in self._through

    async def _begin(self, job_id: str, address: str, within_s: float) -> None:
        with self._lock:
            if job_id in self._wanted:
                self._tasks[job_id] = asyncio.ensure_future(self._drain(job_id, address, within_s))

    async def _drain(self, job_id: str, address: str, within_s: float) -> None:
        """Drain the stream to its end, whichever side ends it; later only the fact that it ended matters.

        A stream that breaks within its time is opened again: for a moment its port may have led to the investigation
        that had it before.
        """
        watch = waits.Stopwatch()
        while (left_s := within_s - watch.given_s()) > 0 and not await self._has_ended(job_id, address, left_s):
            await asyncio.sleep(_AGAIN_S)

    async def _has_ended(self, job_id: str, address: str, within_s: float) -> bool:
        """Drain one stream to its end. Returns False if its connection broke."""
        began_s, broke = time.monotonic(), False
        async with grpc.aio.insecure_channel(address, options=_OPTIONS) as channel:
            try:
                await asyncio.wait_for(channel.channel_ready(), within_s)
                with self._lock:
                    self._since_s.setdefault(job_id, time.monotonic())
                    self._through.add(job_id)
                async for _ in channel.unary_stream(self._method)(_STREAM_0):
                    pass
                said = "the server has ended the stream"
            except TimeoutError:
                said = f"no channel within {within_s:g} s"
            except grpc.aio.AioRpcError as error:
                said = f"the stream broke: {error.code().name}: {error.details()}"
                broke = error.code() in _BREAKS
            finally:
                with self._lock:
                    self._through.discard(job_id)
        what = f"{self._method} of job {job_id} at {address}"
        self._journal.record(TARGET, what, said, time.monotonic() - began_s)
        return not broke

    async def _all_ended(self) -> None:
        """Wait until the cancelled tasks have closed their channels."""
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.wait(others, timeout=_END_S) if others else None
