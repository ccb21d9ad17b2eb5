"""Verdicts over measurements: pass, fail or inconclusive, with a reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


class Outcome(Enum):
    """The three possible results of a measurement. There is no "probably"."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


_WORST_FIRST = (Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.PASS)


def worst(outcomes: Iterable[Outcome | None]) -> Outcome:
    """Merge outcomes: the worst one wins. None stands for a number that is only shown.

    Raises ValueError when nothing was judged: no outcome is not a pass.
    """
    given = {outcome for outcome in outcomes if outcome is not None}
    if not given:
        raise ValueError("a verdict needs at least one outcome")
    return next(each for each in _WORST_FIRST if each in given)


class Inconclusive(Exception):
    """The measurement is inconclusive: the system has neither passed nor failed.

    A scenario that raises it is in error. It has not passed; marking it as failed would blame the system. No known
    issue excuses it.
    """


@dataclass(frozen=True)
class Verdict:
    """An outcome and its reason in one or more sentences."""

    outcome: Outcome
    reason: str
