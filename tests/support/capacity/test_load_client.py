"""The budget of the run limits load in each client, before the first request of a burst is sent."""

from __future__ import annotations

import pytest

from support.capacity.load.loopback import LoopbackServer
from support.clients.focus_server.load_client import LoadClient
from support.clients.journal import Journal
from support.clients.safety import Budget, SafetyError, SafetyPolicy
from tests.support.clients.client_doubles import FocusServerAt


def client_of(policy: SafetyPolicy, url: str = "http://127.0.0.1:9", journal: Journal | None = None) -> LoadClient:
    return LoadClient(FocusServerAt(url), journal or Journal(), Budget(policy))


def test_more_at_once_than_is_permitted_is_refused_as_a_whole() -> None:
    journal = Journal()
    client = client_of(SafetyPolicy("production"), journal=journal)
    with pytest.raises(
        SafetyError, match="'production' does not permit to send 200 requests at once: safety.load is not"
    ):
        client.connections("POST", "/configure", [{}] * 200, warm=True)
    client = client_of(SafetyPolicy("site", load=True, requests_at_once=100), journal=journal)
    with pytest.raises(
        SafetyError, match="'site' does not permit to send 101 requests at once: safety.requests_at_once"
    ):
        client.connections("POST", "/configure", [{}] * 101, warm=True)
    assert journal.since() == []


def test_a_single_one_is_no_load() -> None:
    with LoopbackServer(1) as server:
        client = client_of(SafetyPolicy("production"), server.url)
        (connection,) = client.connections("POST", "/configure", [{}], warm=True)
        assert connection.send().status == 200


def test_connections_that_were_made_do_not_send_what_the_budget_does_not_permit() -> None:
    with LoopbackServer(1) as server:
        client = client_of(SafetyPolicy("site", load=True, openings_in_all=1), server.url)
        first, second = client.connections("POST", "/configure", [{}, {}], warm=False)
        assert first.send().status == 200
        with pytest.raises(SafetyError, match="open one more investigation in this run: safety.openings_in_all is 1"):
            second.send()


def test_an_exchange_is_written_into_the_journal() -> None:
    journal = Journal()
    with LoopbackServer(1) as server:
        client = client_of(SafetyPolicy("sandbox", load=True), server.url, journal)
        (connection,) = client.connections("POST", "/configure", [{"view_type": "0"}], warm=False)
        client.note(connection, connection.send())
    (call,) = journal.since()
    assert call.request == f'POST {server.url}/configure\n{{"view_type": "0"}}'
    assert call.answer.startswith('200 (application/json) {"job_id":"1-1"')
