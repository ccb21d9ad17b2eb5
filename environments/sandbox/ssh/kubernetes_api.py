"""The Kubernetes API as kubectl uses it: resource types, requests, and the words for what goes wrong."""

from __future__ import annotations

import functools
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import aiohttp

from environments.sandbox.ssh.kubectl_errors import KubectlError

_TIMEOUT_S = 30.0
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


@functools.cache
def _trust(ca_file: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca_file)


class KubernetesAPI:
    """One command's access to the API server, ``async with``; ``access`` is {url, ca_file, token}."""

    def __init__(self, access: Mapping[str, str]) -> None:
        self._url = access["url"].rstrip("/")
        self._server = self._url.partition("://")[2]
        self._session = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {access['token']}"},
            connector=aiohttp.TCPConnector(ssl=_trust(access["ca_file"])),
            timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self._session.close()

    async def get(self, path: str, parameters: Mapping[str, str] | None = None, table: bool = False) -> Any:
        """The JSON answer; with ``table`` as the server's own Table."""
        return await self._request("GET", path, parameters or {}, accept=_TABLE if table else "application/json")

    async def text(self, path: str, parameters: Mapping[str, str]) -> str:
        answer: str = await self._request("GET", path, parameters, accept="*/*", as_text=True)
        return answer

    async def delete(self, path: str, options: Mapping[str, Any]) -> None:
        await self._request("DELETE", path, {}, options)

    async def merge(self, path: str, patch: Mapping[str, Any]) -> Any:
        return await self._request("PATCH", path, {}, patch, content_type="application/merge-patch+json")

    async def _request(
        self,
        method: str,
        path: str,
        parameters: Mapping[str, str],
        body: Mapping[str, Any] | None = None,
        accept: str = "application/json",
        content_type: str = "application/json",
        as_text: bool = False,
    ) -> Any:
        headers = {"Accept": accept, "Content-Type": content_type} if body is not None else {"Accept": accept}
        try:
            async with self._session.request(
                method, self._url + path, params=parameters, json=body, headers=headers
            ) as response:
                if response.status >= 400:
                    raise _refusal(response.status, await response.text())
                return await (response.text() if as_text else response.json())
        except aiohttp.ClientSSLError as error:
            raise KubectlError(f"Unable to connect to the server: tls: {error}") from error
        except aiohttp.ClientConnectorError as error:
            raise KubectlError(
                f"The connection to the server {self._server} was refused - did you specify the right host or port?"
            ) from error
        except TimeoutError as error:
            raise KubectlError(
                "Unable to connect to the server: net/http: request canceled "
                "(Client.Timeout exceeded while awaiting headers)"
            ) from error
        except (aiohttp.ClientError, ValueError) as error:
            raise KubectlError(f"Unable to connect to the server: {error}") from error


def _refusal(status: int, text: str) -> KubectlError:
    """The server's Status object in kubectl's words."""
    try:
        answer = json.loads(text)
        reason, message = answer["reason"], answer["message"]
    except (ValueError, KeyError, TypeError):
        reason, message = "InternalError", f"an error on the server ({text.strip()!r}) with HTTP status {status}"
    if status == 401:
        return KubectlError(f"error: You must be logged in to the server ({reason})")
    return NotFoundError(reason, message) if status == 404 else KubectlError(f"Error from server ({reason}): {message}")
