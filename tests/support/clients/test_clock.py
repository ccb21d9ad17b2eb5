"""The offset between two clocks, and evidence windows converted to the cluster's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from client_doubles import FocusServerAt, KubernetesAt, Received, Reply, http_server

from support.clients.clock import ClockOffset
from support.clients.focus_server.client import FocusServerClient
from support.clients.journal import Journal
from support.clients.kubernetes.client import KubernetesClient
from support.clients.safety import Budget, SafetyPolicy
from support.hooks import session

NOW = datetime(2026, 3, 1, 12, 0, 0, 400_000, tzinfo=UTC)


def header(theirs: datetime) -> dict[str, str]:
    return {"Date": format_datetime(theirs.replace(microsecond=0), usegmt=True)}


@pytest.mark.parametrize("offset_s", [0.0, 0.7, -0.7, 600.0, -600.0, 7200.0])
def test_the_offset_is_found_within_a_second(offset_s: float) -> None:
    clock = ClockOffset("the cluster")
    for tenths in range(0, 30, 3):
        sent = NOW + timedelta(seconds=tenths / 10)
        received = sent + timedelta(milliseconds=20)
        clock.note(header(sent + timedelta(seconds=offset_s, milliseconds=10)), sent, received)
    assert clock.is_known
    assert clock.seconds == pytest.approx(offset_s, abs=1.0)
    late = clock.theirs(NOW) - (NOW + timedelta(seconds=offset_s))
    assert timedelta(seconds=-1.1) < late <= timedelta(seconds=0.8)


@pytest.mark.parametrize(
    "headers", [{}, {"Date": ""}, {"Date": "yesterday"}, {"Date": "Tue, 99 Foo 2026 00:00:00 GMT"}]
)
def test_an_answer_without_a_date_tells_nothing(headers: dict[str, str]) -> None:
    clock = ClockOffset("the cluster")
    clock.note(headers, NOW, NOW)
    assert not clock.is_known
    assert clock.theirs(NOW) == NOW
    assert str(clock) == "the clock of the cluster is not known: its answers have no date"


def lease(renewed: datetime, lasts_s: int = 40) -> dict[str, object]:
    return {"spec": {"renewTime": renewed.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), "leaseDurationSeconds": lasts_s}}


def event(at: datetime, **more: object) -> dict[str, object]:
    return {"lastTimestamp": at.strftime("%Y-%m-%dT%H:%M:%SZ"), **more}


class Undated:
    """A cluster behind a proxy that removes the dates of its answers. Values of None are forbidden to read."""

    def __init__(self, **told: Any) -> None:
        self.told = {"leases": None, "node_leases": None, "events": None, **told}

    def answer(self, received: Received) -> Reply:
        path = received.path.partition("?")[0]
        kind = "node_leases" if "kube-node-lease" in path else path.rsplit("/", 1)[1]
        items = self.told.get(kind, [])
        body = {"items": items} if items is not None else {"message": "forbidden"}
        return Reply.json(body, 200 if items is not None else 403, {"Date": "none"})


def learnt(**told: Any) -> ClockOffset:
    with http_server(Undated(**told).answer) as server:
        cluster = KubernetesClient(KubernetesAt(server.url), Journal(), SafetyPolicy("x"))
        cluster.namespaces()
        assert not cluster.clock.is_known
        cluster.learn_clock()
    return cluster.clock


def ago(seconds: float, offset_s: float = 0.0) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=offset_s - seconds)


@pytest.mark.parametrize("kind", ["leases", "node_leases"])
@pytest.mark.parametrize("offset_s", [-600.0, 600.0])
def test_where_answers_have_no_date_the_newest_lease_tells_the_clock(kind: str, offset_s: float) -> None:
    clock = learnt(**{kind: [lease(ago(5, offset_s)), lease(ago(90_000, offset_s), 15)]})
    assert clock.seconds == pytest.approx(offset_s, abs=41)
    assert clock.theirs(NOW) <= NOW + timedelta(seconds=offset_s)
    assert str(clock).endswith("this machine, as a lease of it tells")


def test_a_lease_that_fits_the_clock_of_this_machine_corrects_nothing() -> None:
    clock = learnt(leases=[lease(ago(5))])
    assert clock.is_known and clock.seconds == 0 and clock.theirs(NOW) == NOW
    assert str(clock) == "the clock of the cluster is that of this machine, as a lease of it tells"


def test_where_no_lease_may_be_read_the_newest_event_tells_of_a_clock_that_is_ahead() -> None:
    clock = learnt(events=[event(ago(9000, 600)), event(ago(10, 600), eventTime=None)])
    assert clock.seconds == pytest.approx(590, abs=5)
    assert "ahead of this machine, as an event of it tells" in str(clock)


@pytest.mark.parametrize("events", [None, [], [event(ago(30))], [{"lastTimestamp": "soon"}, {}]])
def test_where_nothing_tells_the_clock_that_is_said(events: Any) -> None:
    clock = learnt(leases=[], events=events)
    assert not clock.is_known and clock.theirs(NOW) == NOW
    assert "neither a lease nor an event tells it: how it stands to that of this machine cannot be told" in str(clock)


def test_a_cluster_whose_answers_have_dates_is_not_asked_for_leases() -> None:
    with http_server(lambda received: Reply.json({"items": []}, 200, header(datetime.now(UTC)))) as server:
        cluster = KubernetesClient(KubernetesAt(server.url), Journal(), SafetyPolicy("x"))
        cluster.namespaces()
        cluster.learn_clock()
        assert len(server.received) == 1


@pytest.mark.parametrize(
    ("offset_s", "said"),
    [(0.0, ""), (600.0, "note: the clock of the cluster is 6"), (None, "note: the clock of the cluster is not known")],
)
def test_a_clock_that_matters_is_told_at_the_start(
    offset_s: float | None, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = ClockOffset("the cluster")
    if offset_s is not None:
        clock.note(header(NOW + timedelta(seconds=offset_s)), NOW, NOW)
    session._tell_clock(clock)
    told = capsys.readouterr().err
    assert told.startswith(said) and bool(told) == bool(said)


def test_a_clock_that_is_set_is_believed_anew() -> None:
    clock = ClockOffset("the cluster")
    clock.note(header(NOW), NOW, NOW)
    clock.note(header(NOW + timedelta(seconds=600)), NOW, NOW)
    assert clock.seconds == pytest.approx(600, abs=1)
    assert str(clock).endswith("s ahead of this machine")


def test_clients_learn_the_clock_from_what_they_ask_anyway() -> None:
    theirs = datetime.now(UTC) - timedelta(seconds=600)

    class Late:
        def answer(self, received: object) -> Reply:
            return Reply.json({"gitVersion": "v1.34.1"}, 200, header(theirs))

    with http_server(Late().answer) as server:
        cluster = KubernetesClient(KubernetesAt(server.url), Journal(), SafetyPolicy("x"))
        cluster.version()
        focus = FocusServerClient(FocusServerAt(server.url), Journal(), Budget(SafetyPolicy("x")))
        focus.ack()
    assert cluster.clock.seconds == pytest.approx(-600, abs=3)
    assert focus.clock.seconds == pytest.approx(-600, abs=3)
    assert "s behind this machine" in str(cluster.clock)
