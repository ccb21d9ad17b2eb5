"""What must be true of the fibre of a site."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from support.checks.matcher import Judged
from support.clients.focus_server.client import OpenedInvestigation
from support.model.sampling import SAMPLES, is_positive, levels_of

_FACTS = ("dx", "prr", "fiber_start_meters", "fiber_length_meters", "fiber_description", SAMPLES, "dtype")


def is_connected() -> Judged[Mapping[str, Any]]:
    """Live metadata that tell a pulse rate: the reliable sign of a connected fibre (docs/facts/mongodb.md 6)."""
    return Judged(
        "live metadata with a pulse rate above 0",
        _no_fibre,
    )


def _no_fibre(seen: Mapping[str, Any]) -> str | None:
    if not seen:
        return "no fibre is connected: there are no live metadata yet"
    return None if is_positive(seen.get("prr")) else f"no fibre is connected: prr is {seen.get('prr')!r}"


def shows(live: Mapping[str, Any]) -> Judged[OpenedInvestigation]:
    """What the metadata of an investigation say of the fibre is what the server says of it, as far as both say it."""

    def trouble(opened: OpenedInvestigation) -> str | None:
        wrong = [
            f"{name} is {level[name]!r} instead of {live[name]!r}"
            for level in levels_of(opened.metadata)
            for name in _FACTS
            if name in live and level.get(name) is not None and level[name] != live[name]
        ]
        return "; ".join(wrong) or None

    return Judged("metadata that describe the fibre as the server does", trouble)
