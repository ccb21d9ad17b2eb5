"""Repeats a measurement once if the tester's own machine spoilt it, and reports both results."""

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
"""Returns why a measurement is inconclusive, or None if it decides."""
Tell = Callable[[T, str], T]
"""Returns the measurement with a description of the earlier one added."""


class MachineBusy(Inconclusive):
    """The measurement could not be made because the tester's own machine was busy."""


class OnceMore:
    """One instance for a run: all its measurements share the patience with a machine that stays busy.

    A measurement is repeated only if this machine itself runs the estate. A real site is put under a load only once.
    """

    def __init__(self, environment: Environment, generator: GeneratorCheck) -> None:
        self._is_embedded, self._generator = environment.is_embedded, generator
        self._patience_s = CALM_WITHIN_S

    def decided(self, make: Callable[[], T], spoilt: Spoilt[T], tell: Tell[T]) -> T:
        """Measure with ``make``, and measure again once the machine has calmed down if the first result is spoilt.

        Raises MachineBusy if ``make`` raised it and no repetition helped.
        """
        first = _round(make, spoilt)
        if not first.why or not self._is_embedded:
            return first.result()
        calm_s = wait_until_calm(self._patience_s)
        if calm_s is None:
            self._patience_s = 0.0  # the next measurement finds the same machine
            return first.result_after(f"not repeated: the machine stayed busy for {CALM_WITHIN_S:g} s", tell)
        self._patience_s -= calm_s
        self._generator.forget()
        note = f"measured again, when this machine had been calm after {calm_s:.1f} s; before that: {first.why}"
        return _round(make, spoilt).result_after(note, tell)


@dataclass(frozen=True)
class _Round(Generic[T]):
    """A measurement, or the error that prevented it. ``why`` is empty if it decides."""

    value: T | MachineBusy
    why: str

    def result(self) -> T:
        if isinstance(self.value, MachineBusy):
            raise self.value
        return self.value

    def result_after(self, note: str, tell: Tell[T]) -> T:
        if isinstance(self.value, MachineBusy):
            raise MachineBusy(f"{self.value}\n{note}") from self.value
        return tell(self.value, note)


def _round(make: Callable[[], T], spoilt: Spoilt[T]) -> _Round[T]:
    try:
        value = make()
    except MachineBusy as busy:
        return _Round(busy, str(busy))
    return _Round(value, spoilt(value) or "")
