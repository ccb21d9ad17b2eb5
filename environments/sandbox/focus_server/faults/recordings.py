"""Faults: recordings that are found, missed, counted or listed incorrectly."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from environments.sandbox.focus_server.answers import LIVE_METADATA_TREE
from environments.sandbox.focus_server.faults.plain import (
    PLAIN_REQUEST,
    Unclear,
    also,
    error_17,
    instead_of,
    nothing_recorded,
    refusing,
)
from environments.sandbox.focus_server.hooks import Proceed, fault
from environments.sandbox.focus_server.recordings import Recording
from environments.sandbox.focus_server.refusals import (
    NoRecording,
    Refused,
    RuleViolation,
    SchemaError,
    WaitingForFibre,
)
from environments.sandbox.focus_server.rules import check_past
from environments.sandbox.focus_server.schema import Window, parse_window
from environments.sandbox.focus_server.service import FocusService

HOUR_S, MINUTE_S = 3600, 60
LOOKED_UP_EARLIER_S = {
    "window-shifted-2h": 2 * HOUR_S,
    "window-shifted-3h": 3 * HOUR_S,
    "window-shifted-back-2h": -2 * HOUR_S,
    "window-shifted-back-3h": -3 * HOUR_S,
}
SECRET_COMMAND = (
    "baby_analyzer --amqp amqp://prisma:" + "not-a-real-password" + "@rabbitmq-panda:5672/ --forward livefs"
)


@fault("deleted-recordings-count", at="recording.count")
def _(proceed: Proceed, recording: Recording, now: datetime) -> Any:
    return proceed(replace(recording, deleted=False), now)


@fault("stale-recordings-count", at="recording.count")
def _(proceed: Proceed, recording: Recording, now: datetime) -> Any:
    return not recording.deleted if recording.end is None else proceed(recording, now)


@fault("recordings-stale-an-hour-early", at="recording.count")
def _(proceed: Proceed, recording: Recording, now: datetime) -> Any:
    return proceed(recording, now + timedelta(hours=1))


@fault("recordings-stale-an-hour-late", at="recording.count")
def _(proceed: Proceed, recording: Recording, now: datetime) -> Any:
    return proceed(recording, now - timedelta(hours=1))


fault("missing-recording-unclear", at="recording.find")(instead_of(NoRecording, error_17))


@fault("missing-recording-accepted", at="recording.find")
async def _(proceed: Proceed, service: FocusService, window: Window) -> Any:
    try:
        return await proceed(service, window)
    except NoRecording:
        return Recording(datetime.now(UTC), None, False, LIVE_METADATA_TREE)


fault("missing-recording-starts-a-job", at="recording.find")(
    also(NoRecording, lambda service: service.opener.start(PLAIN_REQUEST))
)
fault("recorded-window-not-found", at="recording.find")(refusing(nothing_recorded))


@fault("historic-refused-without-fibre", at="recording.find")
async def _(proceed: Proceed, service: FocusService, window: Window) -> Any:
    if not service.fibre_connected:
        raise WaitingForFibre
    return await proceed(service, window)


def _looking_up_another(earlier_s: int = 0, wider_s: int = 0) -> Any:
    async def find(proceed: Proceed, service: FocusService, window: Window) -> Any:
        start_s, end_s = window.start_s - earlier_s - wider_s, window.end_s - earlier_s + wider_s
        try:
            return await proceed(service, Window(max(0, start_s), max(1, end_s)))
        except NoRecording:
            raise NoRecording(window.start_s, window.end_s) from None

    return find


for _fault_id, _shift_s in LOOKED_UP_EARLIER_S.items():
    fault(_fault_id, at="recording.find")(_looking_up_another(earlier_s=_shift_s))
fault("lookup-widened-by-a-minute", at="recording.find")(_looking_up_another(wider_s=MINUTE_S))


@fault("credentials-in-the-answer", at="recording.find")
async def _(proceed: Proceed, service: FocusService, window: Window) -> Any:
    """Put the command of a forwarder with a password in it into the metadata of the recording."""
    recording = await proceed(service, window)
    parent = recording.metadata.get("parent")
    if not isinstance(parent, Mapping):
        return recording
    return replace(recording, metadata={**recording.metadata, "parent": {**parent, "cmd": SECRET_COMMAND}})


@fault("future-list-refused", at="recordings.list")
async def _(proceed: Proceed, service: FocusService, body: bytes) -> Any:
    check_past(parse_window(body))
    return await proceed(service, body)


@fault("first-second-taken-for-none", at="recordings.list")
async def _(proceed: Proceed, service: FocusService, body: bytes) -> Any:
    """Refuse a start of 0, like a server that tests the presence of a time by its truth value."""
    if not parse_window(body).start_s:
        raise RuleViolation("start_time", "is required", 0, "a time")
    return await proceed(service, body)


@fault("historic-investigation-described-by-the-live-fibre", at="recording.find")
async def _(proceed: Proceed, service: FocusService, window: Window) -> Any:
    """Drop the metadata of the recording, like a server that does not use them."""
    return replace(await proceed(service, window), metadata={})


def _listing(change: Callable[[list[list[int]], Window], list[list[int]]]) -> Any:
    """Replace the list of recordings that was found for the window."""

    async def listed(proceed: Proceed, service: FocusService, body: bytes) -> Any:
        return change(await proceed(service, body), parse_window(body))

    return listed


def _ending_at(end_s: Callable[[int], int]) -> Any:
    """List open recordings with another end."""
    return _listing(lambda listed, _: [[start, end_s(end) if end < 0 else end] for start, end in listed])


fault("open-recording-listed-as-ended", at="recordings.list")(_ending_at(lambda _: int(time.time())))
fault("open-recording-listed-with-another-mark", at="recordings.list")(_ending_at(lambda end_s: 2 * end_s))
fault("recordings-unsorted", at="recordings.list")(_listing(lambda listed, _: listed[::-1]))
fault("recordings-only-fully-inside", at="recordings.list")(
    _listing(
        lambda listed, window: [one for one in listed if one[0] >= window.start_s and -1 != one[1] <= window.end_s]
    )
)


@fault("recordings-answered-500", at="recordings.list")
async def _(proceed: Proceed, service: FocusService, body: bytes) -> Any:
    parse_window(body)
    raise Unclear(500, "Internal Server Error")


def _nothing_on(refused: type[Refused]) -> Any:
    async def listed(proceed: Proceed, service: FocusService, body: bytes) -> Any:
        try:
            return await proceed(service, body)
        except refused:
            return []

    return listed


fault("recordings-bad-window-accepted", at="recordings.list")(_nothing_on(RuleViolation))
fault("recordings-half-window-accepted", at="recordings.list")(_nothing_on(SchemaError))


@fault("recordings-404-when-none", at="recordings.list")
async def _(proceed: Proceed, service: FocusService, body: bytes) -> Any:
    listed, window = await proceed(service, body), parse_window(body)
    if not listed:
        raise NoRecording(window.start_s, window.end_s)
    return listed
