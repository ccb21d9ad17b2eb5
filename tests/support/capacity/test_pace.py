"""The pace of a control plane: recognised despite stalls of controller or tester, and not found in other patterns."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest

from support.capacity.diagnosis.pace import controller_pace, steady_pace
from tests.support.capacity.canned import paced, record

SEEDS = range(40)
TAKES_S = 5.8
"""The time on the sandbox within which all of a load must be there."""


def stalled(seed: int, per_s: float, stalls_per_s: float, longest_s: float, catches_up: bool) -> list[float]:
    """Times of pods that come at ``per_s``, with stalls. With ``catches_up``, pods due in a stall come together after
    it."""
    chance = random.Random(seed)

    def stalls() -> Iterator[tuple[float, float]]:
        at_s = 0.0
        while at_s < TAKES_S:
            at_s += chance.expovariate(stalls_per_s)
            yield at_s, (at_s := at_s + chance.uniform(longest_s / 4, longest_s))

    found, late_s = [], 0.0
    still = list(stalls())
    for number in range(int(per_s * TAKES_S)):
        moment = (number + 1) / per_s + late_s
        for begin, end in still:
            if begin <= moment < end:
                late_s += 0.0 if catches_up else end - moment
                moment = end
        found.append(moment + chance.uniform(0, 0.05))
    return sorted(moment for moment in found if moment <= TAKES_S)


@pytest.mark.parametrize("catches_up", [True, False])
def test_ten_a_second_are_known_through_stalls_of_up_to_two_seconds(catches_up: bool) -> None:
    """An R squared of a fitted line above 0.95 recognised only half of these."""
    found = [steady_pace(stalled(seed, 10.0, 0.6, 2.0, catches_up)) for seed in SEEDS]
    known = [pace for pace in found if pace is not None]
    assert len(known) >= 0.9 * len(SEEDS)
    assert all(200 / pace.most_per_s > TAKES_S for pace in known)


def test_a_controller_that_may_begin_with_a_burst_has_its_pace() -> None:
    """kube-controller-manager: a burst of thirty requests, then twenty per second; three requests for each pod."""
    moments = [0.01 * number for number in range(10)] + [0.1 + number / 6.7 for number in range(1, 191)]
    pace = steady_pace(moments)
    assert pace is not None and pace.per_s == pytest.approx(6.7, rel=0.05)


PATTERNS: dict[str, Callable[[random.Random], list[float]]] = {
    "too few": lambda _: [1.0, 2.0, 3.0],
    "a burst": lambda _: [0.001 * number for number in range(40)],
    "two bursts": lambda _: [0.0] * 30 + [9.0] * 10,
    "all at one moment": lambda _: [0.5] * 40,
    "a burst and stragglers": lambda r: [r.uniform(0, 0.5) for _ in range(50)] + [r.uniform(1, 6) for _ in range(10)],
}


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS.keys())
def test_other_patterns_have_no_pace(pattern: Callable[[random.Random], list[float]]) -> None:
    assert [steady_pace(pattern(random.Random(seed))) for seed in SEEDS] == [None] * len(SEEDS)


def test_a_pace_that_the_limit_is_long_enough_for_is_no_cause() -> None:
    records = [*paced(range(1, 101), 25.0), *(record(number, "job_seen") for number in range(101, 201))]
    assert controller_pace(records, 10.0) is None
    match = controller_pace(records, 6.0)
    assert match is not None and {row.field: row.value for row in match.rows} == {
        "scheduled per second": pytest.approx(25.0, rel=0.01),
        "at most per second": pytest.approx(25.0, rel=0.01),
        "seconds needed at this pace": pytest.approx(8.0, rel=0.01),
    }


def test_pods_that_wait_no_longer_than_their_answers_are_not_paced_by_the_cluster() -> None:
    moments = ({phase: number / 5 for phase in ("answered", "job_seen", "scheduled")} for number in range(1, 61))
    assert controller_pace([record(n, moments=moment) for n, moment in enumerate(moments, 1)], 6.0) is None


def test_moments_that_were_found_after_a_gap_of_the_watch_do_not_count() -> None:
    lump = [
        record(n, moments={"answered": 0.2, "scheduled": 3.0}, distrusted=frozenset({"scheduled"}))
        for n in range(61, 161)
    ]
    pace = controller_pace([*paced(range(1, 61), 10.0), *lump], 6.0)
    assert pace is not None and pace.rows[0].object == "60 pods"
