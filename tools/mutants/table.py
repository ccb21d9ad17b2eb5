"""The results of the mutants, by module and by requirement: printed, and as data for the site."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tools.mutants.mutant import Mutant
from tools.mutants.trial import AT_START, KILLED, SURVIVED, Result

EQUIVALENT, NOT_YET = "equivalent", "not tried"
VERDICTS = (KILLED, SURVIVED, EQUIVALENT, NOT_YET)


@dataclass(frozen=True)
class Outcome:
    """A mutant and its result; ``by`` is the scenario that noticed it, or ``start``, or empty."""

    mutant: Mutant
    verdict: str
    by: str

    @property
    def requirement(self) -> str:
        """The requirement of that scenario, or empty."""
        return "" if self.by == AT_START else self.by[:5]


def outcomes(
    mutants: Iterable[Mutant], results: Mapping[str, Result], equivalent: Mapping[str, str]
) -> Iterator[Outcome]:
    """Yield an outcome for each mutant. A mutant that is listed as equivalent stays so, regardless of its result."""
    for mutant in mutants:
        result = results.get(mutant.id)
        if mutant.id in equivalent:
            yield Outcome(mutant, EQUIVALENT, "")
        elif result is None or result.verdict not in (KILLED, SURVIVED):
            yield Outcome(mutant, NOT_YET, "")
        else:
            yield Outcome(mutant, result.verdict, result.by)


def by_module(found: Iterable[Outcome]) -> dict[str, Counter[str]]:
    counts: dict[str, Counter[str]] = {}
    for one in found:
        counts.setdefault(one.mutant.module, Counter())[one.verdict] += 1
    return counts


def lines_of(found: Sequence[Outcome]) -> Iterator[str]:
    """The table as text."""
    counts = by_module(found)
    yield f"{'module':38} {'places':>7} {'tried':>7} {'killed':>7} {'survived':>9} {'equivalent':>11}  killed of tried"
    for module, count in counts.items():
        yield _line(module, count)
    yield _line("all", sum(counts.values(), Counter()))


def _line(name: str, count: Counter[str]) -> str:
    tried = count[KILLED] + count[SURVIVED]
    share = f"{count[KILLED] / tried:>14.1%}" if tried else ""
    return (
        f"{name:38} {count.total():>7} {tried:>7} {count[KILLED]:>7} {count[SURVIVED]:>9} {count[EQUIVALENT]:>11}"
        f"  {share}".rstrip()
    )


def by_requirement(found: Sequence[Outcome]) -> dict[str, Counter[str]]:
    """Count by requirement. A mutant that no scenario noticed counts for the requirement that noticed most mutants of
    the same function, or else of the same module."""
    watching: dict[str, Counter[str]] = defaultdict(Counter)
    for one in found:
        if one.requirement:
            for place in (one.mutant.at, one.mutant.module):
                watching[place][one.requirement] += 1
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for one in found:
        if one.verdict == KILLED:
            counts[one.requirement][KILLED] += 1
        elif one.verdict != NOT_YET:
            likely = (watching[one.mutant.at] or watching[one.mutant.module]).most_common(1)
            counts[likely[0][0] if likely else ""][one.verdict] += 1
    return dict(sorted(counts.items()))


def as_data(found: Sequence[Outcome], finished: datetime | None = None) -> dict[str, Any]:
    """Return the data for the site: the counts by module and by requirement, and the survivors."""
    return {
        "finished": (finished or datetime.now(UTC)).isoformat(timespec="seconds"),
        "modules": [{"module": name, **_numbers(count)} for name, count in by_module(found).items()],
        "requirements": [{"requirement": name, **_numbers(count)} for name, count in by_requirement(found).items()],
        "survivors": [str(one.mutant) for one in found if one.verdict == SURVIVED],
    }


def _numbers(count: Counter[str]) -> dict[str, int]:
    return {"places": count.total(), **{verdict: count[verdict] for verdict in VERDICTS}}
