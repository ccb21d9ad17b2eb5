"""The client of the Kubernetes API that the processes of the sandbox use."""

from __future__ import annotations

import functools
import json
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from environments.sandbox.shared.json_text import decode, encode

JSON = "application/json"
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
CALL_TIMEOUT = aiohttp.ClientTimeout(total=30.0, sock_connect=5.0)
_GROUPS = {"jobs": "/apis/batch/v1", "deployments": "/apis/apps/v1", "statefulsets": "/apis/apps/v1"}
"""API groups by plural; all other kinds are in the core group."""
_SHOWN_CHARACTERS = 500

Object = dict[str, Any]


class Unreachable(Exception):
    """The API server did not answer; ``__cause__`` is the error of aiohttp or of the system."""

    def __init__(self, cause: BaseException) -> None:
        why = "no answer in time" if isinstance(cause, TimeoutError) else type(cause).__name__
        super().__init__(f"Kubernetes is not reachable ({why})")


class Refused(Exception):
    """The API server answered with an error: ``status`` of HTTP, and ``reason`` and ``message`` of its Status object.

    Without such an object ``reason`` is empty and ``message`` is the text of the answer.
    """

    def __init__(self, status: int, text: str) -> None:
        self.status, self.reason, self.message = status, "", text[:_SHOWN_CHARACTERS]
        try:
            answer = json.loads(text)
            self.reason, self.message = str(answer["reason"]), str(answer["message"])
        except (ValueError, KeyError, TypeError):
            pass
        super().__init__(f"{status}: {self.message}")


def collection(plural: str, namespace: str | None = None) -> str:
    """The path of all objects of a kind, in the cluster or in one namespace."""
    group = _GROUPS.get(plural, "/api/v1")
    return f"{group}/namespaces/{namespace}/{plural}" if namespace else f"{group}/{plural}"


def path_of(plural: str, namespace: str, name: str) -> str:
    return f"{collection(plural, namespace)}/{name}"


@functools.cache
def _trust(ca_file: str, cert_file: str | None, key_file: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca_file)
    if cert_file:
        context.load_cert_chain(cert_file, key_file)
    return context


class KubernetesClient:
    """A client with one keep-alive session, created inside a running event loop. ``access`` is {url, ca_file} with
    {token} or {cert_file, key_file}.

    Each call raises :class:`Unreachable` or :class:`Refused` on failure.
    """

    def __init__(self, access: Mapping[str, str], timeout: aiohttp.ClientTimeout = CALL_TIMEOUT) -> None:
        self.url = access["url"].rstrip("/")
        self._timeout = timeout
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=_trust(*map(access.get, ("ca_file", "cert_file", "key_file")))),
            headers={"Authorization": f"Bearer {access['token']}"} if "token" in access else {},
            timeout=timeout,
        )

    async def close(self) -> None:
        await self._session.close()

    async def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content_type: str = JSON,
        accept: str = JSON,
        parameters: Mapping[str, str] | None = None,
        timeout: aiohttp.ClientTimeout | None = None,
    ) -> Any:
        """Send a request and return the decoded JSON of the answer."""
        options: dict[str, Any] = {"headers": {"Accept": accept}, "params": parameters}
        if body is not None:
            options["data"] = encode(body)
            options["headers"]["Content-Type"] = content_type
        async with self._answer(method, path, timeout, **options) as answer:
            return decode(await answer.read())

    async def text(self, path: str, parameters: Mapping[str, str]) -> str:
        """Return an answer that is not JSON, such as a log, as text."""
        async with self._answer("GET", path, None, params=parameters, headers={"Accept": "*/*"}) as answer:
            return await answer.text()

    async def watch(self, path: str, revision: str, timeout_s: int | None) -> AsyncGenerator[Object, None]:
        """Yield watch events after a revision until the API server ends the watch: after ``timeout_s``, if given."""
        parameters = {"watch": "true", "resourceVersion": revision, "allowWatchBookmarks": "true"}
        longest_s = None
        if timeout_s is not None:
            parameters["timeoutSeconds"], longest_s = str(timeout_s), timeout_s + (self._timeout.total or 0.0)
        timeout = aiohttp.ClientTimeout(total=longest_s, sock_connect=self._timeout.sock_connect)
        async with self._answer("GET", path, timeout, params=parameters) as answer:
            async for line in _lines(answer.content):
                yield decode(line)

    @asynccontextmanager
    async def websocket(self, path: str, port: int) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """Open a forwarded port of a pod as a WebSocket with channels."""
        try:
            async with self._session.ws_connect(
                f"{self.url}{path}?ports={port}", protocols=("v4.channel.k8s.io",), max_msg_size=0
            ) as socket:
                yield socket
        except aiohttp.WSServerHandshakeError as error:
            raise Refused(error.status, error.message) from error
        except aiohttp.ClientError as error:
            raise Unreachable(error) from error

    @asynccontextmanager
    async def _answer(
        self, method: str, path: str, timeout: aiohttp.ClientTimeout | None, **options: Any
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        try:
            async with self._session.request(
                method, self.url + path, timeout=timeout or self._timeout, **options
            ) as answer:
                if answer.status >= 400:
                    raise Refused(answer.status, await answer.text() or str(answer.reason))
                yield answer
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise Unreachable(error) from error


async def _lines(stream: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Yield lines of any length; the stream's own ``readline`` refuses long ones."""
    rest = b""
    while chunk := await stream.readany():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line.strip():
                yield line
