from __future__ import annotations

import itertools
import json
import socket
import ssl
import threading
from pathlib import Path
from typing import Any

import pytest
import trustme
from client_doubles import FocusServerAt, Received, Reply, http_server, port_that_refuses

from support import processor
from support.clients.focus_server.client import ConnectionFailed, FocusServerClient, ShapeError
from support.clients.journal import Journal
from support.clients.safety import Budget, SafetyPolicy

BUDGET = Budget(SafetyPolicy("nowhere"))
OPENED: dict[str, Any] = {
    "status": "",
    "frequencies_list": [0.0, 2, 4.5],
    "lines_dt": 0.5,
    "channel_to_stream_index": {"1": 0, "2": 0, "3": 1},
    "stream_amount": 2,
    "job_id": "1-1603",
    "frequencies_amount": 3,
    "channel_amount": 3,
    "stream_port": 12301,
    "stream_url": "http://10.1.2.3",
    "view_type": 0,
    "metadata": {"layer_type": "smart_recorder"},
}


def opened_after(change: dict[str, Any], without: str | None = None) -> Any:
    body = {name: value for name, value in {**OPENED, **change}.items() if name != without}
    with http_server(lambda _: Reply.json(body)) as server:
        return FocusServerClient(FocusServerAt(server.url), Journal(), BUDGET).configure({}).opened()


def test_an_opened_investigation() -> None:
    opened = opened_after({})
    assert opened.job_id == "1-1603"
    assert opened.stream_host == "10.1.2.3"
    assert opened.channel_to_stream_index == {1: 0, 2: 0, 3: 1}
    assert opened.frequencies_list == (0.0, 2.0, 4.5)
    assert opened.raw["status"] == ""


@pytest.mark.parametrize("name", sorted(set(OPENED) - {"status", "metadata"}))
def test_a_missing_field_is_named(name: str) -> None:
    with pytest.raises(ShapeError, match=f"^{name} is missing"):
        opened_after({}, without=name)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("stream_port", "12301"),
        ("stream_port", True),
        ("stream_port", 12301.0),
        ("view_type", "0"),
        ("job_id", 1),
        ("lines_dt", "0.5"),
        ("frequencies_list", {}),
        ("frequencies_list", [0.0, None]),
        ("channel_to_stream_index", []),
        ("channel_to_stream_index", {"one": 0}),
        ("channel_to_stream_index", {"1": "0"}),
        ("metadata", "none"),
    ],
)
def test_a_wrong_type_is_named_with_what_came(name: str, value: object) -> None:
    with pytest.raises(ShapeError) as raised:
        opened_after({name: value})
    assert name in str(raised.value) or (name == "channel_to_stream_index" and "1 should" in str(raised.value))


@pytest.mark.parametrize(("name", "value"), [("job_id", ""), ("job_id", "nonsense"), ("stream_port", 99999)])
def test_values_are_left_to_the_scenario(name: str, value: object) -> None:
    assert getattr(opened_after({name: value}), name) == value


def test_metadata_may_be_absent() -> None:
    assert opened_after({}, without="metadata").metadata is None


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": "No recording found in given time range"}, "No recording found in given time range"),
        (
            {"error": "Validation failed", "details": "height must be positive"},
            "Validation failed: height must be positive",
        ),
        ({"detail": "Not Found"}, "Not Found"),
        (
            {"detail": [{"loc": ["body", "channels"], "msg": "Field required"}, {"loc": ["body", 0], "msg": "bad"}]},
            "body.channels: Field required; body.0: bad",
        ),
        ("just text", "just text"),
        ({"other": 1}, '{"other": 1}'),
    ],
)
def test_the_message_of_a_refusal(body: object, message: str) -> None:
    with http_server(lambda _: Reply.json(body, 400)) as server:
        answer = FocusServerClient(FocusServerAt(server.url), Journal(), BUDGET).configure({})
    assert answer.message == message
    with pytest.raises(ShapeError, match="no investigation was opened: the server answered 400"):
        answer.opened()


@pytest.mark.parametrize("body", [b"<html>", b"", b'{"prr": NaN}'])
def test_not_json_is_a_shape_error(body: bytes) -> None:
    with http_server(lambda _: Reply(200, body)) as server:
        answer = FocusServerClient(FocusServerAt(server.url), Journal(), BUDGET).ack()
    assert answer.status == 200
    with pytest.raises(ShapeError, match="should be JSON"):
        answer.json()


def test_a_job_id_is_announced_even_by_a_strange_answer() -> None:
    bodies: list[object] = [{"job_id": "3-17"}, {"job_id": 5}, [], {"error": "x"}]
    with http_server(lambda _: Reply.json(bodies.pop(0), 500)) as server:
        client = FocusServerClient(FocusServerAt(server.url), Journal(), BUDGET)
        assert [client.configure({}).announced_job_id for _ in range(4)] == ["3-17", None, None, None]


@pytest.mark.parametrize("body", [b"{not json", "", '{"view_type": NaN}', {"channels": {"min": 9, "max": -1}}, b"\xff"])
def test_what_is_sent_is_not_judged(body: Any) -> None:
    with http_server(lambda _: Reply(422)) as server:
        FocusServerClient(FocusServerAt(server.url), Journal(), BUDGET).configure(body)
    (received,) = server.received
    expected = (
        json.dumps(body).encode() if isinstance(body, dict) else body if isinstance(body, bytes) else body.encode()
    )
    assert received.body == expected
    assert (received.method, received.path) == ("POST", "/configure")
    assert received.headers["Content-Type"] == "application/json"


def test_paths_stand_under_the_base_url() -> None:
    with http_server(lambda _: Reply.json({})) as server:
        client = FocusServerClient(FocusServerAt(f"{server.url}/focus-server/"), Journal(), BUDGET)
        client.ack()
        client.channels()
        client.live_metadata()
        client.metadata("1/6 x")
        client.recordings_in_time_range({"start_time": 1, "end_time": 2})
        client.request("DELETE", "job/1-16")
    assert [f"{received.method} {received.path}" for received in server.received] == [
        "GET /focus-server/ack",
        "GET /focus-server/channels",
        "GET /focus-server/live_metadata",
        "GET /focus-server/metadata/1%2F6%20x",
        "POST /focus-server/recordings_in_time_range",
        "DELETE /focus-server/job/1-16",
    ]


@pytest.mark.parametrize(
    "reply",
    [
        Reply(500, b"oops"),
        Reply(502),
        Reply(503, headers={"Retry-After": "0"}),
        Reply(429, headers={"Retry-After": "0"}),
        Reply(307, headers={"Location": "/configure"}),
    ],
)
def test_a_post_is_sent_once_whatever_the_answer(reply: Reply) -> None:
    with http_server(lambda _: reply) as server:
        answer = FocusServerClient(FocusServerAt(server.url), Journal(), BUDGET).configure({})
    assert answer.status == reply.status
    assert len(server.received) == 1


def test_a_post_is_sent_once_when_the_connection_breaks() -> None:
    journal = Journal()
    with http_server(lambda received: Reply(drop=received.method == "POST")) as server:
        client = FocusServerClient(FocusServerAt(server.url), journal, BUDGET)
        client.ack()
        with pytest.raises(ConnectionFailed, match="the connection broke") as raised:
            client.configure({"a": 1})
    assert raised.value.kind == "broken"
    assert [received.method for received in server.received] == ["GET", "POST"]
    assert "no answer" in journal.text()


def test_refused_and_late_are_told_apart() -> None:
    with port_that_refuses() as port, pytest.raises(ConnectionFailed, match="connection refused") as raised:
        FocusServerClient(FocusServerAt(f"http://127.0.0.1:{port}"), Journal(), BUDGET).ack()
    assert raised.value.kind == "refused"

    gate = threading.Event()

    def late(_: Received) -> Reply:
        gate.wait(60)
        return Reply()

    with http_server(late) as server:
        client = FocusServerClient(FocusServerAt(server.url, read_timeout_s=0.05), Journal(), BUDGET)
        with pytest.raises(ConnectionFailed, match="no answer within") as raised:
            client.configure({})
        gate.set()
    assert raised.value.kind == "timeout"
    assert len(server.received) == 1


def test_what_the_suite_was_kept_from_is_told_with_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor.heartbeat, "lost_s", itertools.count(3.0, 0.001).__next__)
    with http_server(lambda _: Reply()) as server:
        answer = FocusServerClient(FocusServerAt(server.url), Journal(), BUDGET).ack()
    assert answer.lost_s == pytest.approx(0.001)
    assert answer.given_s == pytest.approx(answer.duration_s - 0.001)


def test_an_untrusted_certificate_is_a_tls_failure(tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    listener = socket.create_server(("127.0.0.1", 0))

    def handshake() -> None:
        connection, _ = listener.accept()
        with connection, pytest.raises(ssl.SSLError):
            context.wrap_socket(connection, server_side=True)

    thread = threading.Thread(target=handshake)
    thread.start()
    url = f"https://127.0.0.1:{listener.getsockname()[1]}"
    with pytest.raises(ConnectionFailed, match="TLS failed") as raised:
        FocusServerClient(FocusServerAt(url, ca_file=other), Journal(), BUDGET).ack()
    thread.join()
    listener.close()
    assert raised.value.kind == "tls"


def test_secrets_never_reach_the_journal_nor_the_answer() -> None:
    journal = Journal(["t0psecret"])
    with http_server(lambda _: Reply.json({"echo": "t0psecret"})) as server:
        client = FocusServerClient(FocusServerAt(server.url), journal, BUDGET)
        answer = client.request(
            "POST", "/configure?key=t0psecret", body={"x": "t0psecret"}, headers={"Authorization": "Bearer abcdefghij"}
        )
    assert server.received[0].headers["Authorization"] == "Bearer abcdefghij"
    for text in (journal.text(), answer.request):
        assert "t0psecret" not in text
        assert "abcdefghij" not in text
    assert "POST" in answer.request


def test_the_environment_names_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with port_that_refuses() as port, http_server(lambda _: Reply()) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
        assert FocusServerClient(FocusServerAt(server.url), Journal(), BUDGET).ack().status == 200
