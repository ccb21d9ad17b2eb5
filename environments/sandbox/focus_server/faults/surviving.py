"""A server that does not survive what its clients do."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Any

from aiohttp import web

from environments.sandbox.focus_server.faults.accepting import Active
from environments.sandbox.focus_server.routes import Routes

SLOW_ALONE_S, SLOW_AMONG_MANY_S, MANY_CLIENTS = 0.15, 1.5, 20
TOLD_LATE_S = 1.2
BURST, BURST_WITHIN_S = 40, 3.0
MOST_PIECES = 3


class FragileRoutes(Routes):
    """Feels clients that leave, that are slow, that send too much, and that are many."""

    def __init__(self, *parts: Any, active: Active) -> None:
        super().__init__(*parts)
        self._active = active
        self._out_of_order = False
        self._incomplete = 0
        self._askers: deque[object] = deque(maxlen=BURST)
        self._asked_s: deque[float] = deque(maxlen=BURST)

    async def body(self, request: web.Request) -> bytes:
        self._incomplete += 1
        try:
            if self._active("slow-client-is-cut-off"):
                return await _in_few_pieces(request)
            return await super().body(request)
        except web.HTTPRequestEntityTooLarge:
            if self._active("huge-body-stops-the-server"):
                self._out_of_order = True
            raise
        except (ConnectionError, web.RequestPayloadError):
            if self._active("disconnect-stops-the-server"):
                self._out_of_order = True
            raise
        finally:
            self._incomplete -= 1

    def router_refusal(self, error: web.HTTPException) -> tuple[int, Any]:
        if error.status == 413 and self._active("huge-body-answered-500"):
            return 500, {"error": "Error parsing configuration"}
        return super().router_refusal(error)

    async def _ack(self, request: web.Request) -> web.Response:
        now_s = time.monotonic()
        while self._incomplete and self._active("slow-client-holds-everybody-up"):
            await asyncio.sleep(0.01)
        out_of_order, self._out_of_order = self._out_of_order, False  # until somebody has noticed
        if out_of_order or (self._active("health-check-fails-under-load") and self._is_many(now_s)):
            return web.json_response({"error": "Service unavailable"}, status=503)
        await asyncio.sleep(self._health_check_s(request))
        return await super()._ack(request)

    def _health_check_s(self, request: web.Request) -> float:
        self._askers.append(request.transport)
        if self._active("health-check-slow"):
            return SLOW_ALONE_S
        is_slow = self._active("health-check-slow-under-load") and len(set(self._askers)) >= MANY_CLIENTS
        return SLOW_AMONG_MANY_S if is_slow else 0.0

    async def _channels(self, request: web.Request) -> web.Response:
        await asyncio.sleep(TOLD_LATE_S if self._active("channels-slow") else 0.0)
        return await super()._channels(request)

    async def _live_metadata(self, request: web.Request) -> web.Response:
        await asyncio.sleep(TOLD_LATE_S if self._active("live-metadata-slow") else 0.0)
        return await super()._live_metadata(request)

    def _is_many(self, now_s: float) -> bool:
        """Whether this health check is one of a burst."""
        self._asked_s.append(now_s)
        return len(self._asked_s) == BURST and now_s - self._asked_s[0] < BURST_WITHIN_S


async def _in_few_pieces(request: web.Request) -> bytes:
    """The body of a client that does not need many attempts to send it."""
    pieces = []
    async for piece in request.content.iter_any():
        pieces.append(piece)
        if len(pieces) > MOST_PIECES:
            raise web.HTTPRequestTimeout
    return b"".join(pieces)
