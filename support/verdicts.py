"""What is said of a measurement: it passes, it fails, or it decides nothing - and then says so."""

from __future__ import annotations

from dataclasses import dataclass

from support.capacity.results import Verdict


class Inconclusive(Exception):
    """The measurement decides nothing: the system has not passed, and has not failed either.

    A scenario that ends with it is in error (never passed, and not failed, which would blame the system), and no known
    issue excuses it.
    """


@dataclass(frozen=True)
class Ruling:
    """A verdict and its reason in one sentence or more."""

    verdict: Verdict
    reason: str

    def enforce(self) -> None:
        """Nothing for a pass; :class:`AssertionError` for a failure, :class:`Inconclusive` when nothing is decided."""
        if self.verdict is Verdict.FAIL:
            raise AssertionError(self.reason)
        if self.verdict is Verdict.INCONCLUSIVE:
            raise Inconclusive(self.reason)
