"""Faults: a server that does not tolerate an outage of MongoDB or RabbitMQ."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from aiohttp import web

from environments.sandbox.focus_server.faults.plain import (
    PLAIN_REQUEST,
    Unclear,
    also,
    instead_of,
    nothing_recorded,
    parsing_failed,
    refusing,
)
from environments.sandbox.focus_server.hooks import MARKS, Proceed, fault
from environments.sandbox.focus_server.queues import JobQueues
from environments.sandbox.focus_server.refusals import MongoDbAway, WaitingForFibre
from environments.sandbox.focus_server.routes import Handler, Routes
from environments.sandbox.focus_server.schema import Window
from environments.sandbox.focus_server.service import FocusService

TOO_LATE_S = 15.0
"""The time measured in October 2025 (docs/facts/mongodb.md 3)."""
HANGS_S = 6.0
GAVE_UP = 1
"""The exit code of a server that does not start without its dependencies."""
LEFT_EACH = 10
RABBITMQ_POD = "rabbitmq-panda-0"

log = logging.getLogger("pz.focus_server")

fault("outage-answered-500", at="recording.find")(instead_of(MongoDbAway, parsing_failed))
fault("outage-not-named", at="recording.find")(instead_of(MongoDbAway, lambda: Unclear(503, "Service unavailable")))


fault("outage-answered-late", at="recording.find")(also(MongoDbAway, lambda service: asyncio.sleep(TOO_LATE_S)))
fault("outage-starts-a-job", at="recording.find")(
    also(MongoDbAway, lambda service: service.opener.start(PLAIN_REQUEST))
)


@fault("recovers-only-after-a-restart", at="recording.find", memory=lambda: SimpleNamespace(was_away=False))
async def _(memory: SimpleNamespace, proceed: Proceed, service: FocusService, window: Window) -> Any:
    if memory.was_away:
        raise MongoDbAway
    try:
        return await proceed(service, window)
    except MongoDbAway:
        memory.was_away = True
        raise


@fault("never-recovers", at="recording.find")
async def _(proceed: Proceed, service: FocusService, window: Window) -> Any:
    """Record in a file that MongoDB was away, so that a restart does not help."""
    mark = service.opener.answers.folder.with_name(MARKS) / "never-recovers"
    if mark.exists():
        raise MongoDbAway
    try:
        return await proceed(service, window)
    except MongoDbAway:
        mark.touch()
        raise


@fault("outage-takes-a-service", at="recording.find", memory=lambda: SimpleNamespace(is_whole=True))
async def _(memory: SimpleNamespace, proceed: Proceed, service: FocusService, window: Window) -> Any:
    """Delete the service of the last opened investigation when MongoDB becomes unavailable; its job stays."""
    try:
        found = await proceed(service, window)
    except MongoDbAway:
        if memory.is_whole and (job_ids := service.opener.view.job_ids()):
            memory.is_whole = False
            await service.opener.kubernetes.delete("Service", f"grpc-service-{job_ids[-1]}")
        raise
    memory.is_whole = True
    return found


@fault("restarts-to-recover", at="recording.find", memory=lambda: SimpleNamespace(was_away=False))
async def _(memory: SimpleNamespace, proceed: Proceed, service: FocusService, window: Window) -> Any:
    """End the server as soon as MongoDB answers again; the cluster restarts it."""
    try:
        recording = await proceed(service, window)
    except MongoDbAway:
        memory.was_away = True
        raise
    if memory.was_away:
        os._exit(GAVE_UP)
    return recording


@fault("outage-fails-live", at="fibre.check")
async def _(proceed: Proceed, service: FocusService) -> Any:
    try:
        await service.index.ping()
    except MongoDbAway:
        raise parsing_failed() from None
    return await proceed(service)


@fault("broker-outage-fails-live", at="fibre.check")
async def _(proceed: Proceed, service: FocusService) -> Any:
    if not await service.opener.kubernetes.has_pod(RABBITMQ_POD):
        raise parsing_failed()
    return await proceed(service)


@fault("outage-hangs-live", at="fibre.check")
async def _(proceed: Proceed, service: FocusService) -> Any:
    try:
        await service.index.ping()
    except MongoDbAway:
        await asyncio.sleep(HANGS_S)
    return await proceed(service)


@fault("outage-stops-health-checks", at="request.handle")
async def _(proceed: Proceed, routes: Routes, request: web.Request, handler: Handler) -> Any:
    if request.path.endswith("/ack"):
        try:
            await routes.service.index.ping()
        except MongoDbAway:
            return web.json_response({"error": "Service unavailable"}, status=503)
    return await proceed(routes, request, handler)


@fault("crash-loop-without-mongodb", at="start.connect")
async def _(proceed: Proceed, service: FocusService) -> Any:
    try:
        await service.index.ping()
    except MongoDbAway as away:
        log.error("cannot start: %s", away)
        os._exit(GAVE_UP)
    return await proceed(service)


@fault("crash-loop-without-rabbitmq", at="start.connect")
async def _(proceed: Proceed, service: FocusService) -> Any:
    if not await service.opener.kubernetes.has_pod(RABBITMQ_POD):
        log.error("cannot start: RabbitMQ is not reachable")
        os._exit(GAVE_UP)
    return await proceed(service)


@fault("restart-ends-open-investigations", at="start.connect")
async def _(proceed: Proceed, service: FocusService) -> Any:
    """Delete the jobs of an earlier process at the start, as if they were leftovers."""
    for job_id in service.opener.view.job_ids():
        await service.opener.kubernetes.delete("Job", f"grpc-job-{job_id}")
    return await proceed(service)


fault("fibre-forgotten-after-restart", at="fibre.check", from_start=True)(refusing(WaitingForFibre))
fault("recordings-forgotten-after-restart", at="recording.find", from_start=True)(refusing(nothing_recorded))


@fault("health-check-forgotten-after-restart", at="request.handle", from_start=True)
async def _(proceed: Proceed, routes: Routes, request: web.Request, handler: Handler) -> Any:
    if request.path.endswith("/ack"):
        return web.json_response({"error": "Service unavailable"}, status=503)
    return await proceed(routes, request, handler)


@fault("queues-left-now-and-then", at="queues.delete", memory=lambda: itertools.count(1))
def _(gone: Iterator[int], proceed: Proceed, queues: JobQueues, names: list[str]) -> list[str]:
    """Keep the queues of one investigation in ten."""
    return [] if next(gone) % LEFT_EACH == 0 else proceed(queues, names)


@fault("queue-left-behind", at="queues.delete")
def _(proceed: Proceed, queues: JobQueues, names: list[str]) -> Any:
    """Keep the data queue: the real clean-up looks for it by an empty name (docs/facts/kubernetes.md 3)."""
    return [name for name in proceed(queues, names) if not name.startswith("grpc-job-")]
