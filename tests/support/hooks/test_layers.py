"""A broken layer skips the layers above it, and no others."""

from __future__ import annotations

import pytest

from support.hooks.layers import note_layer, reason_of_a_lower_layer
from support.reporting.first_steps import SKIPPED_BY
from support.reporting.record.context import RunContext


def run_with(*broken: str) -> RunContext:
    run = RunContext()
    for name in broken:
        note_layer(name[:5], name, True, run)
    return run


@pytest.mark.parametrize(
    ("broken", "skipped"),
    [
        ((), ()),
        (("IN-01a",), ("IN-02", "IN-03", "IN-04", "IN-05", "IN-06")),
        (("IN-04b", "IN-05a"), ("IN-05", "IN-06")),
        (("IN-06c",), ()),
        (("IN-07a", "IN-08a", "IN-09a", "DQ-01a"), ()),
    ],
)
def test_only_layers_above_are_skipped(broken: tuple[str, ...], skipped: tuple[str, ...]) -> None:
    run = run_with(*broken)
    every = [*(f"IN-0{number}" for number in range(1, 10)), "JL-01", None]
    assert tuple(name for name in every if reason_of_a_lower_layer(name, run)) == skipped


def test_the_reason_names_the_layer_and_who_found_it() -> None:
    run = run_with("IN-02b", "IN-02a", "IN-05a")
    reason = reason_of_a_lower_layer("IN-06", run)
    assert reason == "layer 2, health, is broken (IN-02b): what stands on it is not examined"
    assert SKIPPED_BY.match(reason)


def test_what_passed_breaks_nothing() -> None:
    run = RunContext()
    note_layer("IN-01", "IN-01a", False, run)
    assert reason_of_a_lower_layer("IN-02", run) is None
