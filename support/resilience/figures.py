"""Figures of recovery times, each with its limit."""

from __future__ import annotations

from support.reporting.record import context as reporting


def note(name: str, seconds: float, limit_s: float) -> None:
    """Record the figure ``<name>_s``, the longest of the run, and ``<name>_limit_s`` beside it."""
    run = reporting.current()
    longest_s = max(round(seconds, 3), run.figures.get(f"{name}_s", 0.0))
    run.figure(f"{name}_s", longest_s)
    run.figure(f"{name}_limit_s", round(limit_s, 3))
