"""The units that may run side by side, and the run of a part of a feature as if the rest did not exist."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from behave.parser import parse_feature

from support.config import load_environment
from support.gherkin.sharing import Sharing
from support.hooks.units import (
    Concurrency,
    ParallelError,
    Unit,
    apart,
    beside_copies,
    concurrency_of,
    parallel_of,
    side_by_side,
    units_of,
)
from support.investigations.neighbours import Neighbours
from support.investigations.own_channels import OwnChannels
from support.model import requests

ROOT = Path(__file__).resolve().parents[3]
FEATURE = """
Feature: f
  Rule: first
    @one
    Example: a
      Given x
    @load
    Example: b
      Given x
  Rule: second
    Scenario Outline: c <n>
      Given x
      Examples: rows
        | n |
        | 1 |
        | 2 |
    @needs_idle_cleanup
    Example: d
      Given x
"""


def scenarios() -> list[Any]:
    return list(parse_feature(FEATURE, filename="f.feature").walk_scenarios())


def names(run_items: list[Any]) -> list[str]:
    return [name for item in run_items for name in (names(item.run_items) if item.type == "rule" else [item.name])]


def test_what_bears_no_neighbour_is_left_out_and_what_lasts_begins() -> None:
    assert [one.name.split(" -- ")[0] for one in side_by_side(scenarios())] == ["d", "a", "c 1", "c 2"]


EXCLUDING = ["alone", "IN-01a", "IN-06c", "load", "disruptive", "needs_exclusive_cluster", "needs_fibre_control"]


@pytest.mark.parametrize("tag", EXCLUDING)
def test_tags_that_exclude(tag: str) -> None:
    assert side_by_side([SimpleNamespace(effective_tags={tag})]) == []


@pytest.mark.parametrize(
    ("tags", "moves"),
    [
        ({"disruptive"}, True),
        ({"needs_exclusive_cluster", "needs_gpu"}, True),
        ({"writes_database"}, True),
        ({"needs_mongodb"}, False),
        ({"disruptive", "load"}, True),
        ({"load", "alone"}, False),
        ({"disruptive", "alone"}, False),
        ({"disruptive", "needs_rabbitmq"}, False),
        ({"IN-05a", "needs_ssh"}, False),
    ],
)
def test_what_needs_a_site_to_itself_may_have_another_one(tags: set[str], moves: bool) -> None:
    only = SimpleNamespace(effective_tags=tags)
    assert apart([only]) == [only] * moves
    assert not (moves and side_by_side([only]))


def test_what_is_no_layer_of_the_infrastructure_needs_no_order() -> None:
    only = SimpleNamespace(effective_tags={"IN-07a", "IN", "needs_mongodb"})
    assert side_by_side([only]) == [only]


def test_a_unit_runs_its_scenarios_only_and_puts_everything_back() -> None:
    found = scenarios()
    feature = found[0].feature
    before = names(feature.run_items)
    seen: list[str] = []

    def run(runner: object) -> bool:
        seen.extend(names(feature.run_items))
        return False

    feature.run = run
    row = next(one for one in found if one.name.startswith("c 2"))
    assert Unit([found[0], row]).run(None) is False
    assert [name.split(" -- ")[0] for name in seen] == ["a", "c 2"]
    assert names(feature.run_items) == before


def test_everything_is_put_back_after_an_interruption() -> None:
    found = scenarios()
    feature = found[0].feature
    before = names(feature.run_items)

    def run(runner: object) -> bool:
        raise KeyboardInterrupt

    feature.run = run
    with pytest.raises(KeyboardInterrupt):
        Unit([found[1]]).run(None)
    assert names(feature.run_items) == before


def test_units_are_by_feature_and_hold_everything_once() -> None:
    one, other = scenarios(), scenarios()
    units = units_of([*one, *other])
    assert [len(unit.scenarios) for unit in units] == [5, 5]


@pytest.mark.parametrize("given", ["0", "33", "-1", "1.5", "", "all"])
def test_a_number_that_is_none_is_one_sentence(given: str) -> None:
    with pytest.raises(ParallelError, match=f"-D parallel={given}: a whole number from 1 to 32"):
        parallel_of({"parallel": given})


def test_a_number_or_nothing() -> None:
    assert parallel_of({"parallel": "4"}) == 4
    assert parallel_of({}) is None


def test_neighbours_have_channels_of_their_own() -> None:
    first = OwnChannels(2222)
    second = OwnChannels(2222, first.shift + 1)
    own = requests.channels_of(first.on(requests.live()))  # type: ignore[arg-type]
    other = requests.channels_of(second.on(requests.live()))  # type: ignore[arg-type]
    assert own in first and other in second  # type: ignore[operator]
    assert own not in second and other not in first  # type: ignore[operator]


def test_alone_means_nobody_else_on_the_cluster_or_beside() -> None:
    assert Neighbours(on_the_cluster=False).are_none
    assert not Neighbours(on_the_cluster=True).are_none
    assert not Neighbours(on_the_cluster=False, side_by_side=True).are_none


@pytest.mark.parametrize(
    ("scale", "expected"),
    [("0.02", Concurrency(4, 3)), ("0.5", Concurrency(4, 3)), ("1", Concurrency(12, 6, measures_beside=True))],
)
def test_at_the_pace_of_the_real_system_more_scenarios_run_at_a_time(scale: str, expected: Concurrency) -> None:
    clocks = {"FOCUS__LIMITS__TIME_SCALE": scale, "FOCUS__SANDBOX__SETTINGS__TIME_SCALE": scale}
    sandbox = load_environment("sandbox", overrides=clocks)
    assert concurrency_of(sandbox, starts_its_own=True) == expected
    assert concurrency_of(sandbox, starts_its_own=False) == Concurrency(expected.parallel, 0)


def measuring(step: str, *tags: str) -> SimpleNamespace:
    return SimpleNamespace(effective_tags={"alone", *tags}, all_steps=[SimpleNamespace(name=step)])


def test_what_measures_for_itself_may_have_another_site_if_the_machine_is_free_for_it() -> None:
    sharing = Sharing.loading(ROOT / "steps")
    single = measuring("a client opens a single live investigation, again and again")
    shared = measuring("the number of investigations grows in steps up to the required number")
    broker = measuring("a client opens a single live investigation, again and again", "needs_rabbitmq")
    layer = measuring("the database answers a ping", "IN-03a")
    selected = [shared, single, broker, layer]
    assert apart(selected) == []
    assert apart(selected, sharing) == [single]
    assert beside_copies(selected, [single], measures_beside=True) == [shared, broker]


def test_what_needs_the_broker_and_does_not_measure_runs_here_while_others_run_on_further_sites() -> None:
    def needing(*tags: str) -> SimpleNamespace:
        return SimpleNamespace(effective_tags={"needs_rabbitmq", *tags})

    broken, measuring, single = needing("disruptive"), needing("alone"), SimpleNamespace(effective_tags={"disruptive"})
    selected = [broken, measuring, single]
    assert apart(selected) == [single]
    assert beside_copies(selected, [single], measures_beside=False) == [broken]
