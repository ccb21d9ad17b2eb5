"""The few Kubernetes API calls a Focus Server makes."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp

from environments.sandbox.focus_server.refusals import CannotOpen

CALL_LIMIT_S = 5.0
CONNECT_LIMIT_S = 1.5
READ_LIMIT_S = 2.0
MOST_WRITES = 16
"""Creations and deletions at a time. The others wait here: their time does not run yet, and no reader is held up."""
WATCH_S = 60
RESOURCES = {
    "Job": "jobs", "Service": "services", "ConfigMap": "configmaps", "Node": "nodes", "Pod": "pods",
    "ResourceQuota": "resourcequotas",
}  # fmt: skip
GROUPS = {"Job": "apis/batch/v1"}
"""The others are in ``api/v1``."""
OF_THE_CLUSTER = frozenset({"Node", "Pod"})
"""Read in all namespaces: what is free on a node does not depend on whose pods are there."""


class KubernetesAway(CannotOpen):
    """The API did not answer."""

    def __init__(self, why: object) -> None:
        super().__init__(f"Kubernetes is not reachable ({why})")


class KubernetesRefused(CannotOpen):
    """The API answered with an error status."""

    def __init__(self, http_status: int, message: str) -> None:
        super().__init__(f"Kubernetes refused: {message}")
        self.http_status, self.message = http_status, message

    @property
    def port_is_taken(self) -> bool:
        return self.http_status == 422 and "already allocated" in self.message


class Kubernetes:
    """A thin client of one namespace; raises :class:`KubernetesAway` or :class:`KubernetesRefused`."""

    def __init__(self, access: Mapping[str, str], namespace: str) -> None:
        context = ssl.create_default_context(cafile=access["ca_file"])
        self._url, self._namespace = access["url"].rstrip("/"), namespace
        self._places = asyncio.Semaphore(MOST_WRITES)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=context, limit=0),
            headers={"Authorization": f"Bearer {access['token']}"},
            timeout=aiohttp.ClientTimeout(total=CALL_LIMIT_S, sock_connect=CONNECT_LIMIT_S),
        )

    async def create(self, manifest: Mapping[str, Any]) -> Mapping[str, Any]:
        """Create an object; the object as the API stored it."""
        async with self._places:
            return await self._call("POST", self._path(manifest["kind"]), json=manifest)

    async def read(self, kind: str, name: str) -> Mapping[str, Any]:
        return await self._call("GET", f"{self._path(kind)}/{name}", timeout=aiohttp.ClientTimeout(total=READ_LIMIT_S))

    async def list(self, kind: str) -> Mapping[str, Any]:
        return await self._call("GET", self._path(kind))

    async def delete(self, kind: str, name: str) -> None:
        """Delete an object and what it owns, at once; an object that is not there is fine."""
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
        try:
            async with self._places:
                await self._call("DELETE", f"{self._path(kind)}/{name}", json={**options, "gracePeriodSeconds": 0})
        except KubernetesRefused as refused:
            if refused.http_status != 404:
                raise

    async def watch(self, kind: str, resource_version: str) -> AsyncIterator[Mapping[str, Any]]:
        """Watch events after a version, until the API ends the watch."""
        params = {"watch": "true", "resourceVersion": resource_version, "timeoutSeconds": str(WATCH_S)}
        unlimited = aiohttp.ClientTimeout(total=WATCH_S + CALL_LIMIT_S, sock_connect=CONNECT_LIMIT_S)
        try:
            async with self._session.get(self._path(kind), params=params, timeout=unlimited) as answer:
                await _raise_for_error(answer)
                async for line in _lines(answer.content):
                    yield json.loads(line)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise KubernetesAway(_why(error)) from error

    async def close(self) -> None:
        await self._session.close()

    def _path(self, kind: str) -> str:
        group = f"{self._url}/{GROUPS.get(kind, 'api/v1')}"
        return f"{group}/{'' if kind in OF_THE_CLUSTER else f'namespaces/{self._namespace}/'}{RESOURCES[kind]}"

    async def _call(self, method: str, url: str, **options: Any) -> Mapping[str, Any]:
        try:
            async with self._session.request(method, url, **options) as answer:
                await _raise_for_error(answer)
                stored: Mapping[str, Any] = await answer.json()
                return stored
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise KubernetesAway(_why(error)) from error


async def _raise_for_error(answer: aiohttp.ClientResponse) -> None:
    if answer.status < 400:
        return
    text = await answer.text()
    try:
        message = str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        message = text[:200] or str(answer.reason)
    raise KubernetesRefused(answer.status, message)


async def _lines(stream: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Lines of any length; ``readline`` of the stream refuses long ones."""
    rest = b""
    while chunk := await stream.readany():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line.strip():
                yield line


def _why(error: BaseException) -> str:
    return "no answer in time" if isinstance(error, asyncio.TimeoutError) else type(error).__name__
