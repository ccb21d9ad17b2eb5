"""Percentiles and rates, checked against scipy, against the published table, and as properties."""

import importlib
import math
import random
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.statistics.percentiles import (
    minimum_samples,
    nearest_rank,
    percentile,
    percentile_ranks,
    wilson,
    wilson_bounds,
)

SAMPLES = st.lists(st.floats(0, 1e6), min_size=1, max_size=300)
SHARE = st.floats(0.01, 0.99)


@pytest.fixture(scope="module")
def stats() -> ModuleType:
    """scipy.stats, which takes a second to load: only where it is used."""
    return importlib.import_module("scipy.stats")


@given(SAMPLES, SHARE)
def test_a_percentile_is_the_smallest_sample_that_covers_its_share(samples, q):
    found = percentile(samples, q).value
    covered = sum(sample <= found for sample in samples) / len(samples)
    below = sum(sample < found for sample in samples) / len(samples)
    assert found in samples
    assert covered >= q - 1e-12
    assert below < q


@given(SAMPLES, SHARE, st.randoms(use_true_random=False))
def test_the_interval_holds_the_percentile_and_the_order_of_samples_does_not_matter(samples, q, rng):
    found = percentile(samples, q)
    assert (found.lower is None or found.lower <= found.value) and (found.upper is None or found.upper >= found.value)
    shuffled = list(samples)
    rng.shuffle(shuffled)
    assert percentile(shuffled, q) == found


@pytest.mark.parametrize(
    ("n", "q", "rank"),
    [(20, 0.95, 19), (200, 0.95, 190), (100, 0.07, 7), (1, 0.99, 1), (200, 0.99, 198), (21, 0.95, 20)],
)
def test_nearest_rank(n, q, rank):
    assert nearest_rank(n, q) == rank


@pytest.mark.parametrize(
    ("n", "p50", "p95", "p99"),
    [
        (50, (18, 33), (44, None), (48, None)),
        (100, (40, 61), (90, 100), (97, None)),
        (200, (86, 115), (184, 197), (195, None)),
        (400, (180, 221), (371, 389), (392, 400)),
        (1000, (469, 532), (936, 964), (983, 997)),
        (2000, (956, 1045), (1880, 1920), (1971, 1989)),
    ],
)
def test_the_ranks_are_those_of_the_facts(n, p50, p95, p99):
    for q, ranks in ((0.5, p50), (0.95, p95), (0.99, p99)):
        found = percentile_ranks(n, q)
        assert (found.lower, found.upper) == ranks, q


@pytest.mark.parametrize("n", [72, 97, 200, 368, 1000])
@pytest.mark.parametrize("q", [0.5, 0.9, 0.95, 0.99])
def test_the_ranks_are_those_of_scipys_quantile_test(stats, n, q):
    interval = stats.quantile_test(list(range(1, n + 1)), p=q).confidence_interval(0.95)
    wanted = tuple(None if math.isnan(bound) else bound for bound in (interval.low, interval.high))
    found = percentile_ranks(n, q)
    assert (found.lower, found.upper) == wanted


def test_the_fewest_samples_with_a_bound():
    assert (minimum_samples(0.95), minimum_samples(0.99)) == (72, 368)
    assert (minimum_samples(0.95, one_sided=True), minimum_samples(0.99, one_sided=True)) == (59, 299)
    for q in (0.95, 0.99):
        n = minimum_samples(q)
        assert percentile_ranks(n, q).upper == n
        assert percentile_ranks(n - 1, q).upper is None


def test_the_interval_covers_the_truth_as_often_as_it_says(stats):
    rng = random.Random(20261121)
    truth = math.exp(0.6 * stats.norm.ppf(0.95))
    inside = 0
    for _ in range(400):
        found = percentile([rng.lognormvariate(0, 0.6) for _ in range(200)], 0.95)
        inside += found.lower <= truth <= found.upper
    assert inside / 400 >= 0.93


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_scipys(stats, rate):
    successes, total = rate
    wanted = stats.binomtest(successes, total).proportion_ci(0.95, "wilson")
    found = wilson(successes, total)
    assert (found.lower, found.upper) == pytest.approx((wanted.low, wanted.high), abs=1e-9)
    one_sided = wilson_bounds(successes, total)
    greater = stats.binomtest(successes, total, alternative="greater").proportion_ci(0.95, "wilson")
    less = stats.binomtest(successes, total, alternative="less").proportion_ci(0.95, "wilson")
    assert (one_sided.lower, one_sided.upper) == pytest.approx((greater.low, less.high), abs=1e-9)


@pytest.mark.parametrize(
    ("successes", "total", "lower", "upper"),
    [
        (200, 200, 98.1, 100),
        (198, 200, 96.4, 99.7),
        (196, 200, 95.0, 99.2),
        (190, 200, 91.0, 97.3),
        (20, 20, 83.9, 100),
    ],
)
def test_wilson_as_in_the_facts(successes, total, lower, upper):
    found = wilson(successes, total)
    assert (round(found.lower * 100, 1), round(found.upper * 100, 1)) == (lower, upper)


@pytest.mark.parametrize(
    "call",
    [
        lambda: percentile([], 0.95),
        lambda: percentile([1.0], 95),
        lambda: percentile([1.0], 0.95, 1.0),
        lambda: wilson(3, 2),
        lambda: wilson(0, 0),
    ],
)
def test_what_is_no_percentile_or_rate_is_refused(call):
    with pytest.raises(ValueError):
        call()
