"""Scenarios that noticed mutants before: they most likely notice other mutants of the same function, too."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from tools.fault_matrix.rows import Row
from tools.mutants.mutant import Mutant
from tools.mutants.trial import AT_START, KILLED, Result

_OF_FUNCTION, _OF_MODULE = 3, 1
"""Number of scenarios that come first: those that noticed most places of the same function, then of the module."""


class Noticed:
    """Counts, for each function and each module, how often a scenario was the one that noticed a mutant."""

    def __init__(self, results: Iterable[Result]) -> None:
        self._by: dict[str, Counter[str]] = defaultdict(Counter)
        self._itself: dict[str, str] = {}
        for result in results:
            self.note(result)

    def note(self, result: Result) -> None:
        if result.verdict == KILLED and result.by != AT_START:
            self._itself[result.id] = result.by
            for name in (result.at, result.at.partition(":")[0]):
                self._by[name][result.by] += 1

    def first(self, mutant: Mutant, rows: Sequence[Row]) -> list[Row]:
        """Sort the rows: the scenario that noticed this mutant last, then those that noticed its neighbours, then
        others."""
        names = [self._itself.get(mutant.id, "")]
        names += [name for name, _ in self._by[mutant.at].most_common(_OF_FUNCTION)]
        names += [name for name, _ in self._by[mutant.module].most_common(_OF_MODULE)]
        likely = [row for name in dict.fromkeys(names) for row in rows if row.id == name]
        return [*likely, *(row for row in rows if row not in likely)]
