"""Formats numbers, times and phases for the pages on loads."""

from __future__ import annotations

import functools
from datetime import datetime
from pathlib import Path

from jinja2 import Environment

from support.capacity.report.gap_arithmetic import shown
from support.reporting.pages import templates_in

_TEMPLATES = Path(__file__).parent / "templates"
PHASE_WORDS = {
    "answered": "answered",
    "job_seen": "job appears",
    "scheduled": "pod placed",
    "running": "pod running",
    "port_open": "port open",
    "released": "released",
}


@functools.cache
def templates() -> Environment:
    """Return the templates of the pages on loads, with the filters for numbers."""
    environment = templates_in(_TEMPLATES)
    environment.filters |= {"ms": duration, "percent": percent, "number": number, "ratio": ratio, "moment": moment}
    environment.globals |= {"shown": shown, "phase_words": PHASE_WORDS}
    return environment


def duration(milliseconds: float | None) -> str:
    """Format milliseconds for people."""
    if milliseconds is None:
        return "-"
    return f"{milliseconds:.0f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.2f} s"


def percent(rate: float) -> str:
    """Format with one decimal, and never as 100.0 % for less than all."""
    return f"{min(rate * 100, 99.9) if rate < 1 else 100:.1f} %"


def _number(value: float) -> str:
    return "below 0.001" if 0 < value < 0.001 else f"{value:.4g}"


def number(value: float | None) -> str:
    return "-" if value is None else _number(value) if isinstance(value, float) else str(value)


def ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def moment(text: str) -> str:
    return datetime.fromisoformat(text).strftime("%d %b %Y, %H:%M:%S UTC")
