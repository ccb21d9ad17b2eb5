"""What each fault of the Focus Server must be seen doing: a check by fault, in modules by what the fault is about."""

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
