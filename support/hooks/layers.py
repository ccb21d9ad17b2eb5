"""Skips the layers of the infrastructure above a broken one: they would only repeat its failure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from support.reporting.record.context import RunContext

_LAYER = re.compile(r"IN-0([1-6])")
"""The requirements IN-01 to IN-06 are the layers, from the bottom."""
_NAMES = ("foundation", "health", "speed", "configuration", "access", "orchestration")


def reason_of_a_lower_layer(requirement: str | None, run: RunContext) -> str | None:
    """Return why a scenario of this requirement is not run, or None."""
    layer = _layer(requirement)
    below = min((number for number in run.broken_layers if layer is not None and number < layer), default=None)
    if below is None:
        return None
    found = run.broken_layers[below]
    return f"layer {below}, {_NAMES[below - 1]}, is broken ({found}): what stands on it is not examined"


def is_of_a_layer(tags: Iterable[str]) -> bool:
    """Whether a scenario with these tags may be skipped because of another one's result, so that their order
    matters."""
    return any(_layer(tag[:-1]) is not None for tag in tags)


def note_layer(requirement: str | None, scenario_id: str, failed: bool, run: RunContext) -> None:
    """Record a broken layer with the first scenario that found it broken."""
    layer = _layer(requirement)
    if failed and layer is not None:
        run.broken_layers.setdefault(layer, scenario_id)


def _layer(requirement: str | None) -> int | None:
    match = _LAYER.fullmatch(requirement or "")
    return int(match[1]) if match else None
