"""Data that is looked for wrongly, and refusals that start something."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from typing import Any

from environments.sandbox.focus_server.answers import LIVE_METADATA_TREE
from environments.sandbox.focus_server.faults.accepting import Active
from environments.sandbox.focus_server.faults.configuring import accepts, fails_on, refuse_wrongly
from environments.sandbox.focus_server.faults.describing import described, told
from environments.sandbox.focus_server.faults.lasting import LastingService
from environments.sandbox.focus_server.faults.plain import PLAIN_REQUEST
from environments.sandbox.focus_server.recordings import Recording
from environments.sandbox.focus_server.refusals import (
    CannotOpen,
    MongoDbAway,
    NoRecording,
    Refused,
    RuleViolation,
    SchemaError,
    UnknownJob,
    WaitingForFibre,
)
from environments.sandbox.focus_server.rules import Rules
from environments.sandbox.focus_server.schema import ConfigureRequest, View, Window, parse_configure, parse_window

HOUR_S, MINUTE_S = 3600, 60
METADATA_LATE_S = 6.0
PARSING_FAILED = "Error parsing configuration"
LOOKED_UP_EARLIER_S = {
    "window-shifted-2h": 2 * HOUR_S,
    "window-shifted-3h": 3 * HOUR_S,
    "window-shifted-back-2h": -2 * HOUR_S,
    "window-shifted-back-3h": -3 * HOUR_S,
}
TIME_FIELDS = ("start_time", "end_time")


class Unclear(Refused):
    """A refusal that leaves the client in the dark."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class FaultyService(LastingService):
    """Finds the wrong recordings, opens what it refuses, lists what was not asked for."""

    def __init__(self, *parts: Any, active: Active) -> None:
        super().__init__(*parts, active=active)
        self._asked = 0
        self._opened_at_s: dict[str, float] = {}
        self._index_to_reach = active("index-not-reached-after-start")
        self._first_opening = active("first-opening-after-start-fails")
        self._has_sent_away = False

    def metadata(self, job_id: str) -> Mapping[str, Any]:
        try:
            answer = dict(super().metadata(job_id))
        except UnknownJob:
            if self._active("unknown-job-id-answered-500"):
                raise Unclear(500, "Internal Server Error") from None
            if self._active("unknown-job-id-unclear"):
                raise Unclear(404, "error 17") from None
            raise
        if self._active("metadata-late") and time.monotonic() - self._opened_at_s.get(job_id, 0.0) < METADATA_LATE_S:
            raise UnknownJob(job_id)
        if self._active("metadata-incomplete"):
            del answer["frequencies_list"]
        if self._active("metadata-of-another-job"):
            slot, _, serial = job_id.partition("-")
            answer.update(job_id=f"{slot}-{int(serial) - 1}", stream_port=answer["stream_port"] + 1)
        return answer

    def start_a_job_for_nothing(self) -> Any:
        return self.opener.start(PLAIN_REQUEST)

    async def configure(self, body: bytes) -> Mapping[str, Any]:
        if self._first_opening and self._active("first-opening-after-start-fails"):
            self._first_opening = False
            raise CannotOpen("the server has only just been started")
        try:
            answer = await super().configure(body)
            if self._active("metadata-late"):
                self._opened_at_s[answer["job_id"]] = time.monotonic()
            return answer
        except (RuleViolation, SchemaError) as refused:
            about_times = any(field in str(refused) for field in TIME_FIELDS)
            if self._active("refusals-start-a-job" if about_times else "wrong-configurations-start-a-job"):
                await self.start_a_job_for_nothing()
            raise

    def read_configure(self, body: bytes) -> ConfigureRequest:
        if self._active("waterfall-answered-500") and _is_plain_waterfall(body):
            raise Unclear(500, PARSING_FAILED)
        try:
            request = super().read_configure(body)
        except (RuleViolation, SchemaError) as refused:
            if accepts(refused, self._active):
                return PLAIN_REQUEST
            if fails_on(refused, self._active):
                raise Unclear(500, PARSING_FAILED) from None
            raise
        refuse_wrongly(request, self._active)
        return request

    def live_metadata(self) -> Mapping[str, Any]:
        metadata = dict(super().live_metadata())
        if self._active("live-metadata-without-distance"):
            del metadata["dx"]
        if self._active("fibre-has-other-channels"):
            metadata["number_of_channels"] -= 1
        if self._active("live-metadata-changes"):
            self._asked += 1
            metadata["fiber_start_meters"] = self._asked
        return described(metadata, self._active)

    async def source_metadata(self, request: ConfigureRequest) -> Mapping[str, Any]:
        if request.window is None:
            self._index_to_reach = False
        if request.window is None and not self.fibre_connected and self._active("fibre-refusal-starts-a-job"):
            await self.start_a_job_for_nothing()
        if request.window and not self.fibre_connected and self._active("historic-refused-without-fibre"):
            raise WaitingForFibre
        if request.window is not None and _is_bad(request.window):
            return LIVE_METADATA_TREE  # a fault has let it through, and nothing can be looked up in it
        try:
            return await super().source_metadata(request)
        except NoRecording:
            if self._active("missing-recording-accepted"):
                return LIVE_METADATA_TREE
            if self._active("missing-recording-starts-a-job"):
                await self.start_a_job_for_nothing()
            if self._active("missing-recording-unclear"):
                raise Unclear(404, "error 17") from None
            raise

    def check_fibre(self) -> None:
        self._has_sent_away = self._active("connecting-not-noticed") and (
            self._has_sent_away or not self.fibre_connected
        )
        if self._has_sent_away or self._active("connected-fibre-not-noticed"):
            raise WaitingForFibre
        if self.fibre_connected or self._active("live-without-fibre-accepted"):
            return
        if self._active("answers-500-while-waiting-for-fibre"):
            raise Unclear(500, PARSING_FAILED)
        if self._active("fibre-refusal-unclear"):
            raise Unclear(503, "Service unavailable")
        super().check_fibre()

    async def find_recording(self, window: Window) -> Recording:
        if self._index_to_reach and self._active("index-not-reached-after-start"):
            self._index_to_reach = False
            raise MongoDbAway
        if self._active("recorded-window-not-found"):
            raise NoRecording(window.start_s, window.end_s)
        earlier_s = sum(shift_s for fault, shift_s in LOOKED_UP_EARLIER_S.items() if self._active(fault))
        wider_s = MINUTE_S if self._active("lookup-widened-by-a-minute") else 0
        looked_up = Window(max(0, window.start_s - earlier_s - wider_s), max(1, window.end_s - earlier_s + wider_s))
        try:
            return told(await super().find_recording(looked_up), self._active)
        except NoRecording:
            raise NoRecording(window.start_s, window.end_s) from None

    async def recordings_in_time_range(self, body: bytes) -> Sequence[Sequence[int]]:
        try:
            if self._active("recordings-answered-500") and parse_window(body):
                raise Unclear(500, "Internal Server Error")
            listed = await super().recordings_in_time_range(body)
        except RuleViolation:
            if self._active("recordings-bad-window-accepted"):
                return []
            raise
        except SchemaError:
            if self._active("recordings-half-window-accepted"):
                return []
            raise
        window = parse_window(body)
        if self._active("recordings-only-fully-inside"):
            listed = [each for each in listed if each[0] >= window.start_s and -1 != each[1] <= window.end_s]
        if self._active("recordings-unsorted"):
            listed = surely_unsorted(listed)
        if not listed and self._active("recordings-404-when-none"):
            raise NoRecording(window.start_s, window.end_s)
        return listed


def surely_unsorted(listed: Sequence[Sequence[int]]) -> list[Sequence[int]]:
    """Shuffled the same way each time, with the last one first."""
    shuffled = list(listed[:-1])
    random.Random(7).shuffle(shuffled)
    return [*listed[-1:], *shuffled]


def _is_plain_waterfall(body: bytes) -> bool:
    """A waterfall without the fields that it must not have."""
    try:
        request = parse_configure(body)
    except SchemaError:
        return False
    return request.view is View.WATERFALL and (request.time_axis_s is None or request.frequency_hz is None)


def _is_bad(window: Window) -> bool:
    try:
        Rules().check_window(window)
    except RuleViolation:
        return True
    return False
