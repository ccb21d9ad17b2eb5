"""Phase times over all jobs: failed jobs are always included."""

from dataclasses import replace

import pytest

from support.capacity.load.phases import latencies_ms, phase_times
from support.capacity.load.results import JobRecord, LoadStep, sharers
from support.capacity.load.run import Target


def record(number, reached, port=None, **more):
    return JobRecord(number, 0.0, 0.0, 200, "{}", stream_host="10.0.0.1", stream_port=port, reached=reached, **more)


OPEN = {"answered": 0.1, "job_seen": 0.2, "scheduled": 0.3, "running": 0.4, "port_open": 0.5}


def test_a_job_that_never_got_there_counts_with_the_limit():
    records = [record(1, OPEN), record(2, {"answered": 0.2})]
    assert latencies_ms(records, "running", 30) == [400.0, 30_000.0]
    times = phase_times(records, "running", 30)
    assert (times.reached, times.samples, times.largest_ms) == (1, 2, 30_000.0)


def test_a_job_that_took_longer_than_the_next_limit_is_not_made_faster_by_failing():
    assert latencies_ms([record(1, {"answered": 45.0})], "running", 30) == [45_000.0]


def test_stamps_after_a_gap_in_the_watch_are_not_used():
    records = [record(1, OPEN), record(2, OPEN | {"running": 9.0}, distrusted=frozenset({"running"}))]
    assert latencies_ms(records, "running", 30) == [400.0]
    assert phase_times(records, "running", 30).distrusted == 1
    assert phase_times(records[1:], "running", 30) is None


def test_two_jobs_on_one_port_have_both_failed():
    records = tuple(record(number, OPEN, port, alive_together=True) for number, port in ((1, 5), (2, 5), (3, 6)))
    step = LoadStep(3, records, 1.0, 3, 1.0, 3, 2)
    assert [each.number for each in step.failed] == [1, 2]
    assert step.succeeded == 1


def test_a_port_that_was_given_again_after_its_service_was_gone_is_not_shared():
    first = record(1, OPEN, 5, alive_together=True, port_free_s=2.0)
    second = replace(record(2, OPEN, 5, alive_together=True), intended_s=15.0)
    overlapping = replace(second, intended_s=1.5)
    assert sharers([first, second]) == {}
    assert sharers([first, overlapping]) == {1: (2,), 2: (1,)}
    third = replace(second, number=3)
    assert sharers([first, overlapping, third]) == {1: (2,), 2: (1, 3), 3: (2,)}


def test_a_limit_of_an_unknown_phase_is_refused():
    with pytest.raises(ValueError, match="'scheduling' is no phase"):
        Target(phase_limits_s={"scheduling": 3})
    with pytest.raises(ValueError, match="'ready' is no phase"):
        latencies_ms([], "ready", 1)
