"""The nodes' client of the API server."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from environments.sandbox.shared.kubernetes_client import KubernetesClient, Unreachable

_REQUESTS_AT_ONCE = 8
_REACHABLE_WITHIN_S = 10.0
_RETRY_S = 0.05


class Cluster(KubernetesClient):
    """A client that repeats requests until the API server answers, because a kubelet's reports stay valid.

    Requests share a small number of connections.
    """

    def __init__(self, access: Mapping[str, str]) -> None:
        super().__init__(access)
        self._places = asyncio.Semaphore(_REQUESTS_AT_ONCE)

    async def wait_until_reachable(self) -> None:
        """Raise :class:`ConnectionError` if the API server does not answer within 10 s."""
        try:
            async with asyncio.timeout(_REACHABLE_WITHIN_S):
                await self.request("GET", "/version")
        except TimeoutError:
            message = f"the API server at {self.url} did not answer in {_REACHABLE_WITHIN_S:g} s"
            raise ConnectionError(message) from None

    async def request(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        while True:
            try:
                async with self._places:
                    return await super().request(method, path, body, **options)
            except Unreachable:
                await asyncio.sleep(_RETRY_S)
