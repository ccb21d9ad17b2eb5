"""What is concluded from a measurement: it passes, it fails, or it decides nothing - and then says so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


class Outcome(Enum):
    """The three results of a measurement: a fourth, "probably", does not exist."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


_WORST_FIRST = (Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.PASS)


def worst(outcomes: Iterable[Outcome | None]) -> Outcome:
    """The one rule of merging: a failure fails, a doubt leaves doubt. None stands for a number that is only shown.

    Raises ValueError when nothing was judged: no outcome at all is no pass.
    """
    given = {outcome for outcome in outcomes if outcome is not None}
    if not given:
        raise ValueError("a verdict needs at least one outcome")
    return next(each for each in _WORST_FIRST if each in given)


class Inconclusive(Exception):
    """The measurement decides nothing: the system has not passed, and has not failed either.

    A scenario that ends with it is in error (never passed, and not failed, which would blame the system), and no known
    issue excuses it.
    """


@dataclass(frozen=True)
class Verdict:
    """An outcome and its reason in one sentence or more."""

    outcome: Outcome
    reason: str
