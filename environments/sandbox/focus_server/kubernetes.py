"""The few Kubernetes API calls that a Focus Server makes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import aiohttp

from environments.sandbox.focus_server.refusals import CannotOpen
from environments.sandbox.shared.informer import Changed, Informer, Listed
from environments.sandbox.shared.kubernetes_client import KubernetesClient, Refused, Unreachable, collection, path_of

CALL_LIMIT = aiohttp.ClientTimeout(total=5.0, sock_connect=1.5)
READ_LIMIT = aiohttp.ClientTimeout(total=2.0, sock_connect=1.5)
MOST_WRITES = 16
"""The number of simultaneous creations and deletions. The others wait here: their timeout does not run meanwhile, and
readers are not delayed."""
WATCH_S = 60
RESOURCES = {
    "Job": "jobs", "Service": "services", "ConfigMap": "configmaps", "Node": "nodes", "Pod": "pods",
    "ResourceQuota": "resourcequotas",
}  # fmt: skip
OF_THE_CLUSTER = frozenset({"Node", "Pod"})
"""Kinds read in all namespaces: the free capacity of a node depends on all its pods."""


class KubernetesAway(CannotOpen):
    """The API did not answer."""


class KubernetesRefused(CannotOpen):
    """The API answered with an error status."""

    def __init__(self, http_status: int, message: str) -> None:
        super().__init__(f"Kubernetes refused: {message}")
        self.http_status, self.message = http_status, message

    @property
    def port_is_taken(self) -> bool:
        return self.http_status == 422 and "already allocated" in self.message


class Kubernetes:
    """A thin client for one namespace; raises :class:`KubernetesAway` or :class:`KubernetesRefused`."""

    def __init__(self, access: Mapping[str, str], namespace: str) -> None:
        self._client, self._namespace = KubernetesClient(access, CALL_LIMIT), namespace
        self._places = asyncio.Semaphore(MOST_WRITES)

    async def create(self, manifest: Mapping[str, Any]) -> Mapping[str, Any]:
        """Create an object; return it as the API stored it."""
        async with self._places:
            with _as_cannot_open():
                stored: Mapping[str, Any] = await self._client.request("POST", self._path(manifest["kind"]), manifest)
                return stored

    async def read(self, kind: str, name: str) -> Mapping[str, Any]:
        with _as_cannot_open():
            found: Mapping[str, Any] = await self._client.request(
                "GET", f"{self._path(kind)}/{name}", timeout=READ_LIMIT
            )
            return found

    async def has_pod(self, name: str) -> bool:
        """Whether the own namespace has a pod with this name, although other reads of pods cover all namespaces."""
        try:
            with _as_cannot_open():
                await self._client.request("GET", path_of("pods", self._namespace, name), timeout=READ_LIMIT)
        except KubernetesRefused:
            return False
        return True

    async def delete(self, kind: str, name: str) -> None:
        """Delete an object and its dependents at once; a missing object is not an error."""
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
        try:
            async with self._places:
                with _as_cannot_open():
                    await self._client.request(
                        "DELETE", f"{self._path(kind)}/{name}", {**options, "gracePeriodSeconds": 0}
                    )
        except KubernetesRefused as refused:
            if refused.http_status != 404:
                raise

    def informer(self, kind: str, log: logging.Logger, changed: Changed, listed: Listed | None = None) -> Informer:
        """An informer that follows the objects of a kind."""
        path = self._path(kind)
        return Informer(self._client, path, changed, title=f"{kind}s", log=log, listed=listed, watch_s=WATCH_S)

    async def close(self) -> None:
        await self._client.close()

    def _path(self, kind: str) -> str:
        return collection(RESOURCES[kind], None if kind in OF_THE_CLUSTER else self._namespace)


@contextmanager
def _as_cannot_open() -> Iterator[None]:
    try:
        yield
    except Unreachable as error:
        raise KubernetesAway(str(error)) from error
    except Refused as error:
        raise KubernetesRefused(error.status, error.message) from error
