"""A server that is too small for many investigations at once: few workers, few connections, slow, or gone."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

from environments.sandbox.focus_server.faults.accepting import Active
from environments.sandbox.focus_server.recordings import RecordingIndex
from environments.sandbox.focus_server.service import FocusService

FEW_WORKERS, WORKER_HELD_S = 24, 1.4
SLOW_FROM_JOBS, SLOW_S = 100, 7.0
"""So slow that the P95 of 200 at once is beyond its limit of 5 s."""
SMALL_POOL = 5


class StrainedService(FocusService):
    """Feels how many investigations are open or being opened."""

    def __init__(self, *parts: Any, active: Active) -> None:
        super().__init__(*parts)
        self._active = active
        self._few_workers = asyncio.Semaphore(FEW_WORKERS)
        self._small_pool: RecordingIndex | None = None
        self._asked = self._working = 0

    async def configure(self, body: bytes) -> Mapping[str, Any]:
        self._asked += 1
        try:
            return await self._strained(body)
        finally:
            self._asked -= 1

    async def _strained(self, body: bytes) -> Mapping[str, Any]:
        async with AsyncExitStack() as held:
            if self._active("few-workers"):
                await held.enter_async_context(self._few_workers)
                await self._work_beside_others()
            if self._active("slow-from-100-jobs") and max(self._open_jobs(), self._asked - 1) >= SLOW_FROM_JOBS:
                await asyncio.sleep(SLOW_S)  # before anything is started, so that no job waits for its client meanwhile
            return await super().configure(body)

    async def _work_beside_others(self) -> None:
        """Workers share what they run on: the more of them work, the longer each takes."""
        self._working += 1
        try:
            await asyncio.sleep(WORKER_HELD_S * self._working / FEW_WORKERS)
        finally:
            self._working -= 1

    async def opened(self, body: bytes) -> Mapping[str, Any]:
        if self._active("mongodb-pool-exhausted"):
            await self._with_small_pool().ping()
        return await super().opened(body)

    def _open_jobs(self) -> int:
        return len(self.opener.slots.unusable())

    def _with_small_pool(self) -> RecordingIndex:
        """Asked on every opening, live ones included; its connections are slow because of the fault's toxic."""
        if self._small_pool is None:
            self._small_pool = self.index.with_pool(SMALL_POOL)
        return self._small_pool

    async def close(self) -> None:
        if self._small_pool is not None:
            await self._small_pool.close()
