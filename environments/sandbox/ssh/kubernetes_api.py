"""The Kubernetes API as kubectl uses it: resource types, requests, and the words for what goes wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import aiohttp

from environments.sandbox.shared.kubernetes_client import JSON, MERGE_PATCH, KubernetesClient, Refused, Unreachable
from environments.sandbox.shared.kubernetes_versions import KubernetesVersion
from environments.sandbox.ssh.kubectl_errors import KubectlError

_TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


class NotFoundError(KubectlError):
    """The object is not there; ``message`` is the server's own sentence."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(f"Error from server ({reason}): {message}")
        self.message = message


@dataclass(frozen=True)
class Resource:
    """``shown`` is the name in kubectl's output (``job.batch``), ``kind`` fills in for items that carry none."""

    plural: str
    kind: str
    version: str
    shown: str
    namespaced: bool = True

    def path(self, namespace: str | None, name: str = "") -> str:
        root = "/api/" if self.version == "v1" else "/apis/"
        scope = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        return f"{root}{self.version}{scope}/{self.plural}" + (f"/{name}" if name else "")


_TYPES: list[tuple[Resource, tuple[str, ...]]] = [
    (Resource("pods", "Pod", "v1", "pod"), ("pod", "po")),
    (Resource("jobs", "Job", "batch/v1", "job.batch"), ("job", "jobs.batch", "job.batch")),
    (Resource("services", "Service", "v1", "service"), ("service", "svc")),
    (
        Resource("deployments", "Deployment", "apps/v1", "deployment.apps"),
        ("deployment", "deploy", "deployments.apps", "deployment.apps"),
    ),
    (
        Resource("statefulsets", "StatefulSet", "apps/v1", "statefulset.apps"),
        ("statefulset", "sts", "statefulsets.apps", "statefulset.apps"),
    ),
    (Resource("nodes", "Node", "v1", "node", namespaced=False), ("node", "no")),
]
_BY_NAME = {name: resource for resource, aliases in _TYPES for name in (resource.plural, *aliases)}


def resource_named(name: str) -> Resource:
    """:class:`KubectlError` for a type this kubectl does not serve."""
    if name.lower() not in _BY_NAME:
        known = ", ".join(resource.plural for resource, _ in _TYPES)
        raise KubectlError(f'error: resource type "{name}" is not supported here; supported are {known}')
    return _BY_NAME[name.lower()]


class KubernetesAPI:
    """One command's access to the API server, ``async with``; ``access`` is {url, ca_file, token}."""

    def __init__(self, access: Mapping[str, str], version: KubernetesVersion) -> None:
        self.version = version
        self._client = KubernetesClient(access)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self._client.close()

    async def get(self, path: str, parameters: Mapping[str, str] | None = None, table: bool = False) -> Any:
        """The JSON answer; with ``table`` as the server's own Table."""
        return await self._request("GET", path, parameters=parameters, accept=_TABLE if table else JSON)

    async def text(self, path: str, parameters: Mapping[str, str]) -> str:
        with self._kubectl_words():
            return await self._client.text(path, parameters)

    async def delete(self, path: str, options: Mapping[str, Any]) -> None:
        await self._request("DELETE", path, options)

    async def merge(self, path: str, patch: Mapping[str, Any]) -> Any:
        return await self._request("PATCH", path, patch, content_type=MERGE_PATCH)

    async def _request(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        with self._kubectl_words():
            return await self._client.request(method, path, body, **options)

    @contextmanager
    def _kubectl_words(self) -> Iterator[None]:
        try:
            yield
        except Refused as error:
            raise _refusal(error) from error
        except Unreachable as error:
            raise KubectlError(_why_unreachable(error.__cause__, self._client.url)) from error


def _why_unreachable(cause: BaseException | None, url: str) -> str:
    if isinstance(cause, aiohttp.ClientSSLError):
        return f"Unable to connect to the server: tls: {cause}"
    if isinstance(cause, aiohttp.ClientConnectorError):
        server = url.partition("://")[2]
        return f"The connection to the server {server} was refused - did you specify the right host or port?"
    if isinstance(cause, TimeoutError):
        why = "net/http: request canceled (Client.Timeout exceeded while awaiting headers)"
        return f"Unable to connect to the server: {why}"
    return f"Unable to connect to the server: {cause}"


def _refusal(error: Refused) -> KubectlError:
    """The server's Status object in kubectl's words."""
    reason, message = error.reason, error.message
    if not reason:
        reason = "InternalError"
        message = f"an error on the server ({message.strip()!r}) with HTTP status {error.status}"
    if error.status == 401:
        return KubectlError(f"error: You must be logged in to the server ({reason})")
    if error.status == 404:
        return NotFoundError(reason, message)
    return KubectlError(f"Error from server ({reason}): {message}")
