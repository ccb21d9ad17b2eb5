"""The kubelet's own port: the API server connects here to run commands in containers and to reach their ports.

One connection carries one request: a line of JSON with the node's token. The answer is a line ``{"ok": true}`` or
``{"error": "one sentence"}``. After the ok, ``exec`` sends lines ``{"stream": 1, "data": "text"}`` and finally
``{"exit": 0}``; ``forward`` relays the bytes of the connection.
"""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from environments.sandbox.node.commands import Commands
from environments.sandbox.node.pod_run import PodRun
from environments.sandbox.node.programs import image_name
from environments.sandbox.node.relay import Endpoint
from environments.sandbox.shared.piping import join

_NO_SUCH_CONTAINER = "container not found"


class _Refused(Exception):
    """The request cannot be fulfilled; the text is the answer."""


class Streaming:
    """The server of this port.

    ``processes`` maps images to the address of the sandbox process behind them. ``where`` returns the address on this
    machine of an open port of a pod.
    """

    def __init__(
        self, runs: Callable[[], Iterable[PodRun]], token: str, processes: Mapping[str, str],
        where: Callable[[Endpoint], Endpoint | None],
    ) -> None:  # fmt: skip
        self._runs, self._token, self._processes, self._where = runs, token, processes, where
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    async def start(self, host: str, port: int) -> None:
        self._server = await asyncio.start_server(self._serve, host, port, reuse_port=True)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            await self._answer(reader, writer)
        except (ConnectionError, ValueError, asyncio.CancelledError):
            pass  # the API server disconnected or sent no valid request, or the node is stopping
        finally:
            self._open.discard(task)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = json.loads(await reader.readline())
        try:
            if not hmac.compare_digest(str(request.get("token", "")), self._token):
                raise _Refused("the kubelet does not know this token")
            if request["action"] == "exec":
                await self._exec(request, reader, writer)
            else:
                await self._forward(request, reader, writer)
        except _Refused as refused:
            await _line(writer, {"error": str(refused)})

    def _run(self, request: Mapping[str, Any]) -> PodRun:
        for run in self._runs():
            if run.pod["metadata"]["uid"] == request["uid"]:
                return run
        raise _Refused("pod does not exist")

    async def _exec(
        self, request: Mapping[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Run the command until it ends, the container ends or the API server disconnects."""
        container = self._run(request).containers.get(request["container"])
        if container is None:
            raise _Refused(f'{_NO_SUCH_CONTAINER} ("{request["container"]}")')
        await _line(writer, {"ok": True})

        async def write(stream: int, text: str) -> None:
            await _line(writer, {"stream": stream, "data": text})

        command = asyncio.create_task(Commands(container, write).run(request["command"]))
        left, ended = asyncio.create_task(reader.read()), asyncio.create_task(container.ended.wait())
        tasks: set[asyncio.Task[Any]] = {command, left, ended}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if command.done():
                await _line(writer, {"exit": command.result()})
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _forward(
        self, request: Mapping[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        run, port = self._run(request), int(request["port"])
        place = self._place(run, port)
        try:
            if place is None:
                raise ConnectionRefusedError
            pod_reader, pod_writer = await asyncio.open_connection(*place)
        except OSError:
            where = f"failed to connect to localhost:{port} inside the pod"
            raise _Refused(f"{where}, IPv4: dial tcp4 127.0.0.1:{port}: connect: connection refused") from None
        await _line(writer, {"ok": True})
        await join((reader, writer), (pod_reader, pod_writer))

    def _place(self, run: PodRun, port: int) -> Endpoint | None:
        """Return the address that serves the port of the pod, None if the port is closed.

        It is a process of the sandbox if that stands for the pod's server, otherwise the pod's own program.
        """
        for container in run.containers.values():
            process = self._processes.get(str(image_name(container.spec["image"])))
            ports = [each["containerPort"] for each in container.spec.get("ports", ())]
            if process is not None and port in ports:
                host, _, number = process.rpartition(":")
                return host, int(number)
        addresses = [container.address for container in run.containers.values()]
        if not addresses:
            raise _Refused("the pod is not running")
        return self._where((addresses[0], port))


async def _line(writer: asyncio.StreamWriter, content: Mapping[str, Any]) -> None:
    writer.write(json.dumps(content).encode() + b"\n")
    await writer.drain()
