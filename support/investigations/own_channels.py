"""Channels that the requests of a run ask for and other clients do not, so that its jobs can be recognised."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from support.clients.kubernetes.client import Job
from support.investigations.run_ledger import Channels
from support.model import requests

# Wider than any ordinary request, and above the low and round numbers that people ask for.
_WIDEST, _LOWEST_SHIFT = 250, 50


class OwnChannels:
    """Shifts all ordinary requests of a run by the same number of channels, drawn once.

    Channels that a scenario chooses on purpose, such as the lowest one or as many as possible, stay as they are.
    """

    def __init__(self, most_channels: int, shift: int | None = None) -> None:
        room = max(1, most_channels - _WIDEST - _LOWEST_SHIFT)
        self._shift = min(_LOWEST_SHIFT, most_channels // 2) + secrets.randbelow(room) if shift is None else shift
        self._given: set[Channels] = set()

    @property
    def shift(self) -> int:
        """Number of channels by which every ordinary request is shifted."""
        return self._shift

    def on(self, request: requests.Body) -> requests.Body:
        """Return the request with ordinary channels replaced by those of this run."""
        asked = channels_of(request)
        if isinstance(request, bytes) or asked is None or not requests.are_ordinary(asked):
            return request
        own = (asked[0] + self._shift, asked[1] + self._shift)
        self._given.add(own)
        return {**request, "channels": {"min": own[0], "max": own[1]}}

    def __contains__(self, channels: Channels | None) -> bool:
        """Whether a request of this run asked for these channels. Other clients hardly ever ask for the same ones."""
        return channels in self._given


def channels_of(request: requests.Body) -> Channels | None:
    """Return the channels that a request asks for; None if it names none that a job could have."""
    fields: Mapping[str, Any] = {} if isinstance(request, bytes) else request
    lowest, highest = requests.channels_of(fields)
    return (lowest, highest) if type(lowest) is int and type(highest) is int else None


def channels_of_job(job: Job) -> Channels | None:
    """Return the channels that a job was started for, from its command; None if the command does not name them."""
    following = iter(job.command)
    for word in following:
        if word == "--roi":
            lowest, highest = next(following, ""), next(following, "")
            return (int(lowest), int(highest)) if lowest.isdecimal() and highest.isdecimal() else None
    return None
