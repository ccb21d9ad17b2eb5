"""Arrival patterns of investigations: the load shapes of CA-10 and the hours of SB-02. Times are in cluster time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from support.config.limits import Limits

STEADY_FOR_S, STEADY_EVERY_S = 600.0, 5.0
CYCLES = 200
GROWING = (2, 4, 8, 16, 32, 64)
RUSH = 50
QUIET, QUIET_EVERY_S = 12, 30.0
"""Number of investigations that come one by one before a wave and after it, to compare the server before and after.
Turns are ``QUIET_EVERY_S`` apart."""


@dataclass(frozen=True)
class Turn:
    """``amount`` investigations that come together, ``at_s`` seconds after the start or when those before are done."""

    at_s: float
    amount: int = 1


@dataclass(frozen=True)
class Pattern:
    """Turns in their order; ``duration_s`` is the minimum duration of the observation."""

    turns: tuple[Turn, ...]
    duration_s: float

    @property
    def asked(self) -> int:
        """Total number of investigations."""
        return sum(turn.amount for turn in self.turns)


def at_intervals(limits: Limits) -> Pattern:
    """For the duration and at the interval that the environment sets (SB-02)."""
    duration_s, every_s = limits.stability_duration_s, limits.stability_interval_s
    return Pattern(_every(every_s, max(1, int(duration_s / every_s))), duration_s)


def steadily(limits: Limits) -> Pattern:
    return Pattern(_every(STEADY_EVERY_S, int(STEADY_FOR_S / STEADY_EVERY_S)), STEADY_FOR_S)


def in_growing_numbers(limits: Limits) -> Pattern:
    return _wave(GROWING)


def in_a_rush(limits: Limits) -> Pattern:
    return _wave((RUSH,))


def without_a_pause(limits: Limits) -> Pattern:
    return Pattern(_every(0.0, CYCLES), 0.0)


def _every(interval_s: float, amount: int) -> tuple[Turn, ...]:
    return tuple(Turn(number * interval_s) for number in range(amount))


def _wave(amounts: tuple[int, ...]) -> Pattern:
    """Single investigations, the wave, and single investigations again."""

    def turns() -> Iterator[Turn]:
        for number, amount in enumerate((*[1] * QUIET, *amounts, *[1] * QUIET)):
            yield Turn(number * QUIET_EVERY_S, amount)

    planned = tuple(turns())
    return Pattern(planned, len(planned) * QUIET_EVERY_S)
