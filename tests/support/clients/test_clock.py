"""The offset between two clocks, and windows of evidence that are right by the cluster's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from client_doubles import FocusServerAt, KubernetesAt, Reply, http_server

from support.clients.clock import ClockOffset
from support.clients.focus_server.client import FocusServerClient
from support.clients.journal import Journal
from support.clients.kubernetes.client import KubernetesClient
from support.clients.safety import Budget, SafetyPolicy

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
