"""Requests for an investigation, by the words the features use for what is special about them.

Each is a live request that opens, with one thing changed. Whether the server should open it is up to the feature.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from support.config.limits import Limits
from support.model.fields import FIELDS, Path
from support.model.requests import (
    HEAT_MAP,
    MULTICHANNEL,
    SINGLE_CHANNEL,
    WATERFALL,
    Body,
    Place,
    live_in,
    live_of_bytes,
)

Fields = dict[str, Any]

_VIEWS = {
    "multichannel": MULTICHANNEL,
    "single channel": SINGLE_CHANNEL,
    "waterfall": WATERFALL,
    "heat map": HEAT_MAP,
}
_VALUES: Mapping[str, object] = {
    "nothing": None,
    "a word": "many",
    "a very long word": "many" * 300,
    "a fraction": 1.5,
    "a list": [1, 50],
    "a number": 5,
}
TOO_LARGE_BYTES = 2 * 1024 * 1024
"""Twice the limit of the ingress."""
_HEAVY_CHANNELS, _LARGEST_NFFT = 200, 2048


def request_with(variation: str, limits: Limits) -> Body:
    """Return the request that these words describe. Raises :class:`LookupError`, which lists the known forms."""
    if variation in _NAMED:
        return _NAMED[variation](limits)
    for pattern, build in _FORMS:
        match = pattern.fullmatch(variation)
        if match is not None:
            return build(*match.groups())
    known = [*_NAMED, *(pattern.pattern for pattern, _ in _FORMS)]
    raise LookupError(f"no investigation is known with {variation!r}; known are: {'; '.join(known)}")


def _changed(path: Path, value: object, view: str = MULTICHANNEL) -> Fields:
    fields = copy.deepcopy(live_in(view))
    section = fields
    for name in path[:-1]:
        section = section.setdefault(name, {})
    section[path[-1]] = value
    return fields


def _without(path: Path) -> Fields:
    fields = copy.deepcopy(live_in(MULTICHANNEL))
    section = fields
    for name in path[:-1]:
        section = section[name]
    del section[path[-1]]
    return fields


def _channels(lowest: object, highest: object, view: str = MULTICHANNEL) -> Fields:
    return _changed(("channels",), {"min": int(str(lowest)), "max": int(str(highest))}, view)


def _frequencies(lowest: object, highest: object) -> Fields:
    return _changed(("frequencyRange",), {"min": int(str(lowest)), "max": int(str(highest))})


def _nfft(value: str, view: str | None) -> Fields:
    return _changed(("nfftSelection",), int(value), _VIEWS[view or "multichannel"])


def _maximal(limits: Limits) -> Fields:
    fields = {**_channels(1, limits.most_channels), "nfftSelection": _LARGEST_NFFT}
    return {**fields, "frequencyRange": {"min": 0, "max": limits.highest_frequency_hz}}


def _waterfall(**more: object) -> Fields:
    return {**live_in(WATERFALL), **more}


_NAMED: Mapping[str, Callable[[Limits], Body]] = {
    "as many channels as allowed": lambda limits: _channels(1, limits.most_channels),
    "one channel more than allowed": lambda limits: _channels(1, limits.most_channels + 1),
    "all frequencies": lambda limits: _frequencies(0, limits.highest_frequency_hz),
    "only the highest frequencies": lambda limits: _frequencies(
        limits.highest_frequency_hz - 1, limits.highest_frequency_hz
    ),
    "a frequency above the highest": lambda limits: _frequencies(0, limits.highest_frequency_hz + 1),
    "the first view after the last": lambda limits: _changed(FIELDS["view"], str(limits.highest_view + 1)),
    "two channels in the single channel view": lambda limits: _channels(7, 8, SINGLE_CHANNEL),
    "a waterfall with a time axis": lambda limits: _waterfall(displayTimeAxisDuration=10),
    "a waterfall with a frequency range": lambda limits: _waterfall(frequencyRange={"min": 0, "max": 500}),
    "a waterfall that says it has neither": lambda limits: _waterfall(
        displayTimeAxisDuration=None, frequencyRange=None
    ),
    "many channels and a large NFFT": lambda limits: {**_channels(1, _HEAVY_CHANNELS), "nfftSelection": _LARGEST_NFFT},
    "the most of everything": _maximal,
    "a long time on a low canvas": lambda limits: {
        **live_in(MULTICHANNEL),
        "displayTimeAxisDuration": 300,
        "displayInfo": {"height": 100},
    },
    "a body that is far too large": lambda limits: live_of_bytes(TOO_LARGE_BYTES),
    "an empty body": lambda limits: b"",
    "a body that breaks off": lambda limits: b'{"view_type": "0", "channels": {"min": 1,',
    "a list as its body": lambda limits: b"[]",
    "a body with an endless number": lambda limits: (
        json.dumps(live_in(MULTICHANNEL))
        .replace('"displayTimeAxisDuration": 10', '"displayTimeAxisDuration": 1e999')
        .encode()
    ),
    "a body with NaN in it": lambda limits: json.dumps(_changed(("displayTimeAxisDuration",), float("nan"))).encode(),
}
_FIELD = "|".join(sorted(FIELDS, key=len, reverse=True))
_FORMS: tuple[tuple[re.Pattern[str], Callable[..., Body]], ...] = (
    (re.compile(r"channels from (-?\d+) to (-?\d+)"), _channels),
    (re.compile(r"frequencies from (-?\d+) to (-?\d+)"), _frequencies),
    (re.compile(r"NFFT (-?\d+)(?: in the (multichannel|single channel|waterfall) view)?"), _nfft),
    (
        re.compile(r"a (canvas height|time axis) of (-?\d+)"),
        lambda field, value: _changed(FIELDS[field], int(value)),
    ),
    (re.compile(r"the (multichannel|single channel|waterfall|heat map) view"), lambda view: live_in(_VIEWS[view])),
    (re.compile(r'the view "(.+)"'), lambda view: _changed(FIELDS["view"], view)),
    (re.compile(rf"no ({_FIELD})"), lambda field: _without(FIELDS[field])),
    (
        re.compile(rf"({'|'.join(_VALUES)}) as its ({_FIELD})"),
        lambda value, field: _changed(FIELDS[field], _VALUES[value]),
    ),
)
PLACES: Mapping[str, Place] = {
    "to a place that does not exist": Place("POST", "/configuration"),
    "as one that only reads": Place("GET", "/configure"),
    "to the health check": Place("POST", "/ack"),
}
"""Places to which a request is sent, in the words of the features."""
