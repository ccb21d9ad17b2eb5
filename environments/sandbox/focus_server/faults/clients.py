"""Faults: a server that fails because of its clients, or that reports slowly."""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from typing import Any

from aiohttp import web

from environments.sandbox.focus_server.hooks import Proceed, fault
from environments.sandbox.focus_server.refusals import WaitingForFibre
from environments.sandbox.focus_server.routes import Handler, Routes

SLOW_ALONE_S, SLOW_AMONG_MANY_S, MANY_CLIENTS = 0.15, 1.5, 20
TOLD_LATE_S = 1.2
BURST, BURST_WITHIN_S = 40, 3.0
OPENINGS, SLOW_AMONG_OPENINGS_S = 20, 3.0
MOST_PIECES = 3
NOTICED_S = 0.05
"""The time after the opening in which a disconnected client is noticed."""


def _asks(request: web.Request, endpoint: str) -> bool:
    return request.path.endswith(f"/{endpoint}")


def _stopped_by(*errors: type[Exception]) -> Any:
    """After one of these errors, fail the next health check, and only that one."""

    async def handle(
        stopped: list[bool], proceed: Proceed, routes: Routes, request: web.Request, handler: Handler
    ) -> Any:
        if stopped and _asks(request, "ack"):
            stopped.clear()
            return _unavailable()
        try:
            return await proceed(routes, request, handler)
        except errors:
            stopped.append(True)
            raise

    return handle


fault("huge-body-stops-the-server", at="request.handle", memory=list)(_stopped_by(web.HTTPRequestEntityTooLarge))
fault("disconnect-stops-the-server", at="request.handle", memory=list)(
    _stopped_by(ConnectionError, web.RequestPayloadError)
)


@fault("slow-client-holds-everybody-up", at="request.handle", memory=list)
async def _(
    incomplete: list[web.Request], proceed: Proceed, routes: Routes, request: web.Request, handler: Handler
) -> Any:
    while incomplete and _asks(request, "ack"):
        await asyncio.sleep(0.01)
    incomplete.append(request)
    try:
        await request.read()
    finally:
        incomplete.remove(request)
    return await proceed(routes, request, handler)


@fault("slow-client-is-cut-off", at="request.body")
async def _(proceed: Proceed, routes: Routes, request: web.Request) -> bytes:
    """Read the body only if it arrives in few pieces."""
    pieces = []
    async for piece in request.content.iter_any():
        pieces.append(piece)
        if len(pieces) > MOST_PIECES:
            raise web.HTTPRequestTimeout
    return b"".join(pieces)


@fault("health-check-talks", at="request.handle")
async def _(proceed: Proceed, routes: Routes, request: web.Request, handler: Handler) -> Any:
    answer = await proceed(routes, request, handler)
    if _asks(request, "ack"):
        answer.body = b'{"status":"warming up"}'
    return answer


@fault("health-check-fails-under-load", at="request.handle", memory=lambda: deque(maxlen=BURST))
async def _(asked_s: deque[float], proceed: Proceed, routes: Routes, request: web.Request, handler: Handler) -> Any:
    """Fail health checks once a whole burst of them has arrived, the last one of the burst included."""
    if _asks(request, "ack"):
        asked_s.append(time.monotonic())
        if len(asked_s) == BURST and asked_s[-1] - asked_s[0] < BURST_WITHIN_S:
            return _unavailable()
    return await proceed(routes, request, handler)


@fault("health-check-slow-under-load", at="request.handle", memory=lambda: deque(maxlen=BURST))
async def _(askers: deque[object], proceed: Proceed, routes: Routes, request: web.Request, handler: Handler) -> Any:
    if _asks(request, "ack"):
        askers.append(request.transport)
        await asyncio.sleep(SLOW_AMONG_MANY_S if len(set(askers)) >= MANY_CLIENTS else 0.0)
    return await proceed(routes, request, handler)


@fault("health-check-slow-among-openings", at="request.handle")
async def _(proceed: Proceed, routes: Routes, request: web.Request, handler: Handler) -> Any:
    is_full = len(routes.service.opener.slots.unusable()) >= OPENINGS
    await asyncio.sleep(SLOW_AMONG_OPENINGS_S if is_full and _asks(request, "ack") else 0.0)
    return await proceed(routes, request, handler)


def _late(endpoint: str, late_s: float) -> Any:
    async def handle(proceed: Proceed, routes: Routes, request: web.Request, handler: Handler) -> Any:
        await asyncio.sleep(late_s if _asks(request, endpoint) else 0.0)
        return await proceed(routes, request, handler)

    return handle


fault("health-check-slow", at="request.handle")(_late("ack", SLOW_ALONE_S))
fault("channels-slow", at="request.handle")(_late("channels", TOLD_LATE_S))
fault("live-metadata-slow", at="request.handle")(_late("live_metadata", TOLD_LATE_S))


@fault("fibre-refusal-mute", at="request.handle")
async def _(proceed: Proceed, routes: Routes, request: web.Request, handler: Handler) -> Any:
    try:
        return await proceed(routes, request, handler)
    except WaitingForFibre as refused:
        return web.Response(status=refused.status)


@fault("opening-of-a-client-that-left-stays", at="request.handle")
async def _(proceed: Proceed, routes: Routes, request: web.Request, handler: Handler) -> Any:
    """Delete the clean-up job of a client that did not wait for its answer."""
    answer = await proceed(routes, request, handler)
    if _asks(request, "configure"):
        await asyncio.sleep(NOTICED_S)
        if request.transport is None or request.transport.is_closing():
            job_id = json.loads(answer.body)["job_id"]
            await routes.service.opener.kubernetes.delete("Job", f"cleanup-job-{job_id}")
    return answer


def _unavailable() -> web.Response:
    return web.json_response({"error": "Service unavailable"}, status=503)
