"""Configurations that are accepted, refused or answered for wrongly.

What is accepted wrongly is opened as an ordinary investigation: a server that guesses what the client could have meant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from environments.sandbox.focus_server.faults.accepting import Active
from environments.sandbox.focus_server.refusals import RuleViolation, SchemaError
from environments.sandbox.focus_server.rules import HIGHEST_FREQUENCY_HZ, MOST_CHANNELS
from environments.sandbox.focus_server.schema import ConfigureRequest, View

Refusal = RuleViolation | SchemaError


def _rule(field: str, problem: str) -> Callable[[Refusal], bool]:
    return lambda refused: (
        isinstance(refused, RuleViolation) and refused.field == field and refused.problem.startswith(problem)
    )


def _schema(*kinds: str) -> Callable[[Refusal], bool]:
    return lambda refused: isinstance(refused, SchemaError) and any(one["type"] in kinds for one in refused.details)


def _without_value(refused: Refusal) -> bool:
    return ": got null" in str(refused)


def _missing_field(refused: Refusal) -> bool:
    return _without_value(refused) or (_schema("missing")(refused) and not _empty_body(refused))


def _empty_body(refused: Refusal) -> bool:
    return str(refused).startswith("request body is required")


def _wrong_nfft(refused: Refusal) -> bool:
    return _rule("nfftSelection", "")(refused) and not _without_value(refused)


def _positive_nfft(refused: Refusal) -> bool:
    return _wrong_nfft(refused) and _got(refused, r"[1-9]")


def _got(refused: Refusal, pattern: str) -> bool:
    """Whether the value named in the refusal begins so."""
    return re.search(rf": got {pattern}", str(refused)) is not None


def _equal_frequencies(refused: Refusal) -> bool:
    return _rule("frequencyRange.max", "must be above")(refused) and _got(refused, r"min=(-?\d+), max=\1,")


def _negative_height(refused: Refusal) -> bool:
    return _rule("displayInfo.height", "")(refused) and _got(refused, "-")


def _no_height(refused: Refusal) -> bool:
    return _rule("displayInfo.height", "")(refused) and _got(refused, "0,")


def _no_time_axis_or_nfft(refused: Refusal) -> bool:
    about = isinstance(refused, RuleViolation) and refused.field in ("displayTimeAxisDuration", "nfftSelection")
    return about and _without_value(refused)


def _wrong_type(refused: Refusal) -> bool:
    return _schema("int_type", "model_type", "enum")(refused) and not _without_value(refused)


ACCEPTED: Mapping[str, Callable[[Refusal], bool]] = {
    "channels-below-one-accepted": _rule("channels.min", "must be at least"),
    "reversed-channels-accepted": _rule("channels.max", "must not be below"),
    "too-many-channels-accepted": _rule("channels", "must be at most"),
    "negative-frequency-accepted": _rule("frequencyRange.min", "must not be negative"),
    "frequency-above-half-of-the-pulse-rate-accepted": _rule("frequencyRange.max", "must not exceed"),
    "reversed-frequencies-accepted": _rule("frequencyRange.max", "must be above"),
    "equal-frequencies-accepted": _equal_frequencies,
    "any-nfft-accepted": _wrong_nfft,
    "positive-nfft-accepted": _positive_nfft,
    "unknown-view-accepted": _schema("enum"),
    "single-channel-accepts-several": _rule("channels.max", "must equal"),
    "waterfall-with-time-axis-accepted": _rule("displayTimeAxisDuration", "must be left out"),
    "waterfall-with-frequencies-accepted": _rule("frequencyRange", "must be left out"),
    "canvas-without-height-accepted": _rule("displayInfo.height", "must be positive"),
    "negative-canvas-height-accepted": _negative_height,
    "missing-fields-accepted": _missing_field,
    "wrong-types-accepted": _wrong_type,
    "empty-body-accepted": _empty_body,
    "broken-body-accepted": _schema("json_invalid"),
}
"""Fault -> the refusals that it swallows."""

ANSWERED_500: Mapping[str, Callable[[Refusal], bool]] = {
    "no-frequency-range-answered-500": _rule("frequencyRange", "is required"),
    "no-time-axis-or-nfft-answered-500": _no_time_axis_or_nfft,
    "frequency-above-half-of-the-pulse-rate-answered-500": _rule("frequencyRange.max", "must not exceed"),
    "canvas-without-height-answered-500": _no_height,
    "one-sided-window-answered-500": _rule("start_time and end_time", "must be given both"),
}
"""Fault -> the refusals that it takes for a failure of the server."""


def _channels(request: ConfigureRequest) -> int:
    return request.channel_max - request.channel_min + 1


def _band(request: ConfigureRequest) -> tuple[int, int]:
    return request.frequency_hz or (0, 0)


REFUSED: Mapping[str, tuple[str, Callable[[ConfigureRequest], bool]]] = {
    "one-channel-refused": ("channels", lambda request: request.channel_max == 1),
    "neighbouring-channels-refused": ("channels", lambda request: request.channel_max - request.channel_min == 1),
    "most-channels-refused": ("channels", lambda request: _channels(request) == MOST_CHANNELS),
    "highest-frequency-refused": ("frequencyRange.max", lambda request: _band(request)[1] == HIGHEST_FREQUENCY_HZ),
    "narrow-frequency-range-refused": ("frequencyRange", lambda request: _band(request)[1] - _band(request)[0] == 1),
    "unusual-nfft-refused": ("nfftSelection", lambda request: request.nfft not in (1, 1024)),
    "usual-nfft-refused": ("nfftSelection", lambda request: request.nfft == 1024),
    "single-channel-view-refused": ("view_type", lambda request: request.view is View.SINGLE_CHANNEL),
    "waterfall-view-refused": ("view_type", lambda request: request.view is View.WATERFALL),
    "lowest-canvas-refused": ("displayInfo.height", lambda request: request.height_px == 1),
}
"""Fault -> the field that it blames, and the good requests that it refuses."""

Answer = dict[str, Any]


def _other_view(answer: Answer) -> Answer:
    return {"view_type": (answer["view_type"] + 1) % 3}


def _more_streams(answer: Answer) -> Answer:
    return {"stream_amount": answer["stream_amount"] + 1}


def _more_frequencies(answer: Answer) -> Answer:
    return {"frequencies_amount": answer["frequencies_amount"] + 1}


def _backward_frequencies(answer: Answer) -> Answer:
    return {"frequencies_list": answer["frequencies_list"][::-1]}


def _frequencies_outside(answer: Answer) -> Answer:
    return {"frequencies_list": [hertz + HIGHEST_FREQUENCY_HZ for hertz in answer["frequencies_list"]]}


def _last_channel_unmapped(answer: Answer) -> Answer:
    index = answer["channel_to_stream_index"]
    return {"channel_to_stream_index": dict(list(index.items())[:-1])}


def _other_channel_amount(answer: Answer) -> Answer:
    return {"channel_amount": answer["channel_amount"] + 1}


def _slow_lines(answer: Answer) -> Answer:
    return {"lines_dt": answer["lines_dt"] * 2}


DISTORTED: Mapping[str, Callable[[Answer], Answer]] = {
    "answered-view-differs": _other_view,
    "stream-amount-differs": _more_streams,
    "frequency-amount-differs": _more_frequencies,
    "frequencies-backwards": _backward_frequencies,
    "frequencies-outside-of-the-range": _frequencies_outside,
    "channel-without-stream": _last_channel_unmapped,
    "channel-amount-differs": _other_channel_amount,
    "line-time-differs": _slow_lines,
}
"""Fault -> the fields of the answer that it replaces."""

CONFIGURATION_FAULTS = frozenset({*ACCEPTED, *ANSWERED_500, *REFUSED, *DISTORTED})


def accepts(refused: Refusal, active: Active) -> bool:
    """Whether a fault that is on lets this request through."""
    return any(swallows(refused) for fault, swallows in ACCEPTED.items() if active(fault))


def fails_on(refused: Refusal, active: Active) -> bool:
    """Whether a fault that is on makes the server fail on this request."""
    return any(stumbles(refused) for fault, stumbles in ANSWERED_500.items() if active(fault))


def refuse_wrongly(request: ConfigureRequest, active: Active) -> None:
    """Raise :class:`RuleViolation` for a good request when a fault that is on does not like it."""
    for fault, (field, dislikes) in REFUSED.items():
        if active(fault) and dislikes(request):
            raise RuleViolation(field, "is not supported", "this value", "another")


def distorted(answer: Mapping[str, Any], active: Active) -> Answer:
    """The answer as the faults that are on would have it."""
    changed = dict(answer)
    for fault, distort in DISTORTED.items():
        if active(fault):
            changed.update(distort(changed))
    return changed
