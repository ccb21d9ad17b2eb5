"""Pod logs: the files that the node writes, served as the kubelet would serve them."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web

from environments.sandbox.kubernetes.query import flag, number
from environments.sandbox.kubernetes.store.errors import bad_request
from environments.sandbox.kubernetes.store.object_store import Store
from environments.sandbox.kubernetes.store.objects import dig

Object = dict[str, Any]

_POLL_S = 0.05
_TEXT = {"Content-Type": "text/plain; charset=utf-8"}


class PodLogs:
    """The logs in ``<folder>/<namespace>_<pod>_<container>.log``, and ``.previous.log`` for the previous instance."""

    def __init__(self, store: Store, folder: Path) -> None:
        self._store = store
        self._folder = folder

    async def serve(self, request: web.Request, pod: Object) -> web.StreamResponse:
        """Answer with the requested part of a pod's log. Raises 400 while the container has not started.

        A pod that is not on a node yet has no log, which the API reports with 204.
        """
        if flag(request, "timestamps"):
            raise bad_request("the sandbox's logs have no timestamps of their own")
        container, previous = container_of(pod, request.query.get("container", "")), flag(request, "previous")
        if not dig(pod, "spec", "nodeName"):
            return web.Response(status=204)
        _check_started(pod, container, previous)
        metadata = pod["metadata"]
        suffix = ".previous.log" if previous else ".log"
        path = self._folder / f"{metadata['namespace']}_{metadata['name']}_{container}{suffix}"
        content = _read(path)
        shown = _chosen(content, number(request, "tailLines"), _since(request))
        limit = number(request, "limitBytes")
        if limit is not None:
            shown = shown[:limit]
        if not flag(request, "follow") or previous:
            return web.Response(body=shown, headers=_TEXT)
        return await self._follow(request, metadata, container, path, shown, len(content))

    async def _follow(
        self, request: web.Request, metadata: Object, container: str, path: Path, shown: bytes, position: int
    ) -> web.StreamResponse:
        """Send the requested part of the log, then everything appended to it until the container ends."""
        response = web.StreamResponse(headers=_TEXT)
        response.enable_chunked_encoding()
        await response.prepare(request)
        with contextlib.suppress(ConnectionResetError):  # the client has left
            await response.write(shown)
            running = True
            while running:
                running = self._runs(metadata, container)
                more = _read(path, position)
                position += len(more)
                await response.write(more)
                if running:
                    await asyncio.sleep(_POLL_S)
            await response.write_eof()
        return response

    def _runs(self, metadata: Object, container: str) -> bool:
        pod = self._store.find("pods", metadata["name"], metadata["namespace"])
        return pod is not None and pod["metadata"]["uid"] == metadata["uid"] and "running" in state_of(pod, container)


def _read(path: Path, position: int = 0) -> bytes:
    """Read a log from a position on. A log that does not exist is empty."""
    if not path.exists():
        return b""
    with path.open("rb") as log:
        log.seek(position)
        return log.read()


def container_of(pod: Object, wanted: str) -> str:
    """Return the name of the requested container.

    Raises 400 if the pod has no container of this name, or if no name is given and the pod has several.
    """
    names: list[str] = [each["name"] for each in pod["spec"].get("containers", ())]
    if not wanted and len(names) == 1:
        return names[0]
    name = pod["metadata"]["name"]
    if not wanted:
        raise bad_request(f"a container name must be specified for pod {name}, choose one of: [{' '.join(names)}]")
    if wanted not in names:
        raise bad_request(f"container {wanted} is not valid for pod {name}")
    return wanted


def _container_status(pod: Object, container: str) -> Object:
    statuses: list[Object] = dig(pod, "status", "containerStatuses", default=[])
    return next((each for each in statuses if each["name"] == container), {})


def state_of(pod: Object, container: str) -> Object:
    """Return ``running``, ``waiting`` or ``terminated`` with its details; empty before the node reports the pod."""
    state: Object = _container_status(pod, container).get("state") or {}
    return state


def _check_started(pod: Object, container: str, previous: bool) -> None:
    name, state = pod["metadata"]["name"], state_of(pod, container)
    if previous:
        if not dig(_container_status(pod, container), "lastState", "terminated"):
            raise bad_request(f'previous terminated container "{container}" in pod "{name}" not found')
        return
    if "running" not in state and "terminated" not in state:
        why = dig(state, "waiting", "reason", default="ContainerCreating")
        if dig(_container_status(pod, container), "lastState", "terminated"):
            return
        raise bad_request(f'container "{container}" in pod "{name}" is waiting to start: {why}')


def _since(request: web.Request) -> datetime | None:
    seconds, stamp = number(request, "sinceSeconds"), request.query.get("sinceTime")
    if seconds is not None:
        return datetime.now(UTC) - timedelta(seconds=seconds)
    if not stamp:
        return None
    try:
        return datetime.fromisoformat(stamp)
    except ValueError:
        raise bad_request(f"sinceTime: {stamp!r} is not an RFC 3339 time") from None


def _chosen(content: bytes, tail: int | None, since: datetime | None) -> bytes:
    lines = content.splitlines(keepends=True)
    kept = lines if since is None else list(_later(lines, since))
    return b"".join(kept if tail is None else deque(kept, maxlen=max(tail, 0)))


def _later(lines: list[bytes], since: datetime) -> Iterator[bytes]:
    """Yield the lines from ``since`` on, by the time they begin with. A line without one belongs to the line before."""
    keep = False
    for line in lines:
        stamp = _stamp(line)
        if stamp is not None:
            keep = stamp >= since
        if keep:
            yield line


def _stamp(line: bytes) -> datetime | None:
    first = line.decode(errors="replace").partition(" ")[0]
    try:
        stamp = datetime.fromisoformat(first)
    except ValueError:
        return None
    return stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)
