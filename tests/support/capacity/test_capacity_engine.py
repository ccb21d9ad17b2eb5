"""The load engine against servers on loopback and against senders that misbehave."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import dataclass, field

import pytest

from support import processor
from support.capacity.load.loopback import LoopbackServer
from support.capacity.load.self_check import added_ms, check_generator, one_round
from support.clients.focus_server.load_client import LoadClient, Reply
from support.clients.journal import Journal
from support.clients.load_engine import Burst, CapExceeded, Caps, Sample, fair_turns, fire
from support.clients.safety import Budget
from support.statistics.operational import arrival_spread_ms, peak_in_flight
from tests.support.clients.client_doubles import FocusServerAt

PATIENCE = Caps(100, 10.0)


def client(url: str, journal: Journal | None = None) -> LoadClient:
    return LoadClient(
        FocusServerAt(url),
        journal or Journal(),
        Budget.on_loopback(),
    )


@dataclass
class Waits:
    """A sender that answers when the test permits it."""

    go: threading.Event = field(default_factory=threading.Event)
    sent: threading.Event = field(default_factory=threading.Event)

    def send(self) -> Reply:
        sent_s = time.monotonic()
        self.sent.set()
        self.go.wait(60)
        return Reply(sent_s, time.monotonic(), 200)


@pytest.fixture(scope="module")
def server() -> str:
    with LoopbackServer(100) as started:
        yield started.url


def test_every_request_is_sent_once_and_measured_from_its_intended_start(server: str) -> None:
    burst = one_round(client(server), 40)
    assert [sample.number for sample in burst.samples] == list(range(40))
    assert {sample.status for sample in burst.samples} == {200}
    assert all(sample.intended_s <= sample.sent_s < sample.done_s for sample in burst.samples)
    assert all(sample.response_ms >= sample.service_ms >= 100 for sample in burst.samples)
    assert all(added_ms(sample) >= 0 for sample in burst.samples)
    assert burst.stopped_because == ""


def test_a_sample_says_for_how_long_this_machine_kept_the_suite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor.heartbeat, "lost_s", iter([3.0, 3.7]).__next__)
    sender = Waits()
    sender.go.set()
    (sample,) = fire([sender], PATIENCE).samples
    assert sample.lost_s == pytest.approx(0.7)


def test_starts_are_a_millisecond_apart(server: str) -> None:
    intended = [sample.intended_s for sample in one_round(client(server), 20).samples]
    steps = [later - earlier for earlier, later in zip(intended, intended[1:], strict=False)]
    assert steps == [pytest.approx(0.001)] * 19


def test_all_are_in_flight_together() -> None:
    """Each request waits until all were sent: however slow the machine is, all 40 are in flight at one moment."""
    everybody = threading.Barrier(40)

    class Together:
        def send(self) -> Reply:
            sent_s = time.monotonic()
            everybody.wait(60)
            return Reply(sent_s, time.monotonic(), 200)

    burst = fire([Together() for _ in range(40)], Caps(40, 90.0))
    assert peak_in_flight(burst.in_flight) == 40
    assert arrival_spread_ms([sample.sent_s for sample in burst.samples]) > 0


def test_the_switch_interval_is_put_back_whatever_happens() -> None:
    before = sys.getswitchinterval()
    with pytest.raises(KeyError), fair_turns():
        assert sys.getswitchinterval() == pytest.approx(0.0005)
        raise KeyError
    assert sys.getswitchinterval() == before


def test_more_than_the_cap_is_refused_before_anything_is_sent() -> None:
    senders = [Waits() for _ in range(3)]
    with pytest.raises(CapExceeded, match="3 requests at once are refused: the cap is 2"):
        fire(senders, Caps(2, 1.0))
    assert not any(sender.sent.is_set() for sender in senders)


def test_what_is_not_answered_within_the_cap_is_given_up_and_says_so() -> None:
    late, seen = Waits(), []
    burst = fire([late], Caps(1, 0.05), on_done=seen.append)
    assert burst.samples[0].status is None
    assert burst.samples[0].error == burst.stopped_because == "no answer within the cap of 0.05 s for the whole load"
    assert burst.samples[0].response_ms >= 50
    late.go.set()
    assert waits_for(lambda: [sample.status for sample in seen] == [200]), "an answer that came late was not taken in"


def test_after_a_stop_nothing_more_is_sent_and_what_is_under_way_is_waited_for() -> None:
    stop, senders = threading.Event(), [Waits() for _ in range(2)]

    def end(sample: Sample) -> None:
        stop.set()

    senders[0].go.set()
    burst = fire(senders, PATIENCE, stagger_s=1.0, on_done=end, stop=stop)
    assert [sample.status for sample in burst.samples] == [200, None]
    assert burst.stopped_because == "the load was stopped before it was complete"
    assert not senders[1].sent.is_set()


def test_trouble_with_an_answer_is_raised_and_stops_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "excepthook", lambda arguments: None)  # it is raised here, and in its thread too
    senders = [Waits() for _ in range(2)]
    senders[0].go.set()

    def fail(sample: Sample) -> None:
        raise KeyError("ledger")

    with pytest.raises(KeyError, match="ledger"):
        fire(senders, PATIENCE, stagger_s=1.0, on_done=fail)
    assert not senders[1].sent.is_set()


def test_a_refused_connection_is_an_outcome_and_is_not_tried_again() -> None:
    journal = Journal()
    connections = client("http://127.0.0.1:9", journal).connections("GET", "/ack", [None], warm=False)
    burst: Burst = fire(connections, PATIENCE)
    assert burst.samples[0].status is None
    assert "refused" in burst.samples[0].error
    assert burst.stopped_because == ""


def test_a_good_generator_is_trusted(server: str) -> None:
    check = check_generator(client, 20, limit_ms=1000, allowed_ms=5000)
    assert check.trusted
    assert check.reason == ""
    assert check.peak_in_flight == 20
    assert 0 < check.added_p50_ms <= check.added_p95_ms


def test_a_generator_that_adds_too_much_is_not_trusted_and_says_how_much() -> None:
    check = check_generator(client, 5, limit_ms=20, allowed_ms=0.0)
    assert not check.trusted
    assert "at P95 to a server of 20 ms, allowed are 0 ms" in check.reason


def waits_for(condition: object, within_s: float = 60.0) -> bool:
    deadline = time.monotonic() + within_s
    pause = threading.Event()
    while not condition():  # type: ignore[operator]
        if time.monotonic() > deadline:
            return False
        pause.wait(0.01)
    return True
