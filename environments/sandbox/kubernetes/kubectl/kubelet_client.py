"""The API server's access to pods: it asks the node's process, as the real API server asks the kubelet."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from environments.sandbox.kubernetes.store.errors import ApiError

_CHUNK_BYTES = 64 * 1024
_LONGEST_LINE_BYTES = 64 * 1024 * 1024
_WAITING_CHUNKS = 256

Incoming = asyncio.Queue[bytes]
"""Data from the client for a pod's port. An empty chunk marks the end."""


class KubeletRefused(Exception):
    """The kubelet refused the request; the message is its reason in one sentence."""


def incoming() -> Incoming:
    return asyncio.Queue(_WAITING_CHUNKS)


@dataclass
class Connection:
    """One accepted request. Closing it ends the command or forward."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def line(self) -> dict[str, Any] | None:
        """Read the next line of the answer; None at its end."""
        text = await self.reader.readline()
        content: dict[str, Any] | None = json.loads(text) if text else None
        return content

    def close(self) -> None:
        self.writer.close()


@dataclass(frozen=True)
class Kubelet:
    """A client of the node's process, which listens on ``port`` and accepts ``token``."""

    host: str
    port: int
    token: str

    async def run(self, uid: str, container: str, command: Sequence[str]) -> Connection:
        """Start a command in a container of the pod with this uid."""
        return await self._ask({"action": "exec", "uid": uid, "container": container, "command": list(command)})

    async def forward(self, uid: str, port: int, arriving: Incoming, send: Callable[[bytes], Awaitable[None]]) -> None:
        """Relay bytes to and from a port of the pod until the pod ends the connection.

        Raises :class:`KubeletRefused` if nothing listens on the port.
        """
        connection = await self._ask({"action": "forward", "uid": uid, "port": port})
        writing = asyncio.create_task(_write(connection.writer, arriving))
        try:
            with contextlib.suppress(ConnectionError):  # the pod has cut the connection, which also ends it
                while data := await connection.reader.read(_CHUNK_BYTES):
                    await send(data)
        finally:
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
            connection.close()

    async def _ask(self, request: Mapping[str, Any]) -> Connection:
        try:
            streams = await asyncio.open_connection(self.host, self.port, limit=_LONGEST_LINE_BYTES)
        except OSError as error:
            where = f"dial tcp {self.host}:{self.port}: connect: connection refused"
            raise ApiError(500, "InternalError", f"error dialing backend: {where}") from error
        connection = Connection(*streams)
        try:
            connection.writer.write(json.dumps({**request, "token": self.token}).encode() + b"\n")
            answer = await connection.line()
            if answer is None or "error" in answer:
                raise KubeletRefused(answer["error"] if answer else "the kubelet has closed the connection")
        except BaseException:
            connection.close()
            raise
        return connection


async def _write(writer: asyncio.StreamWriter, arriving: Incoming) -> None:
    with contextlib.suppress(ConnectionError):  # the pod has cut the connection: the reader notices it
        while data := await arriving.get():
            writer.write(data)
            await writer.drain()
        writer.write_eof()
