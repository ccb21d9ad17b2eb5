"""Local stream ports for a cluster whose node ports are unreachable: each port is forwarded through the cluster's API.

A port opens here only once the pod behind it accepts connections: a client has no other way to notice a refusal.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager

import aiohttp

from environments.sandbox.shared.defects import end_on_defect
from environments.sandbox.shared.informer import Informer
from environments.sandbox.shared.kubernetes_client import KubernetesClient, Object, Refused, Unreachable, collection

_DATA, _ERROR = 0, 1
"""The channels of a WebSocket for one port. The first message of each channel is the port number."""
_GREETING_BYTES = 3
_REFUSED_WITHIN_S = 0.3
_LOOK_AGAIN_S = 0.5
_CHUNK_BYTES = 1 << 16


class Forwards:
    """Forwards the node port of each service in a namespace. ``addresses`` are the nodes' addresses on this machine."""

    def __init__(self, client: KubernetesClient, namespace: str, addresses: list[str], log: logging.Logger) -> None:
        self._client, self._namespace, self._addresses = client, namespace, addresses
        self._serving: dict[str, asyncio.Task[None]] = {}
        services, pods = collection("services", namespace), collection("pods", namespace)
        self._services = Informer(client, services, self._changed, title="services", log=log)
        self._pods = Informer(client, pods, lambda pod, gone: None, title="pods", log=log)

    def start(self) -> None:
        self._pods.start()
        self._services.start()

    async def stop(self) -> None:
        await self._services.stop()
        await self._pods.stop()
        for task in self._serving.values():
            task.cancel()
        await asyncio.gather(*self._serving.values(), return_exceptions=True)

    def _changed(self, service: Object, gone: bool) -> None:
        name, port = service["metadata"]["name"], (service["spec"].get("ports") or [{}])[0]
        if gone and name in self._serving:
            self._serving.pop(name).cancel()
        target = port.get("targetPort", port.get("port"))
        if not gone and port.get("nodePort") and isinstance(target, int) and name not in self._serving:
            self._serving[name] = asyncio.create_task(
                self._serve(service["spec"]["selector"], port["nodePort"], target)
            )
            self._serving[name].add_done_callback(end_on_defect)

    async def _serve(self, selector: Mapping[str, str], port: int, target: int) -> None:
        """Listen from when a pod of the service answers until none runs; repeat until cancelled."""
        connections = set[asyncio.Task[None]]()

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.create_task(self._forward(selector, target, reader, writer))
            connections.add(task)
            task.add_done_callback(connections.discard)

        try:
            while True:
                while not await self._answers(selector, target):
                    await asyncio.sleep(_LOOK_AGAIN_S)
                async with await asyncio.start_server(accept, self._addresses, port):
                    while self._pod(selector) is not None:
                        await asyncio.sleep(_LOOK_AGAIN_S)
        finally:
            for task in connections:
                task.cancel()

    async def _answers(self, selector: Mapping[str, str], port: int) -> bool:
        """Whether the pod accepts connections, i.e. does not refuse one at once."""
        try:
            async with self._socket(selector, port) as socket:
                async with asyncio.timeout(_REFUSED_WITHIN_S):
                    async for message in socket:
                        if message.data[0] == _ERROR and len(message.data) > _GREETING_BYTES:
                            return False
                    return False
        except TimeoutError:
            return True
        except (Refused, Unreachable, LookupError):
            return False

    def _pod(self, selector: Mapping[str, str]) -> str | None:
        """Return the name of a running pod that the selector matches, if any."""
        for (_, name), pod in self._pods.objects.items():
            labels = pod["metadata"].get("labels") or {}
            if pod["status"].get("phase") == "Running" and selector.items() <= labels.items():
                return name
        return None

    def _socket(
        self, selector: Mapping[str, str], port: int
    ) -> AbstractAsyncContextManager[aiohttp.ClientWebSocketResponse]:
        """Open a port forward to a pod. Raises :class:`LookupError` if no pod runs."""
        name = self._pod(selector)
        if name is None:
            raise LookupError
        return self._client.websocket(f"{collection('pods', self._namespace)}/{name}/portforward", port)

    async def _forward(
        self, selector: Mapping[str, str], port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Forward one connection until either side closes it."""
        with contextlib.suppress(OSError, Refused, Unreachable, LookupError), contextlib.closing(writer):
            async with self._socket(selector, port) as socket:
                sending = asyncio.create_task(_send(reader, socket))
                try:
                    await _receive(socket, writer)
                finally:
                    sending.cancel()


async def _send(reader: asyncio.StreamReader, socket: aiohttp.ClientWebSocketResponse) -> None:
    with contextlib.suppress(OSError):
        while content := await reader.read(_CHUNK_BYTES):
            await socket.send_bytes(bytes([_DATA]) + content)
    await socket.close()


async def _receive(socket: aiohttp.ClientWebSocketResponse, writer: asyncio.StreamWriter) -> None:
    greeted = False
    async for message in socket:
        channel, content = message.data[0], message.data[1:]
        if channel == _ERROR and len(message.data) > _GREETING_BYTES:
            return
        if channel == _DATA and greeted:
            writer.write(content)
            await writer.drain()
        greeted = greeted or channel == _DATA
