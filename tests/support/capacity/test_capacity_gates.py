"""Pass, fail or inconclusive: the limits between them, and the error rates of the rules."""

import random

import pytest

from support.capacity.load.results import SelfCheck
from support.capacity.report.gap_verdict import trusted_outcome
from support.statistics.gates import baseline_gate, percentile_gate, success_gate
from support.statistics.verdict import Outcome

PASS, FAIL, INCONCLUSIVE = Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE


@pytest.mark.parametrize(
    ("successes", "total", "target", "verdict"),
    [
        (196, 200, 0.95, PASS),
        (195, 200, 0.95, INCONCLUSIVE),
        (190, 200, 0.95, INCONCLUSIVE),
        (185, 200, 0.95, INCONCLUSIVE),
        (184, 200, 0.95, FAIL),
        (0, 200, 0.95, FAIL),
        (200, 200, 0.98, PASS),
        (199, 200, 0.98, INCONCLUSIVE),
        (200, 200, 0.99, INCONCLUSIVE),
        (268, 268, 0.99, PASS),
        (267, 267, 0.99, INCONCLUSIVE),
        (10, 10, 0.95, INCONCLUSIVE),
        (1, 1, 1.0, PASS),
        (199, 200, 1.0, FAIL),
    ],
)
def test_a_success_rate(successes, total, target, verdict):
    assert success_gate(successes, total, target).verdict is verdict


def test_a_percentile_passes_only_when_its_upper_bound_does():
    # Ranks 184 and 197 of 200 bound P95.
    assert percentile_gate([100.0] * 197 + [900.0] * 3, 0.95, 300).verdict is PASS
    assert percentile_gate([100.0] * 196 + [900.0] * 4, 0.95, 300).verdict is INCONCLUSIVE
    assert percentile_gate([100.0] * 184 + [900.0] * 16, 0.95, 300).verdict is INCONCLUSIVE
    assert percentile_gate([100.0] * 183 + [900.0] * 17, 0.95, 300).verdict is FAIL
    assert percentile_gate([300.0] * 200, 0.95, 300).verdict is PASS


def test_too_few_samples_never_pass_but_can_fail():
    assert percentile_gate([1.0] * 71, 0.95, 300).verdict is INCONCLUSIVE
    assert percentile_gate([1.0] * 72, 0.95, 300).verdict is PASS
    assert percentile_gate([900.0] * 10, 0.95, 300).verdict is FAIL


@pytest.mark.parametrize("each", [1.0, 9000.0])
def test_p99_is_shown_and_not_judged_below_368_samples(each):
    shown = percentile_gate([each] * 367, 0.99, 500)
    assert shown.verdict is None
    assert shown.percentile.value == each
    assert "indicative" in shown.reason
    assert percentile_gate([each] * 368, 0.99, 500).verdict is (PASS if each < 500 else FAIL)


def test_failed_jobs_at_the_limit_move_the_percentile():
    fast = [100.0] * 180
    assert percentile_gate(fast, 0.95, 300).verdict is PASS
    survivors_and_failed = percentile_gate(fast + [30_000.0] * 20, 0.95, 300)
    assert survivors_and_failed.verdict is FAIL
    assert survivors_and_failed.percentile.value == 30_000.0


def test_a_system_at_its_target_is_rarely_called_good_or_bad():
    rng = random.Random(5)
    verdicts = [success_gate(sum(rng.random() < 0.95 for _ in range(200)), 200, 0.95).verdict for _ in range(1000)]
    # Each side is wrong in at most about 5 of 100 runs: the binomial is coarse.
    assert verdicts.count(PASS) <= 70
    assert verdicts.count(FAIL) <= 70


def test_the_baseline_rule_alarms_and_finds_as_in_the_facts():
    def run(rng, slower=1.0):
        # 5 % between runs, 5 % of a P95 within one run.
        return 300 * slower * rng.gauss(1, 0.05) * rng.gauss(1, 0.05)

    def alarms(slower):
        rng = random.Random(44)
        return (
            sum(baseline_gate(run(rng, slower), [run(rng) for _ in range(8)]).verdict is FAIL for _ in range(1000))
            / 1000
        )

    assert alarms(1.0) < 0.08
    assert 0.40 < alarms(1.2) < 0.65
    assert alarms(1.3) > 0.70


def test_the_baseline_rule_by_hand():
    earlier = [1000.0, 1020.0, 980.0, 1010.0, 990.0, 1030.0, 970.0, 1000.0]
    gate = baseline_gate(1070.0, earlier)
    assert (gate.median, gate.mad, gate.runs) == (1000.0, 15.0, 8)
    assert gate.limit == pytest.approx(1000 + 3 * 1.4826 * 15)
    assert gate.verdict is FAIL
    assert baseline_gate(1060.0, earlier).verdict is PASS
    assert baseline_gate(1e9, earlier[:7]).verdict is INCONCLUSIVE


@pytest.mark.parametrize(("value", "verdict"), [(48.7, PASS), (62.0, PASS), (62.1, FAIL)])
def test_a_few_milliseconds_are_noise_however_alike_the_earlier_runs_were(value, verdict):
    assert baseline_gate(value, [37.0, 37.8, 36.2, 37.8, 36.2, 37.0, 37.0, 37.0]).verdict is verdict


def test_the_overall_verdict():
    trusted = SelfCheck(200, 50, 1, 5, 200, 200, True)
    slow = SelfCheck(200, 50, 1, 80, 200, 200, False, "adds 80 ms")
    assert trusted_outcome([PASS, None], trusted) is PASS
    assert trusted_outcome([PASS, INCONCLUSIVE], None) is INCONCLUSIVE
    assert trusted_outcome([PASS, INCONCLUSIVE, FAIL], trusted) is FAIL
    assert trusted_outcome([FAIL], slow) is INCONCLUSIVE
    assert trusted_outcome([PASS], slow) is INCONCLUSIVE
    with pytest.raises(ValueError):
        trusted_outcome([None], None)


@pytest.mark.parametrize("target", [0, 95, -1])
def test_a_target_that_is_no_rate_is_refused(target):
    with pytest.raises(ValueError, match="target rate"):
        success_gate(1, 1, target)
