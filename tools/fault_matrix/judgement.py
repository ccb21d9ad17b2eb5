"""The result of a run with a fault, compared with the result it must have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from support.fault_catalogue import Fault
from support.statistics.verdict import Inconclusive

_BAD = ("failed", "error", "unexpected_pass")
_UNDECIDED = f"{Inconclusive.__name__}: "
"""The start of the error of a step that could not decide, as it appears in the record."""


@dataclass(frozen=True)
class Run:
    """The record of one run of the suite: its entries by scenario id."""

    scenarios: Mapping[str, Mapping[str, Any]]
    duration_s: float

    def with_those_of(self, other: Run) -> Run:
        """Merge both runs into one."""
        return Run({**self.scenarios, **other.scenarios}, self.duration_s + other.duration_s)

    def bad(self) -> dict[str, str]:
        """Return the reason of each scenario that failed, by its id."""
        return {
            scenario_id: str(entry["reason"])
            for scenario_id, entry in self.scenarios.items()
            if entry["status"] in _BAD
        }

    def undecided(self) -> frozenset[str]:
        """Return the ids of inconclusive measurements, which caught nothing even if their reason has the expected
        text."""
        return frozenset(
            name
            for name, entry in self.scenarios.items()
            if any((step.get("error") or "").startswith(_UNDECIDED) for step in entry.get("steps", ()))
        )

    def passed(self) -> frozenset[str]:
        """Return the ids of the scenarios that ran and passed."""
        return frozenset(name for name, entry in self.scenarios.items() if entry["status"] == "passed")

    def failed_steps(self) -> frozenset[str]:
        """Return the texts of the steps that failed."""
        return frozenset(
            step["name"]
            for entry in self.scenarios.values()
            for step in entry.get("steps", ())
            if step["status"] in _BAD
        )


@dataclass(frozen=True)
class Judgement:
    """The judgement of one fault. ``proven`` are the rows that failed as they must, for their reason. ``missed``,
    ``wrong_reason`` and ``unrelated`` are empty when the suite caught the fault and nothing else failed."""

    fault: Fault
    failed: tuple[str, ...]
    proven: frozenset[str]
    missed: tuple[str, ...]
    wrong_reason: Mapping[str, str]
    unrelated: Mapping[str, str]
    failed_steps: frozenset[str]
    duration_s: float

    @property
    def expected(self) -> int:
        """The number of scenarios and rows that must fail."""
        return len(self.proven) + len(self.missed) + len(self.wrong_reason)

    @property
    def caught(self) -> bool:
        return not (self.missed or self.wrong_reason or self.unrelated)

    def without_proof_by(self, unfit: Mapping[str, str]) -> Judgement:
        """Return a copy in which these rows prove nothing, because they fail without the fault too; each has its
        reason."""
        useless = {name: unfit[name] for name in self.proven if name in unfit}
        return replace(self, proven=self.proven - useless.keys(), wrong_reason={**self.wrong_reason, **useless})


def judge(fault: Fault, run: Run) -> Judgement:
    """Compare what failed with what must fail. An id without a row number stands for every row of its outline."""
    bad = run.bad()
    expected = {name: text for name, text in _expected(fault, run)}
    allowed = {fault.requirement, *fault.related}
    undecided = run.undecided()
    wrong_reason = {
        name: bad[name]
        for name, text in expected.items()
        if name in bad and (text not in bad[name] or name in undecided)
    }
    return Judgement(
        fault=fault,
        failed=tuple(sorted(bad)),
        proven=frozenset(name for name in expected if name in bad and name not in wrong_reason),
        missed=tuple(sorted(name for name in expected if name not in bad)),
        wrong_reason=wrong_reason,
        unrelated={
            name: reason
            for name, reason in bad.items()
            if name not in expected and run.scenarios[name]["requirement"] not in allowed
        },
        failed_steps=run.failed_steps(),
        duration_s=run.duration_s,
    )


def _expected(fault: Fault, run: Run) -> Iterable[tuple[str, str]]:
    for wanted, text in fault.scenarios.items():
        rows = [name for name in run.scenarios if name == wanted or name.startswith(f"{wanted}.")]
        yield from ((name, text) for name in rows or [wanted])
