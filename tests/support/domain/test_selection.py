"""The selection of scenarios for an environment: by declaration only, and always with a reason."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from support.selection import reason_by_the_clock, reason_to_skip


def environment(*capabilities: str, **permissions: bool) -> Any:
    """An environment reduced to what the selection reads."""
    permitted = {"load": False, "disruptive": False, "writes_database": False, **permissions}
    return SimpleNamespace(
        identity=SimpleNamespace(name="site"),
        capabilities=frozenset(capabilities),
        missing={},
        safety=SimpleNamespace(**permitted),
    )


def test_scenario_without_needs_runs_everywhere() -> None:
    assert reason_to_skip({"JL", "JL-01a", "smoke"}, environment()) is None


def test_capability_that_is_not_declared_is_named() -> None:
    reason = reason_to_skip({"needs_gpu"}, environment("fibre"))
    assert reason == "environment site does not declare the capability gpu"
    assert reason_to_skip({"needs_gpu"}, environment("gpu")) is None


@pytest.mark.parametrize("permission", ["load", "disruptive", "writes_database"])
def test_permission_that_is_not_given_is_named(permission: str) -> None:
    reason = reason_to_skip({permission}, environment())
    assert reason == f"environment site does not permit what is tagged {permission}"
    assert reason_to_skip({permission}, environment(**{permission: True})) is None


def test_backlog_never_runs_and_says_so() -> None:
    assert "backlog" in str(reason_to_skip({"backlog", "JL-14a"}, environment()))


def test_a_load_waits_for_its_hours_and_says_so() -> None:
    site = environment(load=True)
    site.safety.load_between = "22:00-05:00 Asia/Jerusalem"
    noon, midnight = (datetime(2026, 1, 15, hour, tzinfo=UTC) for hour in (10, 22))
    assert reason_by_the_clock({"load"}, site, noon) == (
        "environment site is not loaded at this hour: safety.load_between is 22:00-05:00 Asia/Jerusalem, "
        "and it is 12:00 there"
    )
    assert reason_by_the_clock({"load"}, site, midnight) is None
    assert reason_by_the_clock({"smoke"}, site, noon) is None
    site.safety.load_between = None
    assert reason_by_the_clock({"load"}, site, noon) is None
