"""Failures grouped by what each scenario last saw, so that a cause shared by many scenarios is reported once.

Ids, times and numbers are ignored in the comparison: they differ between scenarios even when the cause is the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from support.gherkin.requirements import place_of
from support.reporting.explanations import explain
from support.reporting.record.model import Record, ScenarioResult

_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`")
_NUMBERED = re.compile(r"[\w./:-]*\d[\w./:+-]*")
_LISTED = re.compile(r"#(?:,? (?:and )?#)+")


@dataclass(frozen=True)
class FailureCause:
    """Scenarios that failed after seeing the same thing. The first one represents them all."""

    scenarios: tuple[ScenarioResult, ...]

    @property
    def first(self) -> ScenarioResult:
        return self.scenarios[0]

    @property
    def further(self) -> tuple[ScenarioResult, ...]:
        return self.scenarios[1:]


def causes_of(record: Record) -> list[FailureCause]:
    """Return the failures of a run by cause: the lowest layer and requirement first, latency and capacity last."""
    folded: dict[tuple[str, str], list[ScenarioResult]] = {}
    for scenario in sorted(record.scenarios, key=lambda one: place_of(one.id)):
        if scenario.is_bad:
            folded.setdefault(cause_of(scenario), []).append(scenario)
    return [FailureCause(tuple(scenarios)) for scenarios in folded.values()]


def cause_of(scenario: ScenarioResult) -> tuple[str, str]:
    """Return the key that a failed scenario shares with other scenarios of the same cause."""
    return scenario.status, _without_numbers(last_seen(scenario))


def last_seen(scenario: ScenarioResult) -> str:
    """Return one line with what the scenario saw when it failed."""
    why = explain(scenario)
    lines = (why.seen or why.text).splitlines() if why is not None else []
    return next((line.strip() for line in lines if line.strip()), "")


def _without_numbers(text: str) -> str:
    return _LISTED.sub("#", _NUMBERED.sub("#", _QUOTED.sub("#", text))).lower()
