"""The turns of a load profile as one measurement: raw samples are pooled, not averaged.

A lost tester makes the measurement untrusted and blames no part of the system.
"""

from __future__ import annotations

import pytest

from support.capacity.load.phases import latencies_ms
from support.capacity.load.results import JobRecord, LoadStep, SelfCheck
from support.capacity.profiled import in_one, without_lost
from support.statistics.percentiles import percentile

TRUSTED = SelfCheck(10, 300.0, 1.0, 2.0, 10, 5.0, True)


def step(*took_s: float, leftovers: tuple[str, ...] = (), stopped_because: str = "") -> LoadStep:
    """A load step whose requests were answered after these numbers of seconds."""
    records = tuple(JobRecord(n, 10.0 + n, 10.0 + n, 200, "", reached={"answered": s}) for n, s in enumerate(took_s))
    amount = len(took_s)
    return LoadStep(amount, records, 2.0, amount, 1.0, amount, amount, leftovers, stopped_because)


def test_percentiles_of_several_turns_are_those_of_all_their_samples() -> None:
    fast, slow = [0.1] * 90, [2.0] * 10
    together = in_one([step(*fast), step(*slow)])
    assert [record.number for record in together.records] == list(range(100))
    samples = latencies_ms(together.records, "answered", 30.0)
    assert percentile(samples, 0.95).value == pytest.approx(2000.0), "no mean of 100 ms and 2000 ms"
    assert percentile(samples, 0.5).value == pytest.approx(100.0)
    assert (together.asked, together.seconds, together.peak_in_flight, together.running_together) == (100, 4.0, 90, 90)


def test_what_any_turn_left_or_was_stopped_by_is_told_of_all() -> None:
    together = in_one([step(0.1, leftovers=("job a",)), step(0.1, leftovers=("job a", "job b"), stopped_because="why")])
    assert together.leftovers == ("job a", "job b") and together.stopped_because == "why"


def test_a_generator_of_which_a_part_was_lost_is_not_trusted() -> None:
    assert without_lost(TRUSTED, []) is TRUSTED
    lost = without_lost(TRUSTED, ["worker 7", "worker 9"])
    assert not lost.trusted and lost.reason == "worker 7, worker 9 was lost during the load"
