"""Small servers on loopback, and settings that point to them."""

from __future__ import annotations

import json
import queue
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from pydantic import SecretStr


@dataclass(frozen=True)
class FocusServerAt:
    base_url: str
    ca_file: Path | None = None
    verify_tls: bool = True
    tls_fingerprint: str | None = None
    connect_timeout_s: float = 2.0
    read_timeout_s: float = 2.0


@dataclass(frozen=True)
class KubernetesAt:
    api_server: str | None
    access: str = "direct"
    kubeconfig: Path | None = None
    context: str | None = None
    token: SecretStr | None = SecretStr("cluster-t0ken")
    ca_file: Path | None = None
    verify_tls: bool = True
    tls_fingerprint: str | None = None
    tls_server_name: str | None = None
    namespace: str = "panda"


@dataclass(frozen=True)
class MongoDBAt:
    uri: SecretStr
    database: str = "prisma"
    connect_timeout_s: float = 0.3


@dataclass(frozen=True)
class HostAt:
    host: str
    port: int
    user: str = "prisma"
    password: SecretStr | None = None
    password_file: Path | None = None
    key_file: Path | None = None


@dataclass(frozen=True)
class SSHAt:
    jump: HostAt | None
    target: HostAt
    known_hosts: Path


@dataclass(frozen=True)
class Received:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """The answer to a request. ``stream`` gives the chunks of an endless body; ``drop`` closes the connection without
    an answer."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    stream: Iterator[bytes] | None = None
    drop: bool = False

    @classmethod
    def json(cls, body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
        return cls(status, json.dumps(body).encode(), {"Content-Type": "application/json", **(headers or {})})


class Broken(Exception):
    """Raised by a stream to break its connection."""


class _QuietServer(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that disconnect early, which some tests are about; report other errors."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class HttpServer:
    """A server that answers by a function and records its requests."""

    def __init__(self, answer: Callable[[Received], Reply]) -> None:
        self.received: list[Received] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                received = Received(self.command, self.path, dict(self.headers), self.rfile.read(length))
                outer.received.append(received)
                reply = answer(received)
                if reply.drop:
                    self.close_connection = True
                    return
                if "Date" in reply.headers:
                    self.send_response_only(reply.status)
                else:
                    self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                if reply.stream is None:
                    self.send_header("Content-Length", str(len(reply.body)))
                    self.end_headers()
                    self.wfile.write(reply.body)
                else:
                    self._stream(reply.stream)

            def _stream(self, chunks: Iterator[bytes]) -> None:
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                try:
                    for chunk in chunks:
                        self.wfile.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
                        self.wfile.flush()
                    self.wfile.write(b"0\r\n\r\n")
                except (Broken, OSError):
                    self.close_connection = True

            do_GET = do_POST = do_DELETE = do_PATCH = do_PUT = handle_any

            def log_message(self, format: str, *args: Any) -> None:
                return

        self._server = _QuietServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def http_server(answer: Callable[[Received], Reply]) -> Iterator[HttpServer]:
    server = HttpServer(answer)
    try:
        yield server
    finally:
        server.close()


@contextmanager
def port_that_refuses() -> Iterator[int]:
    """A port reserved by a socket that does not listen."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield int(held.getsockname()[1])


def named(name: str, version: int = 1, labels: Mapping[str, str] | None = None, **parts: Any) -> dict[str, Any]:
    """A Kubernetes object."""
    metadata = {"name": name, "uid": f"uid-{name}", "resourceVersion": str(version), "labels": dict(labels or {})}
    return {"metadata": metadata, **parts}


def status(code: int, message: str) -> Reply:
    """An error answer of the API server."""
    return Reply.json({"kind": "Status", "status": "Failure", "code": code, "message": message}, code)


class Cluster:
    """A cluster's lists and watches of jobs, pods and services.

    ``say`` sends a watch line; ``end`` and ``break_`` end a watch.
    """

    def __init__(self) -> None:
        self.objects: dict[str, list[dict[str, Any]]] = {"jobs": [], "pods": [], "services": []}
        self.version = 10
        self.lists: dict[str, int] = dict.fromkeys(self.objects, 0)
        self.watches: dict[str, list[str]] = {plural: [] for plural in self.objects}
        self.refuse: Reply | None = None
        self._lines: dict[str, queue.Queue[bytes | None | Exception]] = {
            plural: queue.Queue() for plural in self.objects
        }

    def say(self, plural: str, change: str, item: Mapping[str, Any]) -> None:
        self._lines[plural].put(json.dumps({"type": change, "object": item}).encode() + b"\n")

    def end(self, plural: str) -> None:
        self._lines[plural].put(None)

    def break_(self, plural: str) -> None:
        self._lines[plural].put(Broken())

    def answer(self, received: Received) -> Reply:
        path, _, query = received.path.partition("?")
        plural = path.rsplit("/", 1)[1]
        if self.refuse is not None:
            return self.refuse
        if "watch=true" in query:
            self.watches[plural].append(query)
            return Reply(headers={"Content-Type": "application/json"}, stream=self._stream(plural))
        self.lists[plural] += 1
        return Reply.json({"items": self.objects[plural], "metadata": {"resourceVersion": str(self.version)}})

    def _stream(self, plural: str) -> Iterator[bytes]:
        while (line := self._lines[plural].get()) is not None:
            if isinstance(line, Exception):
                raise line
            yield line
