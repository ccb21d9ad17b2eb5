"""The API server as the nodes see it."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Mapping
from typing import Any

import aiohttp

_CONNECTIONS = 8
_LONGEST_LINE_BYTES = 2**20
_REACHABLE_WITHIN_S = 10.0
_RETRY_S = 0.05
_GROUPS = {"jobs": "/apis/batch/v1"}

Object = dict[str, Any]


class Refused(Exception):
    """The API server answered with an error; ``code`` is its HTTP status."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class Cluster:
    """One kept-alive session: reports share few connections, every watch has its own."""

    def __init__(self, access: Mapping[str, str]) -> None:
        self._url = access["url"]
        self._context = ssl.create_default_context(cafile=access["ca_file"])
        self._headers = {"Authorization": f"Bearer {access['token']}"}
        self._places = asyncio.Semaphore(_CONNECTIONS)
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Return once the API server answers; :class:`ConnectionError` when it does not within 10 s."""
        connector = aiohttp.TCPConnector(limit=0, ssl=self._context)
        self._session = aiohttp.ClientSession(
            connector=connector, headers=self._headers, timeout=aiohttp.ClientTimeout(total=None, sock_connect=5),
            read_bufsize=_LONGEST_LINE_BYTES,
        )  # fmt: skip
        try:
            async with asyncio.timeout(_REACHABLE_WITHIN_S):
                await self.request("GET", "/version")
        except TimeoutError:
            message = f"the API server at {self._url} did not answer in {_REACHABLE_WITHIN_S:g} s"
            raise ConnectionError(message) from None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def request(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> Object:
        """The answer of the API server; :class:`Refused` when it says no. Asks again while nobody answers."""
        assert self._session is not None
        data = None if body is None else json.dumps(body, separators=(",", ":")).encode()
        headers = {"Content-Type": content_type} if data is not None else {}
        while True:
            try:
                async with (
                    self._places,
                    self._session.request(method, self._url + path, data=data, headers=headers) as answer,
                ):
                    text = await answer.read()
                    if answer.status >= 400:
                        raise Refused(answer.status, text.decode(errors="replace")[:500])
                    found: Object = json.loads(text)
                    return found
            except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError):
                await asyncio.sleep(_RETRY_S)

    def watch(self, plural: str, revision: str) -> Any:
        """The open answer of a watch of one kind in all namespaces, for ``async with``."""
        assert self._session is not None
        parameters = {"watch": "true", "resourceVersion": revision}
        return self._session.get(self._url + collection(plural), params=parameters)


def collection(plural: str, namespace: str | None = None) -> str:
    base = _GROUPS.get(plural, "/api/v1")
    return f"{base}/namespaces/{namespace}/{plural}" if namespace else f"{base}/{plural}"


def path_of(plural: str, namespace: str, name: str) -> str:
    return f"{collection(plural, namespace)}/{name}"
