"""Failures folded by what was last seen: one cause makes many scenarios fail, and is told once.

Ids, times and numbers differ from one scenario to the next although the same was seen, so they do not count.
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
    """Scenarios that failed after the same was seen; the first of them stands for all."""

    scenarios: tuple[ScenarioResult, ...]

    @property
    def first(self) -> ScenarioResult:
        return self.scenarios[0]

    @property
    def further(self) -> tuple[ScenarioResult, ...]:
        return self.scenarios[1:]


def causes_of(record: Record) -> list[FailureCause]:
    """The failures of a run, folded: the lowest layer and requirement first, latency and capacity last."""
    folded: dict[tuple[str, str], list[ScenarioResult]] = {}
    for scenario in sorted(record.scenarios, key=lambda one: place_of(one.id)):
        if scenario.is_bad:
            folded.setdefault(cause_of(scenario), []).append(scenario)
    return [FailureCause(tuple(scenarios)) for scenarios in folded.values()]


def cause_of(scenario: ScenarioResult) -> tuple[str, str]:
    """What a failed scenario has in common with others of the same cause."""
    return scenario.status, _without_numbers(last_seen(scenario))


def last_seen(scenario: ScenarioResult) -> str:
    """What was seen when it failed, in one line."""
    why = explain(scenario)
    lines = (why.seen or why.text).splitlines() if why is not None else []
    return next((line.strip() for line in lines if line.strip()), "")


def _without_numbers(text: str) -> str:
    return _LISTED.sub("#", _NUMBERED.sub("#", _QUOTED.sub("#", text))).lower()
