"""When investigations come: the shapes of load of CA-10, and the hours of SB-02. All times are those of the cluster."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from support.config.limits import Limits

STEADY_FOR_S, STEADY_EVERY_S = 600.0, 5.0
CYCLES = 200
GROWING = (2, 4, 8, 16, 32, 64)
RUSH = 50
QUIET, QUIET_EVERY_S = 12, 30.0
"""So many come one by one before and after a wave: what the server was like, and what it is like then."""


@dataclass(frozen=True)
class Turn:
    """``amount`` come together, ``at_s`` seconds after the beginning, or when those before them are done."""

    at_s: float
    amount: int = 1


@dataclass(frozen=True)
class Pattern:
    """Turns in their order; ``duration_s`` is how long is looked on, at least."""

    turns: tuple[Turn, ...]
    duration_s: float

    @property
    def asked(self) -> int:
        """How many come in all."""
        return sum(turn.amount for turn in self.turns)


def at_intervals(limits: Limits) -> Pattern:
    """As long, and as often, as the environment says (SB-02)."""
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
    """Some one by one, the wave, and some one by one again."""

    def turns() -> Iterator[Turn]:
        for number, amount in enumerate((*[1] * QUIET, *amounts, *[1] * QUIET)):
            yield Turn(number * QUIET_EVERY_S, amount)

    planned = tuple(turns())
    return Pattern(planned, len(planned) * QUIET_EVERY_S)
