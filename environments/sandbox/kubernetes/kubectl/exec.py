"""``pods/exec``: runs a command in a container over a WebSocket, with separate stdout, stderr and exit code."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from aiohttp import WSMsgType, web

from environments.sandbox.kubernetes.kubectl.kubelet_client import Connection, Kubelet, KubeletRefused
from environments.sandbox.kubernetes.kubectl.logs import container_of, state_of
from environments.sandbox.kubernetes.kubectl.streams import check_placed, upgraded
from environments.sandbox.kubernetes.query import flag
from environments.sandbox.kubernetes.store.errors import ApiError, bad_request
from environments.sandbox.shared.json_text import encode

_PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
_STDOUT, _STDERR, _STATUS = 1, 2, 3
_ENDED_BY_SIGNAL = 137


async def execute(request: web.Request, kubelet: Kubelet, pod: dict[str, Any]) -> web.StreamResponse:
    """Run the command of the query. Data for its standard input is ignored: none of the commands reads it."""
    check_placed(pod)
    command = request.query.getall("command", [])
    if not command or not command[0]:
        raise bad_request("you must specify at least 1 command for the container")
    container = container_of(pod, request.query.get("container", ""))
    if "running" not in state_of(pod, container):
        return web.Response(text=f'container not found ("{container}")', status=404)
    socket = await upgraded(request, _PROTOCOLS)
    try:
        connection = await kubelet.run(pod["metadata"]["uid"], container, command)
    except KubeletRefused as refused:
        await _end(socket, ApiError(500, "InternalError", str(refused)).status())
        return socket
    except ApiError as error:  # after the upgrade it is too late for an HTTP error
        await _end(socket, error.status())
        return socket
    running: asyncio.Task[int] = asyncio.create_task(_pass_on(request, connection, socket))
    left = asyncio.create_task(_until_left(socket))
    try:
        await asyncio.wait({running, left}, return_when=asyncio.FIRST_COMPLETED)
        if running.done() and not left.done():
            await _end(socket, _outcome(running.result()))
    finally:
        connection.close()
        for task in (running, left):
            task.cancel()
        await asyncio.gather(running, left, return_exceptions=True)
    return socket


async def _pass_on(request: web.Request, connection: Connection, socket: web.WebSocketResponse) -> int:
    """Forward the output of the command and return its exit code. With a terminal, both outputs become one."""
    terminal = flag(request, "tty")
    wanted = {_STDOUT: flag(request, "stdout"), _STDERR: flag(request, "stdout" if terminal else "stderr")}
    while (line := await connection.line()) is not None:
        if "exit" in line:
            return int(line["exit"])
        stream: int = line["stream"]
        if wanted[stream] and line["data"]:
            await socket.send_bytes(bytes([_STDOUT if terminal else stream]) + line["data"].encode())
    return _ENDED_BY_SIGNAL  # the container has ended, and with it its commands


async def _until_left(socket: web.WebSocketResponse) -> None:
    async for message in socket:
        if message.type is WSMsgType.ERROR:
            return


def _outcome(exit_code: int) -> dict[str, Any]:
    if exit_code == 0:
        return {"status": "Success"}
    return {
        "status": "Failure", "reason": "NonZeroExitCode",
        "message": f"command terminated with non-zero exit code: exit status {exit_code}",
        "details": {"causes": [{"reason": "ExitCode", "message": str(exit_code)}]},
    }  # fmt: skip


async def _end(socket: web.WebSocketResponse, status: Mapping[str, Any]) -> None:
    await socket.send_bytes(bytes([_STATUS]) + encode({"metadata": {}, **status}))
    await socket.close()
