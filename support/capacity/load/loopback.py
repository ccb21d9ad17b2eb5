"""``python -m support.capacity.load.loopback``: a server of known service time, to measure what a client adds to it.

It is a process of its own, so that it does not wait for the client's interpreter. It prints its port and serves until
its standard input ends. Each answer says when the request arrived and when it was answered (monotonic seconds, which
are the same for all processes of a machine).
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import subprocess
import sys
import time
from types import TracebackType

ARRIVED, LEFT = "X-Arrived-S", "X-Left-S"
LOOPBACK = "127.0.0.1"
_BACKLOG = 8192


class LoopbackServer:
    """Starts the server and gives its URL while the ``with`` block lasts."""

    def __init__(self, service_ms: float, host: str = LOOPBACK) -> None:
        """``host`` is an address of this machine: loopback, or another one for clients on other machines."""
        self.service_ms, self._host = service_ms, host
        self.url = ""

    def __enter__(self) -> LoopbackServer:
        command = [sys.executable, "-m", __name__, f"--service-ms={self.service_ms}", f"--host={self._host}"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self._process.stdout is None:
            raise RuntimeError("the loopback server has no output")
        port = self._process.stdout.readline().strip()
        if not port:
            raise RuntimeError(f"the loopback server ended with {self._process.wait()} before it was ready")
        self.url = f"http://{self._host}:{port}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()


class _LoopbackConnection(asyncio.Protocol):
    """Answers each request after its service time. Supports only the HTTP these clients send."""

    def __init__(self, service_s: float) -> None:
        self._service_s = service_s
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if separator and len(body) >= _announced(head):
            self._received = body[_announced(head) :]
            # A GET only opens the connection and is answered at once.
            delay_s = 0.0 if head.startswith(b"GET ") else self._service_s
            asyncio.get_running_loop().call_later(delay_s, self._answer, time.monotonic())

    def _answer(self, arrived_s: float) -> None:
        body = b'{"job_id":"1-1","padding":"' + b"x" * 400 + b'"}'
        head = (
            f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            f"{ARRIVED}: {arrived_s}\r\n{LEFT}: {time.monotonic()}\r\n\r\n"
        )
        if isinstance(self._transport, asyncio.Transport) and not self._transport.is_closing():
            self._transport.write(head.encode() + body)


def _announced(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    return 0


async def _serve(service_s: float, host: str) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _LoopbackConnection(service_s), host, 0, backlog=_BACKLOG)
    print(server.sockets[0].getsockname()[1], flush=True)
    ended = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), ended.set)
    await ended.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Serve every request after a fixed time, until the input ends.")
    parser.add_argument("--service-ms", type=float, required=True)
    parser.add_argument("--host", required=True)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # on Ctrl-C the run closes our input
    options = parser.parse_args()
    asyncio.run(_serve(options.service_ms / 1000, options.host))
