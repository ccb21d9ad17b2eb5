"""Little's law, the knee, and the number of requests in flight."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.statistics.operational import (
    arrival_spread_ms,
    knee,
    little_ratio,
    mean_in_flight,
    peak_in_flight,
)

INTERVALS = st.lists(
    st.tuples(st.integers(0, 50), st.integers(1, 30)).map(lambda each: (float(each[0]), float(sum(each)))), min_size=1
)


@given(INTERVALS)
def test_peak_in_flight_is_the_most_that_are_open_at_any_moment(intervals):
    counted = max(sum(start <= moment + 0.5 < end for start, end in intervals) for moment in range(80))
    assert peak_in_flight(intervals) == counted


@given(INTERVALS)
def test_littles_law_holds_for_every_complete_accounting(intervals):
    span = max(end for _, end in intervals) - min(start for start, _ in intervals)
    response = sum(end - start for start, end in intervals) / len(intervals)
    ratio = little_ratio(len(intervals) / span, response, mean_in_flight(intervals))
    assert ratio == pytest.approx(1)


def test_lost_requests_break_littles_law():
    assert little_ratio(100, 0.1, 20) == pytest.approx(0.5)


def test_the_measured_knee_of_the_facts():
    assert knee(467, 0.0511) == pytest.approx(23.9, abs=0.05)


def test_one_that_ends_as_another_starts_is_not_together_with_it():
    assert peak_in_flight([(0, 1), (1, 2)]) == 1
    assert peak_in_flight([]) == 0


def test_the_spread_of_arrivals():
    assert arrival_spread_ms([1.0, 1.2, 1.1]) == pytest.approx(200)
    assert arrival_spread_ms([3.0]) == 0
    assert arrival_spread_ms([]) == 0


def test_nothing_in_flight_is_no_load():
    assert mean_in_flight([]) == 0
    with pytest.raises(ValueError):
        little_ratio(1, 1, 0)
