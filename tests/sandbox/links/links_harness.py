"""Shared helpers of the links tests: the process under test and a small upstream server."""

from __future__ import annotations

import socket
import socketserver
from typing import Any, NamedTuple, Self

from support.waits import Stopwatch
from tests.sandbox.process_runner import RunningProcess

RECEIVE_TIMEOUT_S = 30.0
"""Wall time limit against hanging. It is generous because a link counts given time, which may be a tenth of wall
time."""


class Took(NamedTuple):
    """A duration in wall time and in given time.

    A link delays in given time. Compare ``wall_s`` with a minimum delay, and ``given_s`` with a maximum delay.
    """

    wall_s: float
    given_s: float

    @classmethod
    def by(cls, watch: Stopwatch) -> Self:
        return cls(watch.wall_s(), watch.given_s())


class Upstream(socketserver.BaseRequestHandler):
    """Answers ``give N`` with N bytes, ``bye`` by closing the connection, and anything else with an echo."""

    def handle(self) -> None:
        while data := self.request.recv(65536):
            if data.startswith(b"give "):
                self.request.sendall(b"x" * int(data[5:]))
            elif data == b"bye":
                return
            else:
                self.request.sendall(data)


class UpstreamServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore errors: the tests let the link reset connections."""


class Links:
    """The process under test, its one configured proxy ``mongodb`` and the upstream behind it."""

    def __init__(self, process: RunningProcess, listen: int, upstream: int) -> None:
        self.process = process
        self.listen = listen
        self.upstream = upstream

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        answer = self.process.request("toxiproxy", {"method": method, "path": path, "body": body})
        return answer["status"], answer["body"]

    def add_toxic(self, type: str, stream: str = "downstream", toxicity: float = 1.0, **attributes: int) -> None:
        body = {"type": type, "stream": stream, "toxicity": toxicity, "attributes": attributes}
        status, answer = self.call("POST", "/proxies/mongodb/toxics", body)
        assert status == 200, answer

    def connect(self, port: int | None = None, timeout_s: float = RECEIVE_TIMEOUT_S) -> socket.socket:
        return socket.create_connection(("127.0.0.1", port or self.listen), timeout=timeout_s)

    def connections(self) -> int:
        count: int = self.process.request("state")["connections"]
        return count


def receive(connection: socket.socket, count: int) -> bytes:
    """Receive exactly ``count`` bytes, or fewer if the connection ends before."""
    data = b""
    while len(data) < count and (more := connection.recv(count - len(data))):
        data += more
    return data
