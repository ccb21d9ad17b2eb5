"""Faults: starts that take too long, fail, or do not report what failed."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from environments.sandbox.focus_server.faults.plain import left_out
from environments.sandbox.focus_server.hooks import Proceed, fault
from environments.sandbox.focus_server.refusals import CannotOpen, MongoDbAway
from environments.sandbox.focus_server.service import FocusService
from environments.sandbox.focus_server.starting import Startup

TOO_LONG_S = 300.0
ERRORS = (
    "autocfg: parameter file components/focus_server.yaml failed to load: KeyError: 'livefs_forwarder'",
    "heat map summary is not available: ModuleNotFoundError: No module named 'pz.microservices.sv_modules'",
)


fault("half-open-kept-at-the-start", at="start.tidy")(left_out)


@fault("start-takes-too-long", at="settings.load")
async def _(proceed: Proceed, startup: Startup, data: Mapping[str, str]) -> Any:
    await asyncio.sleep(startup.scaled(TOO_LONG_S))
    return await proceed(startup, data)


@fault("log-full-of-errors-at-start", at="settings.load")
async def _(proceed: Proceed, startup: Startup, data: Mapping[str, str]) -> Any:
    for error in ERRORS:
        startup.log.error("%s", error)
    return await proceed(startup, data)


@fault("broken-configuration-not-said", at="settings.report")
def _(proceed: Proceed, startup: Startup, problem: str) -> None:
    """Log nothing."""


@fault("first-opening-after-start-fails", at="configure", memory=itertools.count, from_start=True)
async def _(asked: Iterator[int], proceed: Proceed, service: FocusService, body: bytes) -> Any:
    if next(asked) == 0:
        raise CannotOpen("the server has only just been started")
    return await proceed(service, body)


@fault("index-not-reached-after-start", at="configure.read", memory=itertools.count, from_start=True)
def _(asked: Iterator[int], proceed: Proceed, service: FocusService, body: bytes) -> Any:
    request = proceed(service, body)
    if next(asked) == 0 and request.window is not None:
        raise MongoDbAway
    return request
