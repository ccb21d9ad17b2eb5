"""The verdict over a measurement as a matcher."""

from __future__ import annotations

from support.checks.matcher import Judged
from support.statistics.verdict import Inconclusive, Outcome, Verdict


def passes() -> Judged[Verdict]:
    """A verdict that passes; :class:`Inconclusive` when the measurement decides nothing."""
    return Judged("a measurement that passes", failure)


def failure(verdict: Verdict) -> str | None:
    """Why it fails, None when it passes. Raises :class:`Inconclusive` when nothing is decided."""
    if verdict.outcome is Outcome.INCONCLUSIVE:
        raise Inconclusive(verdict.reason)
    return verdict.reason if verdict.outcome is Outcome.FAIL else None
