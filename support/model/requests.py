"""Requests that a client sends to open an investigation. No value is refused here: wrong ones must reach the server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from support.config.limits import HEAT_MAP_VIEW

Times = Mapping[str, int | None]
Body = Mapping[str, Any] | bytes
"""Fields, or the bytes of a body that has none."""

MULTICHANNEL, SINGLE_CHANNEL, WATERFALL, HEAT_MAP = "0", "1", "2", str(HEAT_MAP_VIEW)

# A request that is known to work on real systems (docs/facts/focus-server.md 2.3).
_MULTICHANNEL: Mapping[str, Any] = {
    "displayTimeAxisDuration": 10,
    "nfftSelection": 1024,
    "displayInfo": {"height": 1000},
    "channels": {"min": 1, "max": 50},
    "frequencyRange": {"min": 0, "max": 500},
    "view_type": MULTICHANNEL,
}
_LIVE: Times = {"start_time": None, "end_time": None}
# A waterfall has neither a time axis nor a frequency range, and one line for each transform.
_OPENING: Mapping[str, Mapping[str, Any]] = {
    MULTICHANNEL: _MULTICHANNEL,
    SINGLE_CHANNEL: {**_MULTICHANNEL, "channels": {"min": 7, "max": 7}, "view_type": SINGLE_CHANNEL},
    WATERFALL: {
        "nfftSelection": 1,
        "displayInfo": {"height": 256},
        "channels": {"min": 11, "max": 61},
        "view_type": WATERFALL,
    },
    # The request in the plan of the load tests (docs/facts/focus-server.md 2.3).
    HEAT_MAP: {**_MULTICHANNEL, "nfftSelection": 2048, "view_type": HEAT_MAP},
}


@dataclass(frozen=True)
class Place:
    """Method and path of a request, the path relative to the base URL."""

    method: str
    path: str


CONFIGURE = Place("POST", "/configure")
"""The place where an investigation is opened."""


def live() -> dict[str, Any]:
    """Return a live multichannel investigation, which has no times."""
    return {**_MULTICHANNEL, **_LIVE}


def with_channels(lowest: int, highest: int) -> dict[str, Any]:
    """Return a live investigation over these channels."""
    return {**live(), "channels": {"min": lowest, "max": highest}}


def heavy(channels: int, nfft: int) -> dict[str, Any]:
    """Return a live investigation with this number of channels and this transform: the most work for a server."""
    return {**live(), "channels": {"min": 1, "max": channels}, "nfftSelection": nfft}


def heavy_historic(channels: int, nfft: int, times: Times) -> dict[str, Any]:
    """Return the same investigation over recorded data."""
    return {**heavy(channels, nfft), **times}


def live_in(view: object) -> dict[str, Any]:
    """Return a live investigation that opens, in this view. An unknown view is treated as multichannel."""
    return {**_OPENING.get(view if isinstance(view, str) else MULTICHANNEL, _MULTICHANNEL), **_LIVE}


def historic(times: Times) -> dict[str, Any]:
    """Return a historic investigation; ``times`` are epoch seconds under ``start_time`` and ``end_time``, or absent."""
    return {**_MULTICHANNEL, **times}


def channels_of(fields: Mapping[str, Any]) -> tuple[object, object]:
    """Return the lowest and the highest requested channel, each None if it is missing."""
    channels = fields.get("channels")
    return (channels.get("min"), channels.get("max")) if isinstance(channels, Mapping) else (None, None)


def are_ordinary(channels: tuple[int, int]) -> bool:
    """Whether these are the channels of a request in which channels do not matter."""
    ordinary = [channels_of(fields) for fields in _OPENING.values()]
    return channels in ordinary


def live_of_bytes(size_bytes: int) -> dict[str, Any]:
    """Return a live investigation that would open, enlarged by an unneeded text of ``size_bytes``."""
    return {**live(), "comment": "x" * size_bytes}
