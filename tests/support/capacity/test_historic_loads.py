"""Loads over recorded data: consecutive windows, each played by its own job, and a growth."""

from __future__ import annotations

from dataclasses import replace

import pytest

from support.capacity import checks
from support.capacity.measured import Measured
from support.capacity.measuring import HISTORIC, HISTORIC_STEPS
from support.checks.jobs import times_in_words
from support.model.windows import one_after_the_other
from tests.support.capacity.canned import pod
from tests.support.capacity.test_capacity_verdicts import measured

WINDOWS = tuple(one_after_the_other({"start_time": 1_700_000_000, "end_time": 1_700_000_090}, 3))


def test_windows_begin_one_after_the_other() -> None:
    assert [(one["start_time"], one["end_time"]) for one in WINDOWS] == [
        (1_700_000_000, 1_700_000_088),
        (1_700_000_001, 1_700_000_089),
        (1_700_000_002, 1_700_000_090),
    ]


def test_a_window_that_is_too_short_cannot_be_cut() -> None:
    with pytest.raises(ValueError, match="a window of 2 s has no room for 3 of them"):
        one_after_the_other({"start_time": 10, "end_time": 12}, 3)


def started_for(windows: tuple[object, ...]) -> Measured:
    """Three opened investigations, each with a pod that was started for the window at its position."""
    good = measured(3, 3)
    pods = []
    for number, window in enumerate(windows):
        one = pod(f"{number}-{number}", "worker-1", "Running")
        start, end = times_in_words(window)  # type: ignore[arg-type]
        one["spec"]["containers"][0]["command"] = ["python", "--time-start", start, "--time-end", end]
        pods.append(one)
    during = replace(good.run.during, pods=tuple(pods))
    return replace(good, run=replace(good.run, during=during), windows=WINDOWS)


def test_each_plays_its_own_window() -> None:
    assert checks.plays_its_own_window().trouble(started_for(WINDOWS)) is None


def test_a_window_of_a_neighbour_is_told() -> None:
    trouble = checks.plays_its_own_window().trouble(started_for((WINDOWS[0], WINDOWS[0], WINDOWS[2])))
    assert trouble is not None and trouble.startswith("job 1-1 was started for {'--time-start': '2023-11-14:22:13:20'")


def test_a_growth_over_recorded_data_ends_where_the_load_at_one_moment_stands() -> None:
    """PZ-15317 to 15321. The last step of a hundred equals the share of recorded data in CA-09b, next to as many live
    ones."""
    assert HISTORIC_STEPS[-1] == HISTORIC and list(HISTORIC_STEPS) == sorted(HISTORIC_STEPS)
