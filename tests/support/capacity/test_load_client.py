"""Load is refused by the client itself where it is not permitted, and bounded everywhere."""

from __future__ import annotations

import pytest

from support.capacity.load.loopback import LoopbackServer
from support.clients.focus_server.load_client import MOST_CONNECTIONS, LoadClient, TooMuchLoad
from support.clients.journal import Journal
from support.clients.safety import SafetyError, SafetyPolicy
from tests.support.clients.client_doubles import FocusServerAt


def test_load_is_refused_where_it_is_not_permitted() -> None:
    journal = Journal()
    client = LoadClient(FocusServerAt("http://127.0.0.1:9"), journal, SafetyPolicy("production"))
    with pytest.raises(SafetyError, match="'production' does not permit to send 200 requests at once: safety.load"):
        client.connections("POST", "/configure", [{}] * 200, warm=True)
    assert journal.since() == []


def test_more_than_the_most_is_refused() -> None:
    client = LoadClient(FocusServerAt("http://127.0.0.1:9"), Journal(), SafetyPolicy("sandbox", load=True))
    with pytest.raises(TooMuchLoad, match="1001 requests at once are refused: this suite never sends more than 1000"):
        client.connections("POST", "/configure", [{}] * (MOST_CONNECTIONS + 1), warm=False)


def test_an_exchange_is_written_into_the_journal() -> None:
    journal = Journal()
    with LoopbackServer(1) as server:
        client = LoadClient(FocusServerAt(server.url), journal, SafetyPolicy("sandbox", load=True))
        (connection,) = client.connections("POST", "/configure", [{"view_type": "0"}], warm=False)
        client.note(connection, connection.send())
    (call,) = journal.since()
    assert call.request == f'POST {server.url}/configure\n{{"view_type": "0"}}'
    assert call.answer.startswith('200 (application/json) {"job_id":"1-1"')
