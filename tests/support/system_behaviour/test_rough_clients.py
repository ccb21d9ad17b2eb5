"""The rough clients: the bytes they send, and their handling of the answer."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from support.clients.focus_server.client import ConnectionFailed
from support.clients.focus_server.raw_connection import RawConnection
from support.clients.journal import Journal
from support.clients.safety import Budget, SafetyPolicy
from support.product.rough_clients import pieces
from tests.support.clients.client_doubles import FocusServerAt

BUDGET = Budget(SafetyPolicy("nowhere"))
BODY = {"start_time": 1, "end_time": 2}
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]"


class Listener:
    """Accepts one connection, keeps what it receives up to ``wanted`` bytes or the end, and answers with ``reply``."""

    def __init__(self, reply: bytes, wanted: int) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.received, self.error = b"", ""
        self._reply, self._wanted = reply, wanted
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        connection, _ = self._socket.accept()
        with connection:
            try:
                while len(self.received) < self._wanted and (more := connection.recv(4096)):
                    self.received += more
                connection.sendall(self._reply)
            except ConnectionError as error:
                self.error = type(error).__name__

    def end(self) -> None:
        self._thread.join(60)
        self._socket.close()


Start = Callable[..., Listener]


@pytest.fixture
def listening() -> Iterator[Start]:
    started: list[Listener] = []

    def start(reply: bytes = ANSWER, wanted: int = 1) -> Listener:
        started.append(Listener(reply, wanted))
        return started[-1]

    yield start
    for listener in started:
        listener.end()


def connect(listener: Listener, journal: Journal | None = None) -> RawConnection:
    settings = FocusServerAt(f"http://127.0.0.1:{listener.port}/focus-server")
    return RawConnection(settings, "/recordings_in_time_range", BODY, journal or Journal(), BUDGET)


def test_request_in_pieces_is_one_request(listening: Start) -> None:
    listener, journal = listening(wanted=10_000_000), Journal()
    with connect(listener, journal) as connection:
        whole = connection.head + connection.body
        connection.send(connection.head)
        for piece in pieces(connection.body, 5):
            connection.send(piece)
        connection._socket.shutdown(socket.SHUT_WR)
        answer = connection.answer()
    assert (answer.status, answer.json()) == (200, [])
    listener.end()
    assert listener.received == whole
    assert whole.startswith(b"POST /focus-server/recordings_in_time_range HTTP/1.1\r\n") and b"end_time" in whole
    assert "200 []" in journal.text()


def test_abandoned_connection_is_reset(listening: Start) -> None:
    listener, journal = listening(wanted=10_000_000), Journal()
    connection = connect(listener, journal)
    connection.send(connection.head + connection.body[:5])
    connection.abandon()
    listener.end()
    assert listener.error == "ConnectionResetError"
    assert "abandoned half way" in journal.text()


def test_server_that_asks_for_the_body_has_noticed_the_request(listening: Start) -> None:
    listener = listening(b"HTTP/1.1 100 Continue\r\n\r\n")
    settings = FocusServerAt(f"http://127.0.0.1:{listener.port}/focus-server")
    with RawConnection(settings, "/configure", BODY, Journal(), BUDGET, asks_first=True) as connection:
        connection.send(connection.head)
        assert connection.wait_until_noticed(5) is True
    listener.end()
    assert b"Expect: 100-continue\r\n" in listener.received and b"end_time" not in listener.received


@pytest.mark.parametrize("reply", [ANSWER, b""])
def test_server_that_does_not_ask_for_the_body_is_not_waited_for(listening: Start, reply: bytes) -> None:
    listener = listening(reply, wanted=10_000_000 if not reply else 1)
    with connect(listener) as connection:
        connection.send(connection.head)
        assert connection.wait_until_noticed(0.05) is False


@pytest.mark.parametrize("reply", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n["])
def test_answer_that_does_not_come(listening: Start, reply: bytes) -> None:
    with connect(listening(reply)) as connection:
        connection.send(connection.head)
        with pytest.raises(ConnectionFailed, match="no answer"):
            connection.answer()


def test_server_that_is_not_there(listening: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(ConnectionFailed, match="no connection"):
        RawConnection(FocusServerAt(f"http://127.0.0.1:{port}"), "/configure", BODY, Journal(), BUDGET)


@pytest.mark.parametrize("length", [1, 4, 5, 23, 100])
def test_pieces_are_the_whole(length: int) -> None:
    body = json.dumps("x" * length).encode()
    found = pieces(body, 5)
    assert b"".join(found) == body and len(found) <= 5 and all(found)
