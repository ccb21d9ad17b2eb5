"""What a client sends to open an investigation. Nothing here refuses a value: a wrong one must reach the server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Times = Mapping[str, int | None]

# The request that was seen to work on real systems (API facts, section 2.3).
_MULTICHANNEL: Mapping[str, Any] = {
    "displayTimeAxisDuration": 10,
    "nfftSelection": 1024,
    "displayInfo": {"height": 1000},
    "channels": {"min": 1, "max": 50},
    "frequencyRange": {"min": 0, "max": 500},
    "view_type": "0",
}


def live() -> dict[str, Any]:
    """A live multichannel investigation: no times."""
    return {**_MULTICHANNEL, "start_time": None, "end_time": None}


def historic(times: Times) -> dict[str, Any]:
    """A historic one; ``times`` are epoch seconds under ``start_time`` and ``end_time``, or absent."""
    return {**_MULTICHANNEL, **times}
