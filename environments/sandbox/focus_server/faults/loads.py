"""Faults: a server that is too small for many clients, is slow, does not recover from a load, or wears out.

All of them wait before anything is started, so that no job waits for its client meanwhile.
"""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.errors import WaitQueueTimeoutError

from environments.sandbox.focus_server.faults.plain import Unclear, delayed
from environments.sandbox.focus_server.hooks import Proceed, fault
from environments.sandbox.focus_server.recordings import GIVE_UP_AFTER_MS, leave
from environments.sandbox.focus_server.refusals import CannotOpen, MongoDbAway
from environments.sandbox.focus_server.schema import Window
from environments.sandbox.focus_server.service import FocusService

FEW_WORKERS, WORKER_HELD_S = 24, 1.4
SLOW_FROM_JOBS, VERY_SLOW_S = 100, 7.0
"""The P95 of 200 simultaneous openings then exceeds its limit of 5 s."""
SLOW_S, SLOWER_S, AFTER_LOAD_S = 0.55, 0.12, 2.0
"""Delays above the usual time of an opening; the second is below all limits, the third above that of a busy machine."""
LOADED_FROM_JOBS = 100
SMALL_POOL = 5
WEAR_S = 0.1
WORN_OUT_FROM, WORN_S = 100, 0.005
LOOKUPS_AT_ONCE, LOOKUP_S = 10, 0.1
HEAVY_NFFT = 2048
ENDS_AT, FAILS_EACH = 6, 4
ENDED = 1


def _open_jobs(service: FocusService) -> int:
    """The number of investigations that are open or being opened."""
    return len(service.opener.slots.unusable())


fault("openings-slow", at="configure")(delayed(SLOW_S))
fault("openings-slower-than-before", at="configure")(delayed(SLOWER_S))


@fault("slower-with-every-job", at="configure", memory=itertools.count)
async def _(openings: Iterator[int], proceed: Proceed, service: FocusService, body: bytes) -> Any:
    await asyncio.sleep(next(openings) * WEAR_S)
    return await proceed(service, body)


@fault("slower-after-a-hundred-openings", at="configure", memory=itertools.count)
async def _(openings: Iterator[int], proceed: Proceed, service: FocusService, body: bytes) -> Any:
    await asyncio.sleep(max(0, next(openings) - WORN_OUT_FROM) * WORN_S)
    return await proceed(service, body)


def _failing_among_many(fault_id: str, failure: Callable[[], Exception]) -> None:
    """Register a fault that fails lookups of recordings while more than a few others are in progress."""

    @fault(fault_id, at="recording.find", memory=lambda: SimpleNamespace(going_on=0))
    async def _(memory: SimpleNamespace, proceed: Proceed, service: FocusService, window: Window) -> Any:
        memory.going_on += 1
        try:
            await asyncio.sleep(LOOKUP_S)  # long enough for simultaneous requests
            if memory.going_on > LOOKUPS_AT_ONCE:
                raise failure()
            return await proceed(service, window)
        finally:
            memory.going_on -= 1


_failing_among_many("lookups-fail-among-many", lambda: Unclear(500, "Internal Server Error"))
_failing_among_many("lookups-scan-among-many", MongoDbAway)
_failing_among_many("storage-full-among-many", lambda: CannotOpen("[Errno 28] No space left on device: '/prisma/root'"))


@fault("slow-after-load", at="configure", memory=lambda: SimpleNamespace(was_loaded=False))
async def _(memory: SimpleNamespace, proceed: Proceed, service: FocusService, body: bytes) -> Any:
    is_loaded = _open_jobs(service) >= LOADED_FROM_JOBS
    memory.was_loaded = memory.was_loaded or is_loaded
    await asyncio.sleep(AFTER_LOAD_S if memory.was_loaded and not is_loaded else 0.0)
    answer = await proceed(service, body)
    memory.was_loaded = memory.was_loaded or _open_jobs(service) >= LOADED_FROM_JOBS
    return answer


@fault("slow-from-100-jobs", at="configure", memory=lambda: SimpleNamespace(asked=0))
async def _(memory: SimpleNamespace, proceed: Proceed, service: FocusService, body: bytes) -> Any:
    beside = max(_open_jobs(service), memory.asked)
    memory.asked += 1
    try:
        await asyncio.sleep(VERY_SLOW_S if beside >= SLOW_FROM_JOBS else 0.0)
        return await proceed(service, body)
    finally:
        memory.asked -= 1


class Workers:
    """Workers that share resources: the more of them work, the longer each takes."""

    def __init__(self) -> None:
        self.free, self.working = asyncio.Semaphore(FEW_WORKERS), 0


@fault("few-workers", at="configure", memory=Workers)
async def _(workers: Workers, proceed: Proceed, service: FocusService, body: bytes) -> Any:
    async with workers.free:
        workers.working += 1
        try:
            await asyncio.sleep(WORKER_HELD_S * workers.working / FEW_WORKERS)
        finally:
            workers.working -= 1
        return await proceed(service, body)


class MongoDbBusy(MongoDbAway):
    """All connections to MongoDB were in use for too long; ``cause`` is the driver's message."""

    def __init__(self, cause: str) -> None:
        super().__init__(f"no connection to MongoDB became free: {cause}")


class SmallPool:
    """A pool with so few connections that waiting for one can take too long."""

    def __init__(self) -> None:
        self._client: AsyncMongoClient[dict[str, Any]] | None = None

    async def ping(self, uri: str) -> None:
        if self._client is None:
            self._client = AsyncMongoClient(
                uri, directConnection=True, maxPoolSize=SMALL_POOL, waitQueueTimeoutMS=GIVE_UP_AFTER_MS
            )
        try:
            await self._client.admin.command("ping")
        except WaitQueueTimeoutError as error:
            raise MongoDbBusy(f"{type(error).__name__}: {error}") from error

    async def aclose(self) -> None:
        if self._client is not None:
            await leave(self._client)


@fault("mongodb-pool-exhausted", at="configure", memory=SmallPool)
async def _(pool: SmallPool, proceed: Proceed, service: FocusService, body: bytes) -> Any:
    """Ping on each opening, live ones included; the connections are slow because of the fault's toxic."""
    await pool.ping(service.index.uri)
    return await proceed(service, body)


@fault("ends-now-and-then", at="configure", memory=lambda: itertools.count(1))
async def _(openings: Iterator[int], proceed: Proceed, service: FocusService, body: bytes) -> Any:
    if next(openings) >= ENDS_AT:
        os._exit(ENDED)
    return await proceed(service, body)


@fault("every-fourth-opening-fails", at="configure", memory=lambda: itertools.count(1))
async def _(openings: Iterator[int], proceed: Proceed, service: FocusService, body: bytes) -> Any:
    if next(openings) % FAILS_EACH == 0:
        raise CannotOpen("another opening has not ended")
    return await proceed(service, body)


@fault("heavy-configurations-refused", at="configure.read")
def _(proceed: Proceed, service: FocusService, body: bytes) -> Any:
    request = proceed(service, body)
    if request.nfft >= HEAVY_NFFT:
        raise CannotOpen("the transform does not fit into the memory of the graphics card")
    return request
