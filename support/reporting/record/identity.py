"""The identity of a scenario: its id tag, and its row number in an outline. Does not import behave."""

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
    """Return the identity of a behave scenario. Without an id tag it is the place, such as `features/x.feature:12`, and
    has no requirement."""
    tag = next((str(tag) for tag in scenario.tags if ID_TAG.match(tag)), None)
    if tag is None:
        return ScenarioIdentity(f"{scenario.filename}:{scenario.line}", None)
    row = row_number(scenario)
    return ScenarioIdentity(tag if row is None else f"{tag}.{row}", tag[:-1])


def row_number(scenario: Any) -> int | None:
    """Return the number of an outline's row, counted over all its examples from 1; None for a plain scenario."""
    rows = getattr(scenario.parent, "scenarios", [])
    if getattr(scenario.parent, "type", None) != "scenario_outline":
        return None
    return next(index for index, row in enumerate(rows, start=1) if row is scenario)


def rule_name(scenario: Any) -> str | None:
    """Return the name of the Rule that contains a scenario, or None."""
    element = scenario.parent
    while element is not None:
        if element.type == "rule":
            return str(element.name)
        element = element.parent
    return None
