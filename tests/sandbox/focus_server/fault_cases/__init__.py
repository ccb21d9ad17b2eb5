"""Checks of the observable effect of each Focus Server fault, in modules by subject."""

from tests.sandbox.focus_server.fault_cases import (
    capacity,
    describing,
    lasting,
    opening,
    outages,
    recordings,
    refusing,
    speaking,
    starting,
    surviving,
)
from tests.sandbox.focus_server.fault_cases.cases import CASES

__all__ = [
    "CASES",
    "capacity",
    "describing",
    "lasting",
    "opening",
    "outages",
    "recordings",
    "refusing",
    "speaking",
    "starting",
    "surviving",
]
