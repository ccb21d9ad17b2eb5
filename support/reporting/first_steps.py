"""The first steps to take after a run, and its diagnosis. Both come from the record and from ``first_steps.toml``."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from support.gherkin.requirements import place_of
from support.reporting.capacity_report import CapacityReport
from support.reporting.causes import last_seen
from support.reporting.record.model import Record, ScenarioResult

TABLE = Path(__file__).with_suffix(".toml")
_REMARK = "remark:"
SKIPPED_BY = re.compile(r"layer (\d), ")
"""The start of the reason of a scenario that was skipped because a lower layer is broken."""
_UNDECIDED = re.compile(r"(?:^|: )Inconclusive: ", re.MULTILINE)
"""Text in the reason of a measurement that does not allow a judgement of the site."""


class _StepEntry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    subjects: Annotated[tuple[str, ...], Field(alias="for", min_length=1)]
    cause: str
    remedy: str
    text: str = ""
    layer: int | None = None
    gap: bool = False
    undecided: bool = False
    """Whether the entry is for inconclusive measurements. No other entry matches these, as they prove no defect."""

    def fits(self, scenario: str, reason: str, undecided: bool) -> bool:
        """Whether the entry matches a scenario: its id, its reason on one line, and whether it was ``undecided``."""
        about = any(scenario.startswith(subject) for subject in self.subjects)
        return about and undecided == self.undecided and self.text in reason


class _StepTable(BaseModel):
    model_config = ConfigDict(extra="forbid")

    step: tuple[_StepEntry, ...]


@dataclass(frozen=True)
class FirstStep:
    """A cause, what was seen, and the remedy. ``layer`` is 0 if the cause is not a layer of the infrastructure.

    ``scenarios`` failed because of the cause; ``known`` are those with a ticket (``tickets``). ``blocked`` scenarios
    were skipped because of it.
    """

    cause: str
    seen: str
    remedy: str
    layer: int = 0
    scenarios: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    tickets: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()

    @property
    def is_known(self) -> bool:
        """Whether all failures of this cause have tickets."""
        return bool(self.scenarios) and self.scenarios == self.known


def first_steps(record: Record, gap: CapacityReport | None = None) -> list[FirstStep]:
    """Return the steps in the order of the table, the most blocking first. Failures that match no entry come last."""
    found: dict[int, list[ScenarioResult]] = {}
    for scenario in sorted(record.scenarios, key=lambda one: place_of(one.id)):
        if scenario.is_bad or scenario.status == "known_issue":
            found.setdefault(_place_in_table(scenario), []).append(scenario)
    steps = [_step(entry, found.get(number, []), record, gap) for number, entry in enumerate(_table())]
    steps += [_unexplained(scenario) for scenario in found.get(len(_table()), [])]
    return [step for step in steps if step is not None]


def _place_in_table(scenario: ScenarioResult) -> int:
    """Return the index of the first entry that matches, or the number of entries if none does."""
    text = scenario.reason or ""
    reason, undecided = " ".join(text.split()), _UNDECIDED.search(text) is not None
    entries = enumerate(_table())
    return next((number for number, entry in entries if entry.fits(scenario.id, reason, undecided)), len(_table()))


def diagnosis_of(record: Record) -> FirstStep | None:
    """Return the step for the lowest broken layer of the infrastructure, or None."""
    return next((step for step in first_steps(record) if step.layer and step.scenarios), None)


def _step(
    entry: _StepEntry, scenarios: list[ScenarioResult], record: Record, gap: CapacityReport | None
) -> FirstStep | None:
    remarks = [one.message for one in record.remarks if f"{_REMARK}{one.where}" in entry.subjects]
    shortage = gap if entry.gap and gap is not None and gap.gap_jobs > 0 else None
    if not (scenarios or remarks or shortage):
        return None
    seen = [*([shortage.sentence] if shortage else []), *map(last_seen, scenarios[:1]), *remarks]
    remedy = [entry.remedy.replace("{environment}", record.environment), *(shortage.next_steps if shortage else ())]
    return FirstStep(
        entry.cause,
        next(filter(None, seen), ""),
        " ".join(remedy),
        entry.layer or 0,
        _ids(scenarios),
        _ids(one for one in scenarios if one.status == "known_issue"),
        tuple(dict.fromkeys(one.ticket for one in scenarios if one.ticket)),
        _ids(one for one in record.scenarios if entry.layer is not None and _was_skipped_by(one, entry.layer)),
    )


def _was_skipped_by(scenario: ScenarioResult, layer: int) -> bool:
    match = SKIPPED_BY.match(scenario.reason or "") if scenario.status == "skipped" else None
    return match is not None and int(match[1]) == layer


def _unexplained(scenario: ScenarioResult) -> FirstStep:
    known = (scenario.id,) if scenario.status == "known_issue" else ()
    tickets = (scenario.ticket,) if scenario.ticket else ()
    return FirstStep(
        scenario.name, last_seen(scenario), "Read the evidence of the scenario.", 0, (scenario.id,), known, tickets
    )


def _ids(scenarios: Iterable[ScenarioResult]) -> tuple[str, ...]:
    return tuple(scenario.id for scenario in scenarios)


@functools.cache
def _table() -> tuple[_StepEntry, ...]:
    return _StepTable.model_validate(tomllib.loads(TABLE.read_text(encoding="utf-8"))).step
