"""The supervised links process: the proxies, their control API and the policies."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from environments.sandbox.links.api import ToxiproxyAPI
from environments.sandbox.links.collection import Links
from environments.sandbox.links.policies import PolicyRules
from environments.sandbox.shared.process import CommandError, SandboxProcess

NOT_ENFORCED = "network-policy-not-enforced"


class LinksProcess(SandboxProcess):
    """Commands: ``toxiproxy`` {method, path, body} -> {status, body} and ``policies`` {policies: [...]} -> {dropping}.

    A reset restores the configured proxies and forgets the policies.
    """

    name = "links"
    fault_ids = frozenset({NOT_ENFORCED})

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        self._namespace = str(config["namespace"])
        self._links = Links(config["proxies"], PolicyRules(self._namespace))
        self._api = ToxiproxyAPI(self._links)
        self._changing = asyncio.Lock()

    async def start(self) -> Mapping[str, Any]:
        await self._links.restore()
        return {"proxies": {name: proxy.to_json()["listen"] for name, proxy in self._links.proxies.items()}}

    async def stop(self) -> None:
        await self._links.stop()

    async def reset(self) -> None:
        async with self._changing:
            await self._links.enforce(PolicyRules(self._namespace))
            await self._links.restore()

    async def state(self) -> Mapping[str, Any]:
        proxies = {
            name: {
                **proxy.to_json(),
                "dropping": proxy.dropping,
                "connections": proxy.connections,
                "accepted": proxy.accepted,
            }
            for name, proxy in self._links.proxies.items()
        }
        return {"proxies": proxies, "connections": sum(proxy["connections"] for proxy in proxies.values())}

    async def command(self, name: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        if name == "toxiproxy":
            async with self._changing:
                status, body = await self._api.handle(
                    _given(params, "method"), _given(params, "path"), params.get("body")
                )
            return {"status": status, "body": body}
        if name == "policies":
            return await self._policies(_given(params, "policies"))
        return await super().command(name, params)

    async def _policies(self, policies: list[Mapping[str, Any]]) -> Mapping[str, Any]:
        try:
            rules = PolicyRules(self._namespace, policies)
        except (KeyError, ValueError) as error:
            raise CommandError(f"a NetworkPolicy cannot be enforced: {error}") from error
        async with self._changing:
            await self._links.enforce(PolicyRules(self._namespace) if self.fault(NOT_ENFORCED) else rules)
        return {"dropping": [name for name, proxy in self._links.proxies.items() if proxy.dropping]}


def _given(params: Mapping[str, Any], key: str) -> Any:
    if key not in params:
        raise CommandError(f"links needs the parameter {key!r}")
    return params[key]
