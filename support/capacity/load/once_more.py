"""A measurement that the tester's own machine has spoilt is made once more, and both are told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from support.capacity.load.machine import CALM_WITHIN_S, wait_until_calm
from support.capacity.load.self_check import GeneratorCheck
from support.config import Environment
from support.statistics.verdict import Inconclusive

T = TypeVar("T")
Spoilt = Callable[[T], str | None]
"""Why a measurement decides nothing, or None for one that decides."""
Tell = Callable[[T, str], T]
"""The same measurement, with what was measured before."""


class MachineBusy(Inconclusive):
    """Nothing could be measured, because the tester's own machine was busy."""


class OnceMore:
    """One for a run: all its measurements share the patience with a machine that stays busy.

    Only where this very machine runs the estate: what a site is asked to bear, it is asked once.
    """

    def __init__(self, environment: Environment, generator: GeneratorCheck) -> None:
        self._is_embedded, self._generator = environment.is_embedded, generator
        self._patience_s = CALM_WITHIN_S

    def decided(self, make: Callable[[], T], spoilt: Spoilt[T], tell: Tell[T]) -> T:
        """What ``make`` measures, or measures again when the machine has calmed down.

        Raises MachineBusy where ``make`` did so and no repetition helped.
        """
        first = _round(make, spoilt)
        if not first.why or not self._is_embedded:
            return first.result()
        calm_s = wait_until_calm(self._patience_s)
        if calm_s is None:
            self._patience_s = 0.0  # what comes next finds the same machine
            return first.result_after(f"not repeated: the machine stayed busy for {CALM_WITHIN_S:g} s", tell)
        self._patience_s -= calm_s
        self._generator.forget()
        told = f"measured again, when this machine had been calm after {calm_s:.1f} s; before that: {first.why}"
        return _round(make, spoilt).result_after(told, tell)


@dataclass(frozen=True)
class _Round(Generic[T]):
    """What was measured, or why nothing was; ``why`` is empty for what decides."""

    value: T | MachineBusy
    why: str

    def result(self) -> T:
        if isinstance(self.value, MachineBusy):
            raise self.value
        return self.value

    def result_after(self, told: str, tell: Tell[T]) -> T:
        if isinstance(self.value, MachineBusy):
            raise MachineBusy(f"{self.value}\n{told}") from self.value
        return tell(self.value, told)


def _round(make: Callable[[], T], spoilt: Spoilt[T]) -> _Round[T]:
    try:
        value = make()
    except MachineBusy as busy:
        return _Round(busy, str(busy))
    return _Round(value, spoilt(value) or "")
