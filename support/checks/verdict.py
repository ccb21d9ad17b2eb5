"""A matcher for the verdict on a measurement."""

from __future__ import annotations

from support.checks.matcher import Judged
from support.statistics.verdict import Inconclusive, Outcome, Verdict


def passes() -> Judged[Verdict]:
    """Match a verdict that passes. Raises :class:`Inconclusive` if the measurement decides nothing."""
    return Judged("a measurement that passes", failure)


def failure(verdict: Verdict) -> str | None:
    """Return why the verdict fails, or None if it passes. Raises :class:`Inconclusive` if nothing is decided."""
    if verdict.outcome is Outcome.INCONCLUSIVE:
        raise Inconclusive(verdict.reason)
    return verdict.reason if verdict.outcome is Outcome.FAIL else None
