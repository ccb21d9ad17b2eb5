"""What a server opens, says and does that does not know what was asked for."""

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
    """A refusal that leaves the client in the dark."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def parsing_failed() -> Unclear:
    """What the real server says whenever it fails on a request."""
    return Unclear(500, "Error parsing configuration")


def error_17() -> Unclear:
    return Unclear(404, "error 17")


def nothing_recorded(window: Window) -> NoRecording:
    return NoRecording(window.start_s, window.end_s)


async def left_out(proceed: Proceed, *args: Any) -> None:
    """In place of a step that is not done at all."""


def delayed(seconds: float) -> Any:
    """In place of a step that is done later; ``seconds`` are those of the sandbox."""

    async def step(proceed: Proceed, *args: Any) -> Any:
        await asyncio.sleep(seconds)
        return await proceed(*args)

    return step


def instead_of(expected: type[Refused], other: Callable[[], Refused]) -> Any:
    """In place of a step that refuses for another reason than it has."""

    async def step(proceed: Proceed, *args: Any) -> Any:
        try:
            return await proceed(*args)
        except expected:
            raise other() from None

    return step


def also(expected: type[Refused], does: Callable[[Any], Awaitable[object]]) -> Any:
    """In place of a step whose refusal for this reason has a consequence: it is given what the step belongs to."""

    async def step(proceed: Proceed, owner: Any, *args: Any) -> Any:
        try:
            return await proceed(owner, *args)
        except expected:
            await does(owner)
            raise

    return step


def refusing(refusal: Callable[..., Refused]) -> Any:
    """In place of a step that refuses whatever it is given; the refusal is made of its last argument."""

    async def step(proceed: Proceed, owner: Any, *args: Any) -> Any:
        raise refusal(*args)

    return step
