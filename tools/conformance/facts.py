"""Facts found by probes, and the differences between two sets of them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

S = TypeVar("S")

Value = str | int | bool | list[str]
Observed = dict[str, Value]
"""Values by the name of the fact, which begins with the name of its probe and a dot."""

RECORDED = Path(__file__).parent / "recorded"
NOT_SEEN = "not seen"
NOT_PLAYED = "not played to its end"
"""The fact of a probe that failed; its value is the reason."""


@dataclass(frozen=True)
class Probe(Generic[S]):
    """One interaction with a system. ``row`` is its row in the table of issue 15, or 0 if it is not in the table."""

    name: str
    row: int
    play: Callable[[S], Mapping[str, Value]]

    def facts(self, system: S, broken: tuple[type[Exception], ...]) -> Observed:
        """Return the facts, or a single fact with the reason why the probe failed."""
        try:
            return {f"{self.name}.{fact}": value for fact, value in self.play(system).items()}
        except broken as error:
            return {f"{self.name}.{NOT_PLAYED}": " ".join(str(error).split())}


@dataclass
class Registry(Generic[S]):
    """The probes of one kind of system, in the order in which they were registered."""

    probes: dict[str, Probe[S]] = field(default_factory=dict)

    def probe(self, name: str, row: int = 0) -> Callable[[Callable[[S], Mapping[str, Value]]], Any]:
        def register(play: Callable[[S], Mapping[str, Value]]) -> Callable[[S], Mapping[str, Value]]:
            if name in self.probes:
                raise ValueError(f"two probes are called {name}")
            self.probes[name] = Probe(name, row, play)
            return play

        return register

    def chosen(self, names: Sequence[str], left_out: Iterable[str] = ()) -> list[Probe[S]]:
        """Return the named probes, or all but ``left_out``. Raises :class:`LookupError` for an unknown name."""
        unknown = sorted(set(names) - self.probes.keys())
        if unknown:
            raise LookupError(f"no probe {unknown[0]}; there are {', '.join(self.probes)}")
        return [probe for name, probe in self.probes.items() if (name in names if names else name not in left_out)]


@dataclass(frozen=True)
class Difference:
    """A fact with different values on the two sides."""

    fact: str
    one: Value
    other: Value


@dataclass(frozen=True)
class Comparison:
    """The result of a comparison. ``unmatched`` are facts of one side that are missing in the other, a record."""

    compared: int
    differences: tuple[Difference, ...]
    unmatched: tuple[str, ...] = ()


def compare(one: Observed, other: Observed) -> Comparison:
    """Compare two systems. A fact that only one of them has is a difference."""
    names = list(dict.fromkeys([*one, *other]))
    found = [Difference(name, one.get(name, NOT_SEEN), other.get(name, NOT_SEEN)) for name in names]
    return Comparison(len(names), tuple(each for each in found if each.one != each.other))


def compare_with_record(facts: Observed, record: Record, probes: Iterable[str]) -> Comparison:
    """Compare a system with a record, which has fewer facts. Facts of probes that were not run are left out."""
    played = set(probes)
    known = {name: value for name, value in record.facts.items() if name.split(".")[0] in played}
    breaks = {name: value for name, value in facts.items() if name.endswith(f".{NOT_PLAYED}")}
    seen = {name: value for name, value in facts.items() if name in known} | breaks
    found = compare(seen, known)
    return Comparison(found.compared, found.differences, tuple(sorted(facts.keys() - known.keys() - breaks.keys())))


@dataclass(frozen=True)
class Record:
    """Answers kept as data. ``provenance`` says where they come from."""

    version: str
    provenance: tuple[str, ...]
    facts: Observed

    @classmethod
    def read(cls, path: Path) -> Record:
        content = json.loads(path.read_text(encoding="utf-8"))
        parts = content["parts"]
        facts = {name: value for part in parts for name, value in part["facts"].items()}
        assert len(facts) == sum(len(part["facts"]) for part in parts), f"{path.name}: a fact stands twice"
        return cls(content["version"], tuple(part["provenance"] for part in parts), facts)


def records(kind: str) -> list[Record]:
    """Return the records of a kind of system (``kubernetes``, ``mongodb``), the oldest version first."""
    found = [Record.read(path) for path in RECORDED.glob(f"{kind}-*.json")]
    return sorted(found, key=lambda record: numbers(record.version))


def nearest(known: Sequence[Record], version: str) -> Record:
    """Return the newest record that is not newer than ``version`` by its first two numbers, or else the oldest."""
    wanted = numbers(version)[:2]
    return next((record for record in reversed(known) if numbers(record.version)[:2] <= wanted), known[0])


def numbers(version: str) -> tuple[int, ...]:
    """Parse ``v1.34.1+k3s1`` as (1, 34, 1); parsing stops at the first part that is not a number."""
    found: list[int] = []
    for part in version.lstrip("v").split("+")[0].split("-")[0].split("."):
        if not part.isdigit():
            break
        found.append(int(part))
    return tuple(found)


def magnitude(number: float) -> str:
    """Return the order of magnitude, such as ``about 10``; no machine repeats a measurement more exactly."""
    return f"about {10 ** round(math.log10(max(number, 0.001))):g}"


def table(comparison: Comparison, one: str, other: str) -> list[str]:
    """Return an entry for each difference, then the number of facts compared."""
    lines = [
        f"{each.fact}\n  {one}: {_told(each.one)}\n  {other}: {_told(each.other)}" for each in comparison.differences
    ]
    lines.append(f"{comparison.compared} facts compared, {len(comparison.differences)} differ")
    if comparison.unmatched:
        lines.append(f"{len(comparison.unmatched)} facts are in no record: {', '.join(comparison.unmatched)}")
    return lines


def _told(value: Value) -> str:
    return value if isinstance(value, str) else json.dumps(value)
