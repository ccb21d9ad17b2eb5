"""Keeping up with one kind of object: list it, then watch it, for ever."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from environments.sandbox.focus_server.kubernetes import Kubernetes, KubernetesAway, KubernetesRefused

SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 1.0


class Follower:
    """Calls ``relist`` for a new list, which answers its resource version, and ``apply`` for every change after it."""

    def __init__(
        self,
        kubernetes: Kubernetes,
        kind: str,
        log: logging.Logger,
        relist: Callable[[], Awaitable[str]],
        apply: Callable[[Mapping[str, Any]], None],
    ) -> None:
        self.synced = asyncio.Event()
        self._kubernetes, self._kind, self._log = kubernetes, kind, log
        self._relist, self._apply = relist, apply
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _follow(self) -> None:
        pause_s = SHORTEST_PAUSE_S
        while True:
            try:
                version = await self._relist()
                if not self.synced.is_set() or pause_s > SHORTEST_PAUSE_S:
                    self._log.info("watching %ss in Kubernetes", self._kind)
                self.synced.set()
                pause_s = SHORTEST_PAUSE_S
                async for event in self._kubernetes.watch(self._kind, version):
                    if event["type"] == "ERROR":  # the version is too old, or the API gives up: list again
                        break
                    if event["type"] != "BOOKMARK":
                        self._apply(event)
            except (KubernetesAway, KubernetesRefused) as error:
                if pause_s == SHORTEST_PAUSE_S:
                    self._log.warning("lost the watch of %ss: %s", self._kind, error)
                pause_s = min(LONGEST_PAUSE_S, pause_s * 2)
                await asyncio.sleep(pause_s)
