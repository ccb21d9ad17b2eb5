"""Faults: requests that are accepted, refused or failed incorrectly.

An incorrectly accepted request is opened as requested, or as an ordinary investigation if no answer can be computed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from environments.sandbox.focus_server.answers import LIVE_METADATA_TREE
from environments.sandbox.focus_server.faults.plain import PLAIN_REQUEST, parsing_failed
from environments.sandbox.focus_server.hooks import Proceed, fault
from environments.sandbox.focus_server.refusals import RuleViolation, SchemaError
from environments.sandbox.focus_server.rules import HIGHEST_FREQUENCY_HZ, MOST_CHANNELS
from environments.sandbox.focus_server.schema import LATEST_S, ConfigureRequest, View, parse_configure
from environments.sandbox.focus_server.service import FocusService

Refusal = RuleViolation | SchemaError
REASONABLE = 2**17


def _rule(field: str, problem: str = "", got: str = "") -> Callable[[Refusal], bool]:
    """A test for refusals of this field whose problem starts so; ``got`` is a pattern of the value they name."""
    return lambda refused: (
        isinstance(refused, RuleViolation)
        and re.fullmatch(field, refused.field) is not None
        and refused.problem.startswith(problem)
        and re.search(rf": got {got}", str(refused)) is not None
    )


def _schema(*kinds: str) -> Callable[[Refusal], bool]:
    return lambda refused: isinstance(refused, SchemaError) and any(one["type"] in kinds for one in refused.details)


def _without_value(refused: Refusal) -> bool:
    return ": got null" in str(refused)


def _missing_field(refused: Refusal) -> bool:
    return _without_value(refused) or (_schema("missing")(refused) and not _empty_body(refused))


def _empty_body(refused: Refusal) -> bool:
    return str(refused).startswith("request body is required")


def _wrong_type(refused: Refusal) -> bool:
    return _schema("int_type", "model_type", "enum")(refused) and not _without_value(refused)


_TIME = "start_time|end_time"
ACCEPTED: Mapping[str, Callable[[Refusal], bool]] = {
    "channels-below-one-accepted": _rule("channels.min", "must be at least"),
    "reversed-channels-accepted": _rule("channels.max", "must not be below"),
    "too-many-channels-accepted": _rule("channels", "must be at most"),
    "channels-beyond-the-fibre-accepted": _rule("channels.max", "must be at most"),
    "negative-frequency-accepted": _rule("frequencyRange.min", "must not be negative"),
    "frequency-above-half-of-the-pulse-rate-accepted": _rule("frequencyRange.max", "must not exceed"),
    "reversed-frequencies-accepted": _rule("frequencyRange.max", "must be above"),
    "equal-frequencies-accepted": _rule("frequencyRange.max", "must be above", r"min=(-?\d+), max=\1,"),
    "any-nfft-accepted": _rule("nfftSelection", got="(?!null)"),
    "positive-nfft-accepted": _rule("nfftSelection", got="[1-9]"),
    "unknown-view-accepted": _schema("enum"),
    "single-channel-accepts-several": _rule("channels.max", "must equal"),
    "waterfall-with-time-axis-accepted": _rule("displayTimeAxisDuration", "must be left out"),
    "waterfall-with-frequencies-accepted": _rule("frequencyRange", "must be left out"),
    "canvas-without-height-accepted": _rule("displayInfo.height", "must be positive"),
    "negative-canvas-height-accepted": _rule("displayInfo.height", got="-"),
    "time-axis-without-length-accepted": _rule("displayTimeAxisDuration", "must be positive"),
    "missing-fields-accepted": _missing_field,
    "wrong-types-accepted": _wrong_type,
    "empty-body-accepted": _empty_body,
    "broken-body-accepted": _schema("json_invalid"),
    "one-sided-window-accepted": _rule("start_time and end_time"),
    "negative-time-accepted": _rule(_TIME, "must not be negative"),
    "equal-times-accepted": _rule("end_time", "must be after", r"start_time=(-?\d+), end_time=\1,"),
    "reversed-window-accepted": _rule("end_time", "must be after", r"start_time=(-?\d+), end_time=(?!\1,)"),
    "future-window-accepted": _rule(_TIME, "must not lie in the future"),
}
"""Fault -> the refusals that it suppresses."""

ANSWERED_500: Mapping[str, Callable[[Refusal], bool]] = {
    "no-frequency-range-answered-500": _rule("frequencyRange", "is required"),
    "no-time-axis-or-nfft-answered-500": _rule("displayTimeAxisDuration|nfftSelection", got="null"),
    "frequency-above-half-of-the-pulse-rate-answered-500": _rule("frequencyRange.max", "must not exceed"),
    "canvas-without-height-answered-500": _rule("displayInfo.height", got="0,"),
    "one-sided-window-answered-500": _rule("start_time and end_time"),
    "long-value-answered-500": lambda refused: isinstance(refused, SchemaError) and "...," in str(refused),
}
"""Fault -> the refusals that it turns into a failure of the server."""


def _channels(request: ConfigureRequest) -> int:
    return request.channel_max - request.channel_min + 1


def _band(request: ConfigureRequest) -> tuple[int, int]:
    return request.frequency_hz or (0, 0)


REFUSED: Mapping[str, tuple[str, Callable[[ConfigureRequest], bool]]] = {
    "one-channel-refused": ("channels", lambda request: request.channel_max == 1),
    "neighbouring-channels-refused": ("channels", lambda request: _channels(request) == 2),
    "most-channels-refused": ("channels", lambda request: _channels(request) == MOST_CHANNELS),
    "highest-frequency-refused": ("frequencyRange.max", lambda request: _band(request)[1] == HIGHEST_FREQUENCY_HZ),
    "narrow-frequency-range-refused": ("frequencyRange", lambda request: _band(request)[1] - _band(request)[0] == 1),
    "unusual-nfft-refused": ("nfftSelection", lambda request: request.nfft not in (1, 1024)),
    "usual-nfft-refused": ("nfftSelection", lambda request: request.nfft == 1024),
    "single-channel-view-refused": ("view_type", lambda request: request.view is View.SINGLE_CHANNEL),
    "waterfall-view-refused": ("view_type", lambda request: request.view is View.WATERFALL),
    "heat-map-view-refused": ("view_type", lambda request: request.view is View.HEAT_MAP),
    "lowest-canvas-refused": ("displayInfo.height", lambda request: request.height_px == 1),
    "shortest-time-axis-refused": ("displayTimeAxisDuration", lambda request: request.time_axis_s == 1),
}
"""Fault -> the field that it names, and the valid requests that it refuses."""


def _accepting(swallows: Callable[[Refusal], bool]) -> Any:
    async def refuse(proceed: Proceed, service: FocusService, body: bytes, refused: Refusal) -> Any:
        if not swallows(refused):
            return await proceed(service, body, refused)
        request = as_asked(body)
        # A window that should have been refused cannot be looked up.
        metadata = LIVE_METADATA_TREE if request.window else await service.source_metadata(request)
        return await service.opener.open(request, metadata)

    return refuse


def _failing_on(stumbles: Callable[[Refusal], bool]) -> Any:
    async def refuse(proceed: Proceed, service: FocusService, body: bytes, refused: Refusal) -> Any:
        if stumbles(refused):
            raise parsing_failed()
        return await proceed(service, body, refused)

    return refuse


def _refusing(field: str, dislikes: Callable[[ConfigureRequest], bool]) -> Any:
    def read(proceed: Proceed, service: FocusService, body: bytes) -> Any:
        request = proceed(service, body)
        if dislikes(request):
            raise RuleViolation(field, "is not supported", "this value", "another")
        return request

    return read


for _fault_id, _swallows in ACCEPTED.items():
    fault(_fault_id, at="configure.refuse")(_accepting(_swallows))
for _fault_id, _stumbles in ANSWERED_500.items():
    fault(_fault_id, at="configure.refuse")(_failing_on(_stumbles))
for _fault_id, (_field, _dislikes) in REFUSED.items():
    fault(_fault_id, at="configure.read")(_refusing(_field, _dislikes))


@fault("nan-accepted", at="configure.read")
def _(proceed: Proceed, service: FocusService, body: bytes) -> Any:
    """Accept NaN, like a server whose parser takes NaN for a number and whose comparisons with it are all false."""
    return proceed(service, body.replace(b"NaN", b"10"))


@fault("endless-number-answered-500", at="configure.read")
def _(proceed: Proceed, service: FocusService, body: bytes) -> Any:
    """Fail like a server whose parser reads a too large number as infinity, and then converts it to an integer."""
    if b"1e999" in body:
        raise parsing_failed()
    return proceed(service, body)


@fault("waterfall-answered-500", at="configure.read")
def _(proceed: Proceed, service: FocusService, body: bytes) -> Any:
    """Fail on a waterfall without the fields that it must not have."""
    try:
        request = parse_configure(body)
    except SchemaError:
        return proceed(service, body)
    if request.view is View.WATERFALL and (request.time_axis_s is None or request.frequency_hz is None):
        raise parsing_failed()
    return proceed(service, body)


def _starting_a_job(about_times: bool) -> Any:
    async def refuse(proceed: Proceed, service: FocusService, body: bytes, refused: Refusal) -> Any:
        if about_times == (re.search(_TIME, str(refused)) is not None):
            await service.opener.start(PLAIN_REQUEST)
        return await proceed(service, body, refused)

    return refuse


fault("refusals-start-a-job", at="configure.refuse")(_starting_a_job(about_times=True))
fault("wrong-configurations-start-a-job", at="configure.refuse")(_starting_a_job(about_times=False))


def as_asked(body: bytes) -> ConfigureRequest:
    """Parse the request without any rule. Returns the plain one if it cannot be read or no answer can be computed."""
    try:
        asked = parse_configure(body)
    except SchemaError:
        return PLAIN_REQUEST
    sizes = (asked.channel_min, asked.channel_max, asked.nfft or 1, asked.time_axis_s or 1, *_band(asked))
    times_s = (asked.window.start_s, asked.window.end_s) if asked.window else ()
    is_computable = (
        asked.height_px > 0
        and asked.channel_min <= asked.channel_max
        and (asked.nfft is None or asked.nfft > 0)
        and all(abs(size) < REASONABLE for size in sizes)
        and all(abs(time_s) <= LATEST_S for time_s in times_s)
    )
    return asked if is_computable else PLAIN_REQUEST
