"""Questions asked during loads: loads repeat until there are enough answers, and must have opened something."""

from __future__ import annotations

import functools
import threading
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from support.capacity.load import once_more
from support.capacity.load.machine import MachineUse
from support.capacity.load.once_more import OnceMore
from support.clients.focus_server.client import Answer, ConnectionFailed
from support.clients.safety import Budget, SafetyError, SafetyPolicy
from support.latency import under_load
from support.latency.answers import ENOUGH, Latency
from support.latency.polling import READS, Polling
from support.latency.under_load import AT_ONCE, MOST_LOADS, UnderLoad
from support.model.infrastructure import AnswerTime
from support.statistics.verdict import Inconclusive

TIMES = {"start_time": 1_700_000_000, "end_time": 1_700_000_600}
PERMITTED = Budget(SafetyPolicy("sandbox", load=True))
REFUSED = Budget(SafetyPolicy("production", load=False))


class Site:
    """Loads that take the set time, and a server with the set answers."""

    def __init__(self, opens: int = AT_ONCE, takes_s: float = 0.5, status: int = 200, fails: bool = False) -> None:
        self._opens, self._takes_s, self._status, self._fails = opens, takes_s, status, fails
        self.bodies: list[Any] = []
        self.machine: MachineUse | None = None
        self.slow_once_s, self.each_s = 0.0, 0.0
        self._one_by_one = threading.Lock()

    def make(self, title: str, bodies: list[Any]) -> Any:
        self.bodies.append(bodies)
        threading.Event().wait(self._takes_s)
        reached = [{"answered": 0.1}] * self._opens + [{}] * (len(bodies) - self._opens)
        return SimpleNamespace(
            step=SimpleNamespace(
                machine=self.machine, asked=len(bodies), records=[SimpleNamespace(reached=r) for r in reached]
            )
        )

    def ack(self) -> Answer:
        if self._fails:
            raise ConnectionFailed("nobody answers", "refused", 0.1)
        with self._one_by_one:
            slow_s, self.slow_once_s = self.slow_once_s, 0.0
            threading.Event().wait(slow_s)
        threading.Event().wait(self.each_s)
        return Answer(self._status, {}, b"", 0.02, "GET /ack")

    def metadata(self, job_id: str) -> Answer:
        return Answer(200, {}, job_id.encode(), 0.01, "")


def rated(samples_ms: Sequence[float]) -> AnswerTime:
    return AnswerTime(tuple(samples_ms), ((100.0, "acceptable"),))


def asking(site: Site, budget: Budget = PERMITTED, is_embedded: bool = False) -> UnderLoad:
    environment: Any = SimpleNamespace(
        limits=SimpleNamespace(time_scale=0.01, mongodb_ping_median_ms=100.0, ack_concurrent_p95_ms=1000.0),
        focus_server=SimpleNamespace(read_timeout_s=5.0),
        is_embedded=is_embedded,
    )
    generator: Any = SimpleNamespace(single_ms=lambda: 1.0, forget=lambda: None)
    again, server = OnceMore(environment, generator), cast(Any, site)
    latency = Latency(server, server, server, generator, again, cast(Any, None), environment, budget)
    return UnderLoad(server, server, generator, again, latency, environment, budget)


def test_loads_are_made_until_there_are_enough_answers() -> None:
    site = Site()
    told = asking(site).health_checks()
    assert len(told.latencies_ms) >= ENOUGH or len(site.bodies) == MOST_LOADS
    assert min(told.latencies_ms) >= 0.0 and told.trouble == ""
    assert [len(bodies) for bodies in site.bodies] == [AT_ONCE] * len(site.bodies)
    assert {body["start_time"] for body in site.bodies[0]} == {None}


def test_those_that_were_due_while_one_was_answered_late_are_late_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server stalls once for a second: nineteen quick answers say nothing about the questions due in the stall."""
    monkeypatch.setattr(under_load, "MOST_LOADS", 1)
    site = Site(takes_s=0.5)
    site.slow_once_s = 1.0
    told = asking(site).health_checks()
    assert sum(took_ms > 500 for took_ms in told.latencies_ms) >= 25


def test_answers_that_take_longer_than_the_pause_between_two_questions_are_no_queue_of_the_suite(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A question every 10 ms, each answered after 50 ms, as the limit permits: each took 50 ms, including the last."""
    monkeypatch.setattr(under_load, "MOST_LOADS", 1)
    site = Site(takes_s=1.5)
    site.each_s = 0.05
    told = sorted(asking(site).health_checks().latencies_ms)
    assert told[len(told) // 2] < 150


def test_mongodb_is_asked_while_recordings_are_looked_up() -> None:
    site = Site()
    index = SimpleNamespace(ping_ms=lambda: 7.0, answer_time_of=rated)
    told = asking(site).index_speed(cast(Any, index), TIMES).samples_ms
    assert len(told) >= ENOUGH and {body["start_time"] for body in site.bodies[0]} == {None, TIMES["start_time"]}


def test_a_few_slow_answers_of_mongodb_are_not_outweighed_by_the_quick_ones_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Slow from the tenth on: the questions due meanwhile are late as well, and the median shows it."""
    monkeypatch.setattr(under_load, "MOST_LOADS", 1)
    calm = MachineUse(2, 10.0, 0.0, None, 0.0)
    monkeypatch.setattr(under_load, "MachineMeter", lambda: SimpleNamespace(use=lambda: calm))
    pauses_s = iter([0.0] * 10 + [0.15] * 1_000)
    index = SimpleNamespace(ping_ms=lambda: threading.Event().wait(next(pauses_s)), answer_time_of=rated)
    told = sorted(asking(Site(takes_s=0.5)).index_speed(cast(Any, index), TIMES).samples_ms)
    assert told[0] < 100 < told[len(told) // 2]


@pytest.mark.parametrize(
    ("others_share", "median_ms", "decides"),
    [(0.1, 150.0, True), (0.5, 99.0, True), (0.5, 150.0, False), (0.5, 250.0, True)],
)
def test_late_answers_of_mongodb_decide_nothing_where_the_busy_machine_explains_them(
    monkeypatch: pytest.MonkeyPatch, others_share: float, median_ms: float, decides: bool
) -> None:
    use = MachineUse(2, 10.0, others_share, None, 0.0)
    monkeypatch.setattr(under_load, "MachineMeter", lambda: SimpleNamespace(use=lambda: use))
    monkeypatch.setattr(under_load, "MOST_LOADS", 1)
    index = SimpleNamespace(ping_ms=lambda: 1.0, answer_time_of=lambda _: rated([median_ms]))
    speed = functools.partial(asking(Site(takes_s=0.1)).index_speed, cast(Any, index), TIMES)
    if decides:
        assert speed().median_ms == median_ms
    else:
        with pytest.raises(Inconclusive, match="150.0 ms, the limit is 100 ms; this machine was busy: other programs"):
            speed()


@pytest.mark.parametrize(
    ("site", "first"),
    [(Site(status=503), "503 "), (Site(fails=True), "nobody answers")],
)
def test_answers_that_fail_are_told_and_count(site: Site, first: str) -> None:
    told = asking(site).health_checks()
    assert f"failed, the first: {first}" in told.trouble


def test_a_load_that_opened_hardly_anything_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under_load, "MOST_LOADS", 1)
    with pytest.raises(AssertionError, match="no load to ask under: 3 of 50 were opened"):
        asking(Site(opens=3, takes_s=0.1)).health_checks()


def test_a_load_that_a_busy_machine_has_spoilt_decides_nothing() -> None:
    site = Site(opens=3, takes_s=0.1)
    site.machine = MachineUse(2, 10.0, 0.8, 0.97, 3.0)
    with pytest.raises(Inconclusive, match="3 of 50 were opened; this machine was busy: other programs took 80%"):
        asking(site).health_checks()


def test_on_the_machine_of_the_estate_a_load_that_was_spoilt_is_made_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine stalls for most of the first load and is quiet for the second: both are reported."""
    monkeypatch.setattr(under_load, "MOST_LOADS", 1)
    monkeypatch.setattr(once_more, "wait_until_calm", lambda within_s: 1.5)
    uses = iter([MachineUse(2, 3.2, 0.01, 0.62, 2.8), MachineUse(2, 3.2, 0.01, 0.1, 0.0)])
    monkeypatch.setattr(under_load, "MachineMeter", lambda: SimpleNamespace(use=lambda: next(uses)))
    site = Site(takes_s=1.3)
    site.slow_once_s = 2.3
    told = asking(site, is_embedded=True).health_checks()
    assert len(site.bodies) == 2 and max(told.latencies_ms) < 1000
    assert told.told_before[0].startswith("measured again, when this machine had been calm after 1.5 s; before that:")
    assert "this machine was busy: other programs took 1%" in told.told_before[0]


def test_where_no_load_is_permitted_nothing_is_asked() -> None:
    site = Site()
    with pytest.raises(SafetyError):
        asking(site, REFUSED).health_checks()
    with pytest.raises(SafetyError):
        Polling(cast(Any, site), REFUSED).metadata("1-2")
    assert site.bodies == []


def test_metadata_are_read_a_hundred_times() -> None:
    assert [answer.text for answer in Polling(cast(Any, Site()), PERMITTED).metadata("1-2")] == ["1-2"] * READS
