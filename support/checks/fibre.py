"""Matchers for the fibre of a site."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from support.checks.matcher import Judged
from support.checks.messages import leftover
from support.clients.focus_server.client import OpenedInvestigation
from support.model.sampling import SAMPLES, is_positive, levels_of

_DECIMATION = "decimation_factor_x"
_WORDS_OF_OTHERS = frozenset({"cmd"})
"""Fields that are not compared or checked as text: a command line is written for a machine."""
_FACTS = ("dx", "prr", "fiber_start_meters", "fiber_length_meters", "fiber_description", SAMPLES, "dtype")


def is_connected() -> Judged[Mapping[str, Any]]:
    """Match live metadata with a pulse rate, the reliable sign of a connected fibre (docs/facts/mongodb.md 6)."""
    return Judged(
        "live metadata with a pulse rate above 0",
        _no_fibre,
    )


def _no_fibre(seen: Mapping[str, Any]) -> str | None:
    if not seen:
        return "no fibre is connected: there are no live metadata yet"
    return None if is_positive(seen.get("prr")) else f"no fibre is connected: prr is {seen.get('prr')!r}"


def shows(live: Mapping[str, Any]) -> Judged[OpenedInvestigation]:
    """Match an investigation whose metadata describe the fibre as the server does, in all facts that both give.

    The samples must make as many channels as the server has, and no text may contain leftovers of the program.
    """

    def mismatch(opened: OpenedInvestigation) -> str | None:
        levels = levels_of(opened.metadata)
        wrong = [
            f"{name} is {level[name]!r} instead of {live[name]!r}"
            for level in levels
            for name in _FACTS
            if name in live and level.get(name) is not None and level[name] != live[name]
        ]
        wrong += filter(None, (_channels_made_of(level, live.get("number_of_channels")) for level in levels))
        wrong += [f"{name} contains {found}" for level in levels for name, found in _leftovers(level)]
        return "; ".join(wrong) or None

    return Judged("metadata that describe the fibre as the server does", mismatch)


def shows_a_recording_of(recorded: Sequence[Mapping[str, Any]]) -> Judged[OpenedInvestigation]:
    """Match an investigation whose metadata, at each level, describe one of these recordings as the index does.

    A time may have any format. Command lines are not compared: they are written for a machine.
    """

    def mismatch(opened: OpenedInvestigation) -> str | None:
        if not recorded:
            return "the index describes no recording of the window: there is nothing to compare the metadata with"
        found = [_told_otherwise(levels_of(one), levels_of(opened.metadata)) for one in recorded]
        closest: list[str] = min(found, key=len)
        return "; ".join(closest) or None

    return Judged("metadata that describe a recording as the index does", mismatch)


def _told_otherwise(true: Sequence[Mapping[str, Any]], seen: Sequence[Mapping[str, Any]]) -> list[str]:
    if len(seen) != len(true):
        return [f"there are {len(seen)} levels instead of {len(true)}"]
    return [
        f"{name} is {shown.get(name)!r} instead of {value!r}"
        for level, shown in zip(true, seen, strict=True)
        for name, value in level.items()
        if _can_be_compared(name, value) and not _is_told(value, shown.get(name))
    ]


def _can_be_compared(name: str, value: object) -> bool:
    return name not in _WORDS_OF_OTHERS and isinstance(value, str | int | float | datetime | list | None)


def _is_told(value: object, shown: object) -> bool:
    if isinstance(value, list):
        return isinstance(shown, list) and len(shown) == len(value) and all(map(_is_told, value, shown))
    return shown is not None if isinstance(value, datetime) else shown == value


def _channels_made_of(level: Mapping[str, Any], channels: object) -> str | None:
    """Return an objection if the samples do not make ``channels`` when averaged by the decimation factor.

    A fraction of a channel is rounded (docs/facts/focus-server.md 3.3).
    """
    samples, decimation = level.get(SAMPLES), level.get(_DECIMATION)
    if not (is_positive(samples) and is_positive(decimation) and is_positive(channels)):
        return None
    made = samples / decimation
    return None if round(made) == round(channels) else f"{made:g} channels are made of its samples, not {channels:g}"


def _leftovers(level: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    texts = {name: text for name, text in level.items() if isinstance(text, str) and name not in _WORDS_OF_OTHERS}
    return ((name, found) for name, text in texts.items() if (found := leftover(text)) is not None)
