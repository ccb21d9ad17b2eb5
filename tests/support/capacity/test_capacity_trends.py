"""The leak rule, checked against scipy and by simulation of the hour described in docs/facts/capacity.md 4.3."""

import importlib
import math
import random
from statistics import median
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.statistics.trends import after_warm_up, block_minima, leak, theil_sen
from support.statistics.verdict import Outcome

TOLERANCE_MB_PER_H = 10.0
VALUES = st.dictionaries(st.integers(0, 50).map(float), st.integers(-20, 20).map(float), min_size=2, max_size=25)


@pytest.fixture(scope="module")
def stats() -> ModuleType:
    """scipy.stats, which takes a second to load: only where it is used."""
    return importlib.import_module("scipy.stats")


def hour(rng, mb_per_h, warm_up_mb=0.0, samples=240, scale=1.0):
    """15 s samples of a working set in MB: AR(1) noise (0.9), a collector of +-30 MB, a cache that fills in minutes."""
    noise, phase, period = 0.0, rng.random(), rng.uniform(8, 16)
    points = []
    for index in range(samples):
        at_s = index * 15.0
        noise = 0.9 * noise + rng.gauss(0, 1.5)
        saw = ((index / period + phase) % 1.0) * 60 - 30
        cache = warm_up_mb * (1 - math.exp(-at_s / 300))
        points.append((at_s * scale, 600 + mb_per_h * at_s / 3600 + cache + noise + saw))
    return points


def rate(mb_per_h, warm_up_mb=0.0, runs=200):
    rng = random.Random(f"{mb_per_h}/{warm_up_mb}")
    found = [leak(hour(rng, mb_per_h, warm_up_mb), TOLERANCE_MB_PER_H) for _ in range(runs)]
    return sum(each.verdict is Outcome.FAIL for each in found) / runs, median(e.minimum_detectable for e in found)


def test_an_hour_without_a_leak_is_not_called_one():
    assert rate(0)[0] <= 0.03


def test_a_warm_up_is_not_called_a_leak(stats):
    false_alarms, _ = rate(0, warm_up_mb=80)
    assert false_alarms <= 0.03
    # The result of ordinary regression on the raw samples of the same hours.
    rng = random.Random(1)
    hours = [list(zip(*hour(rng, 0, 80), strict=True)) for _ in range(50)]
    ordinary = [stats.linregress(*each) for each in hours]
    assert sum(line.pvalue < 0.05 and line.slope > 0 for line in ordinary) >= 45


def test_a_leak_is_found_and_the_smallest_that_would_be_is_told():
    assert rate(60)[0] >= 0.95
    assert rate(20)[0] <= 0.45
    _, detectable = rate(0)
    assert 40 <= detectable <= 75
    assert rate(round(detectable))[0] >= 0.93


def test_scaled_time_gives_the_same_answer():
    real = leak(hour(random.Random(3), 90), TOLERANCE_MB_PER_H, limit=1000)
    fast = leak(hour(random.Random(3), 90, scale=0.05), TOLERANCE_MB_PER_H, limit=1000, time_scale=0.05)
    assert fast.per_hour == pytest.approx(real.per_hour)
    assert (fast.verdict, fast.blocks) == (Outcome.FAIL, real.blocks)
    assert fast.seconds_to_limit == pytest.approx(real.seconds_to_limit * 0.05)


def test_the_time_to_the_limit():
    line = [(at_s * 15.0, 600 + 100 * at_s * 15 / 3600) for at_s in range(241)]
    trend = leak(line, TOLERANCE_MB_PER_H, limit=800)
    assert trend.per_hour == pytest.approx(100)
    last_minimum = block_minima(after_warm_up(line), 300)[-1][1]
    assert trend.seconds_to_limit == pytest.approx((800 - last_minimum) / 100 * 3600)
    assert leak(line, TOLERANCE_MB_PER_H).seconds_to_limit is None
    flat = [(at_s, 600.0) for at_s, _ in line]
    assert leak(flat, TOLERANCE_MB_PER_H, limit=800).seconds_to_limit is None


def test_too_short_a_run_decides_nothing():
    trend = leak(hour(random.Random(1), 500, samples=100), TOLERANCE_MB_PER_H)
    assert trend.verdict is Outcome.INCONCLUSIVE
    assert trend.per_hour is None
    assert leak([], TOLERANCE_MB_PER_H).blocks == 0


@given(VALUES)
def test_theil_sen_is_scipys(stats, values):
    points = list(values.items())
    wanted = stats.theilslopes(list(values.values()), list(values), alpha=0.90)
    found = theil_sen(points, confidence=0.90)
    assert (found.value, found.lower, found.upper) == pytest.approx((wanted.slope, wanted.low_slope, wanted.high_slope))


def test_one_outlier_does_not_move_the_slope():
    points = [(float(x), 2.0 * x) for x in range(20)]
    points[10] = (10.0, 1e9)
    assert theil_sen(points).value == pytest.approx(2)


def test_blocks():
    points = [(0.0, 5.0), (200.0, 3.0), (300.0, 9.0), (599.0, 7.0), (600.0, 1.0), (650.0, 2.0)]
    assert block_minima(points, 300) == [(150.0, 3.0), (450.0, 7.0)], "50 s are not a block"
    assert block_minima([*points, (760.0, 4.0)], 300)[-1] == (750.0, 1.0)
    assert block_minima([], 300) == []
    with pytest.raises(ValueError):
        block_minima(points, 0)


def test_the_first_third_does_not_count():
    assert after_warm_up([(float(x), 0.0) for x in range(10)])[0] == (3.0, 0.0)
