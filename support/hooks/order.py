"""The order of the scenarios, and the settings of a run that belongs to a series. Does not import behave."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

from support.reporting.record.model import Repeat


class RepeatError(Exception):
    """The userdata of a repeated run cannot be used. The text is one sentence."""


def repeat_of(userdata: Mapping[str, str]) -> Repeat | None:
    """Return the values of `-D shuffle=SEED`, `-D series=NAME` and `-D under_load=yes`; None if none is given."""
    seed, series, load = (userdata.get(name) for name in ("shuffle", "series", "under_load"))
    if seed is None and series is None and load is None:
        return None
    if seed is not None and not seed.removeprefix("-").isdecimal():
        raise RepeatError(f"shuffle={seed}: the seed of the order is a whole number")
    if load not in (None, "yes", "no"):
        raise RepeatError(f"under_load={load}: yes or no")
    return Repeat(None if seed is None else int(seed), series, load == "yes")


def shuffle(features: Sequence[Any], seed: int) -> list[Any]:
    """Return the features in another order, each with its rules and scenarios in another order.

    Nothing leaves its feature or rule, so each scenario keeps its backgrounds, tags and hooks. The rows of an outline
    stay together, in their order. The same seed gives the same order on every machine.
    """
    order = random.Random(seed)
    shuffled = list(features)
    order.shuffle(shuffled)
    for feature in shuffled:
        order.shuffle(feature.run_items)
        for item in feature.run_items:
            if item.type == "rule":
                order.shuffle(item.run_items)
    return shuffled
