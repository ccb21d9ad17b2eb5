"""Divides scenarios into those that run side by side and those that run alone, and runs single scenarios.

Does not import behave.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from support.config import Environment
from support.config.models import MOST_PARALLEL
from support.gherkin.sharing import Sharing
from support.hooks.layers import is_of_a_layer
from support.selection import EXCLUDES, MEASURES

LASTS = frozenset({"needs_idle_cleanup", "needs_playback_end", "load", "alone"})
"""Tags of scenarios that wait for the clocks of the product, open many investigations or measure. They begin first, so
that the end does not wait for them.
"""


class ParallelError(Exception):
    """The value of `-D parallel` cannot be used. The text is one sentence."""


def parallel_of(userdata: Mapping[str, str]) -> int | None:
    """Return the value of `-D parallel=N`; None if it is not given."""
    given = userdata.get("parallel")
    if given is None:
        return None
    if not given.isdecimal() or not 1 <= int(given) <= MOST_PARALLEL:
        raise ParallelError(f"-D parallel={given}: a whole number from 1 to {MOST_PARALLEL}")
    return int(given)


@dataclass(frozen=True)
class Concurrency:
    """The scenarios that run at a time: ``parallel`` of them on one site, and one on each of ``copies`` further ones.

    ``measures_beside`` means that what measures needs a site to itself, but not the machine: at the pace of the real
    system, scenarios wait and leave the machine to it.
    """

    parallel: int
    copies: int
    measures_beside: bool = False


def concurrency_of(environment: Environment, starts_its_own: bool) -> Concurrency:
    """Return what the environment allows to a run. Only one that ``starts_its_own`` sandbox has further ones."""
    sandbox = environment.sandbox
    if sandbox.at_real_time is not None and environment.limits.time_scale == 1:
        wanted = Concurrency(sandbox.at_real_time.parallel, sandbox.at_real_time.copies, measures_beside=True)
    else:
        wanted = Concurrency(environment.parallel, sandbox.copies)
    return wanted if starts_its_own else Concurrency(wanted.parallel, 0)


def side_by_side(selected: Iterable[Any]) -> list[Any]:
    """Return the selected scenarios that exclude no other, the longest first."""
    return _longest_first(one for one in _movable(selected) if not EXCLUDES.intersection(one.effective_tags))


def apart(selected: Iterable[Any], sharing: Sharing | None = None) -> list[Any]:
    """Return the selected scenarios that need a site to themselves, whichever it is, the longest first.

    A scenario that measures needs the machine as well. With ``sharing`` it does not, unless it shares its measurement
    with others: they run in one process. A scenario that needs a message broker is not among them either, because a
    broker takes long to start.
    """

    def stays(one: Any) -> bool:
        if sharing is None:
            return bool(MEASURES.intersection(one.effective_tags))
        return sharing.of(step.name for step in one.all_steps) is not None

    return _longest_first(
        one
        for one in _movable(selected)
        if EXCLUDES.intersection(one.effective_tags) and "needs_rabbitmq" not in one.effective_tags and not stays(one)
    )


def beside_copies(selected: Iterable[Any], elsewhere: Iterable[Any], measures_beside: bool) -> list[Any]:
    """Return the selected scenarios, other than those that run ``elsewhere``, that need the first site to themselves
    but not the machine: those that need a message broker, and with ``measures_beside`` those that measure."""
    others = {id(one) for one in elsewhere}
    left = (one for one in _movable(selected) if id(one) not in others)
    return [one for one in left if measures_beside or not MEASURES.intersection(one.effective_tags)]


def _movable(selected: Iterable[Any]) -> Iterator[Any]:
    """Yield the scenarios whose order does not matter.

    Scenarios of infrastructure layers are not among them. Layers are examined from the bottom, one after the other,
    because a broken one skips those above it.
    """
    return (one for one in selected if not is_of_a_layer(one.effective_tags))


def _longest_first(scenarios: Iterable[Any]) -> list[Any]:
    return sorted(scenarios, key=lambda one: not LASTS.intersection(one.effective_tags))


class Unit:
    """Some scenarios of one feature, run as behave runs a feature. The rest of the feature is hidden meanwhile."""

    def __init__(self, scenarios: Sequence[Any]) -> None:
        self.scenarios = list(scenarios)
        self.feature = scenarios[0].feature
        self.filename = self.feature.filename

    def run(self, runner: Any) -> bool:
        with _only(self.feature, self.scenarios):
            return bool(self.feature.run(runner))


def units_of(scenarios: Iterable[Any]) -> list[Unit]:
    """Group the scenarios by feature, in their order."""
    by_feature: dict[int, list[Any]] = {}
    for scenario in scenarios:
        by_feature.setdefault(id(scenario.feature), []).append(scenario)
    return [Unit(each) for each in by_feature.values()]


@contextlib.contextmanager
def _only(feature: Any, scenarios: Sequence[Any]) -> Iterator[None]:
    wanted = {id(scenario) for scenario in scenarios}
    everything = list(feature.run_items)
    rules = {id(item): (item, list(item.run_items)) for item in everything if item.type == "rule"}
    try:
        for rule, items in rules.values():
            rule.run_items[:] = _chosen(items, wanted)
        feature.run_items[:] = [
            one
            for item in everything
            for one in (_chosen([item], wanted) if item.type != "rule" else [item] * bool(item.run_items))
        ]
        yield
    finally:
        feature.run_items[:] = everything
        for rule, items in rules.values():
            rule.run_items[:] = items


def _chosen(items: Iterable[Any], wanted: set[int]) -> list[Any]:
    """Return the wanted scenarios. The rows of an outline are chosen one by one."""
    rows = (row for item in items for row in (item.scenarios if item.type == "scenario_outline" else [item]))
    return [row for row in rows if id(row) in wanted]
