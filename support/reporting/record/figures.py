"""Merges the figures of several processes or runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def worst(several: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Return the greatest value of each figure, which is the worst because all figures are times."""
    found: dict[str, float] = {}
    for figures in several:
        for name, value in figures.items():
            found[name] = max(value, found.get(name, value))
    return found
