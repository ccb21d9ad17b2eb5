"""The identity of a scenario: its id tag, and the row number in an outline. Does not import behave."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

ID_TAG = re.compile(r"^[A-Z]{2}-\d{2}[a-z]$")


@dataclass(frozen=True)
class ScenarioIdentity:
    """`id` is `JL-01a`, or `CF-01b.3` for the third row of an outline, counted over all its examples from 1."""

    id: str
    requirement: str | None


def identify(scenario: Any) -> ScenarioIdentity:
    """The identity of a behave scenario; its place (`features/x.feature:12`) and no requirement if it has no id tag."""
    tag = next((str(tag) for tag in scenario.tags if ID_TAG.match(tag)), None)
    if tag is None:
        return ScenarioIdentity(f"{scenario.filename}:{scenario.line}", None)
    row = row_number(scenario)
    return ScenarioIdentity(tag if row is None else f"{tag}.{row}", tag[:-1])


def row_number(scenario: Any) -> int | None:
    """Position of an outline's row over all its examples, from 1; None for a plain scenario."""
    rows = getattr(scenario.parent, "scenarios", [])
    if getattr(scenario.parent, "type", None) != "scenario_outline":
        return None
    return next(index for index, row in enumerate(rows, start=1) if row is scenario)


def rule_name(scenario: Any) -> str | None:
    """The sentence of the Rule a scenario stands in, or None."""
    element = scenario.parent
    while element is not None:
        if element.type == "rule":
            return str(element.name)
        element = element.parent
    return None
