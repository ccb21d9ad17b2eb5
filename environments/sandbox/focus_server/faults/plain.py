"""Building blocks of faults that do not depend on the content of a request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from environments.sandbox.focus_server.hooks import Proceed
from environments.sandbox.focus_server.refusals import NoRecording, Refused
from environments.sandbox.focus_server.schema import ConfigureRequest, View, Window

PLAIN_REQUEST = ConfigureRequest(
    view=View.MULTICHANNEL, height_px=1000, channel_min=1, channel_max=50, time_axis_s=10, nfft=1024,
    frequency_hz=(0, 500), start_s=None, end_s=None,
)  # fmt: skip


class Unclear(Refused):
    """A refusal that does not explain the reason to the client."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def parsing_failed() -> Unclear:
    """The answer of the real server to any failure of a request."""
    return Unclear(500, "Error parsing configuration")


def error_17() -> Unclear:
    return Unclear(404, "error 17")


def nothing_recorded(window: Window) -> NoRecording:
    return NoRecording(window.start_s, window.end_s)


async def left_out(proceed: Proceed, *args: Any) -> None:
    """Replaces a step with nothing."""


def delayed(seconds: float) -> Any:
    """Delays a step; ``seconds`` are seconds of the sandbox."""

    async def step(proceed: Proceed, *args: Any) -> Any:
        await asyncio.sleep(seconds)
        return await proceed(*args)

    return step


def instead_of(expected: type[Refused], other: Callable[[], Refused]) -> Any:
    """Replaces the refusal of a step with another one."""

    async def step(proceed: Proceed, *args: Any) -> Any:
        try:
            return await proceed(*args)
        except expected:
            raise other() from None

    return step


def also(expected: type[Refused], does: Callable[[Any], Awaitable[object]]) -> Any:
    """Adds a consequence to a refusal of a step; ``does`` receives the object that the step belongs to."""

    async def step(proceed: Proceed, owner: Any, *args: Any) -> Any:
        try:
            return await proceed(owner, *args)
        except expected:
            await does(owner)
            raise

    return step


def refusing(refusal: Callable[..., Refused]) -> Any:
    """Replaces a step with one that always refuses; the refusal is made from the last argument."""

    async def step(proceed: Proceed, owner: Any, *args: Any) -> Any:
        raise refusal(*args)

    return step
