"""The supervised links process: the proxies, their control API and the policies."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from environments.sandbox.links.collection import Links
from environments.sandbox.links.errors import ApiError
from environments.sandbox.links.policies import PolicyRules
from environments.sandbox.links.proxy import Proxy
from environments.sandbox.links.toxics import Toxic
from environments.sandbox.shared.process import CommandError, SandboxProcess

VERSION = "2.12.0"
"""The Toxiproxy release whose API is implemented."""

Answer = tuple[int, Any]
Handler = Callable[..., Any]
"""(body, names in the path) -> the answer's content, or an awaitable of it."""


class ToxiproxyAPI:
    """The control API of one set of links. Unknown paths and methods get a 404 or 405 with an error message."""

    def __init__(self, links: Links) -> None:
        proxy, toxic = "/proxies/{}", "/proxies/{}/toxics/{}"
        update_proxy, update_toxic = (200, links.update), (200, links.update_toxic)
        routes: dict[str, dict[str, tuple[int, Handler]]] = {
            "/version": {"GET": (200, lambda _: {"version": VERSION})},
            "/reset": {"POST": (204, lambda _: links.heal())},
            "/proxies": {"GET": (200, lambda _: links.proxies), "POST": (201, links.create)},
            proxy: {"GET": (200, lambda _, name: links.get(name)), "POST": update_proxy, "PATCH": update_proxy,
                    "DELETE": (204, lambda _, name: links.remove(name))},
            f"{proxy}/toxics": {"GET": (200, lambda _, name: links.get(name).toxics_json()),
                                "POST": (200, links.create_toxic)},
            toxic: {"GET": (200, lambda _, *names: links.toxic(*names)), "POST": update_toxic, "PATCH": update_toxic,
                    "DELETE": (204, lambda _, *names: links.remove_toxic(*names))},
        }  # fmt: skip
        self._routes = [(re.compile(path.replace("{}", "([^/]+)")), handlers) for path, handlers in routes.items()]

    async def handle(self, method: str, path: str, body: Any) -> Answer:
        """Handle one request and return status and body. Bodies are parsed JSON; ``None`` stands for no body."""
        try:
            for pattern, handlers in self._routes:
                match = pattern.fullmatch(path)
                if match is None:
                    continue
                if method not in handlers:
                    raise ApiError(f"{method} is not allowed on {path}; allowed are {', '.join(handlers)}", 405)
                status, handler = handlers[method]
                content = handler(body, *(unquote(part) for part in match.groups()))
                return status, _json(await content if inspect.isawaitable(content) else content)
            raise ApiError(f"no such path: {path}", 404)
        except ApiError as error:
            return error.status, error.to_json()


def _json(content: Any) -> Any:
    """The content of an answer with its proxies and toxics as JSON."""
    if isinstance(content, dict):
        return {name: _json(value) for name, value in content.items()}
    return content.to_json() if isinstance(content, Proxy | Toxic) else content


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
