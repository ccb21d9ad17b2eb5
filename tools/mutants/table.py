"""What came of the mutants, by module and by requirement: printed, and as data for the site."""

from __future__ import annotations

from collections import Counter
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
    """A mutant with what is known of it. ``requirement`` is that of the scenario that noticed it, empty without one."""

    mutant: Mutant
    verdict: str
    requirement: str


def outcomes(
    mutants: Iterable[Mutant], results: Mapping[str, Result], equivalent: Mapping[str, str]
) -> Iterator[Outcome]:
    """One for each. What is listed as equivalent is so, whatever came of it."""
    for mutant in mutants:
        result = results.get(mutant.id)
        if mutant.id in equivalent:
            yield Outcome(mutant, EQUIVALENT, "")
        elif result is None or result.verdict not in (KILLED, SURVIVED):
            yield Outcome(mutant, NOT_YET, "")
        else:
            yield Outcome(mutant, result.verdict, "" if result.by == AT_START else result.by[:5])


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


def as_data(found: Sequence[Outcome]) -> dict[str, Any]:
    """For the site: the counts by module, the killed ones by the requirement that noticed them, and who survived."""
    noticed = Counter(one.requirement for one in found if one.verdict == KILLED)
    return {
        "finished": datetime.now(UTC).isoformat(),
        "modules": [
            {"module": module, "places": count.total(), **{verdict: count[verdict] for verdict in VERDICTS}}
            for module, count in by_module(found).items()
        ],
        "noticed": dict(sorted(noticed.items())),
        "survivors": [str(one.mutant) for one in found if one.verdict == SURVIVED],
    }
