"""Toxiproxy's control API as a function: method, path and JSON body in, status and JSON body out."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

from environments.sandbox.links.collection import Links
from environments.sandbox.links.errors import ApiError
from environments.sandbox.links.proxy import Proxy
from environments.sandbox.links.toxics import Toxic, parse_toxic, updated_toxic

VERSION = "2.12.0"
"""The Toxiproxy release whose API is implemented."""

Answer = tuple[int, Any]
Handler = Callable[..., Awaitable[Answer]]


class ToxiproxyAPI:
    """The control API of one set of links. Unknown paths and methods get a 404 or 405 with an error message."""

    def __init__(self, links: Links) -> None:
        self._links = links
        update_proxy, update_toxic = self._update_proxy, self._update_toxic
        routes: list[tuple[str, dict[str, Handler]]] = [
            ("/version", {"GET": self._version}),
            ("/reset", {"POST": self._reset}),
            ("/populate", {"POST": self._populate}),
            ("/proxies", {"GET": self._list, "POST": self._create}),
            ("/proxies/{}", {"GET": self._show, "POST": update_proxy, "PATCH": update_proxy, "DELETE": self._delete}),
            ("/proxies/{}/toxics", {"GET": self._list_toxics, "POST": self._create_toxic}),
            (
                "/proxies/{}/toxics/{}",
                {"GET": self._show_toxic, "POST": update_toxic, "PATCH": update_toxic, "DELETE": self._delete_toxic},
            ),
        ]
        self._routes = [(re.compile(path.replace("{}", "([^/]+)")), handlers) for path, handlers in routes]

    async def handle(self, method: str, path: str, body: Any) -> Answer:
        """Handle one request and return status and body. Bodies are parsed JSON; ``None`` stands for no body."""
        try:
            for pattern, handlers in self._routes:
                match = pattern.fullmatch(path)
                if match is None:
                    continue
                if method not in handlers:
                    raise ApiError(f"{method} is not allowed on {path}; allowed are {', '.join(handlers)}", 405)
                return await handlers[method](body, *(unquote(part) for part in match.groups()))
            raise ApiError(f"no such path: {path}", 404)
        except ApiError as error:
            return error.status, error.to_json()

    async def _version(self, _: Any) -> Answer:
        return 200, {"version": VERSION}

    async def _reset(self, _: Any) -> Answer:
        await self._links.heal()
        return 204, None

    async def _populate(self, body: Any) -> Answer:
        return 201, {"proxies": [proxy.to_json() for proxy in await self._links.populate(body)]}

    async def _list(self, _: Any) -> Answer:
        return 200, {name: proxy.to_json() for name, proxy in self._links.proxies.items()}

    async def _create(self, body: Any) -> Answer:
        return 201, (await self._links.create(body)).to_json()

    async def _show(self, _: Any, name: str) -> Answer:
        return 200, self._links.get(name).to_json()

    async def _update_proxy(self, body: Any, name: str) -> Answer:
        return 200, (await self._links.update(name, body)).to_json()

    async def _delete(self, _: Any, name: str) -> Answer:
        await self._links.remove(name)
        return 204, None

    async def _list_toxics(self, _: Any, name: str) -> Answer:
        return 200, self._links.get(name).toxics_json()

    async def _create_toxic(self, body: Any, name: str) -> Answer:
        proxy, toxic = self._links.get(name), parse_toxic(body)
        if any(present.name == toxic.name for present in proxy.toxics):
            raise ApiError("toxic already exists", 409)
        proxy.set_toxics([*proxy.toxics, toxic])
        return 200, toxic.to_json()

    async def _show_toxic(self, _: Any, name: str, toxic_name: str) -> Answer:
        return 200, _find(self._links.get(name), toxic_name).to_json()

    async def _update_toxic(self, body: Any, name: str, toxic_name: str) -> Answer:
        proxy = self._links.get(name)
        before = _find(proxy, toxic_name)
        after = updated_toxic(before, body)
        proxy.set_toxics([after if toxic is before else toxic for toxic in proxy.toxics])
        return 200, after.to_json()

    async def _delete_toxic(self, _: Any, name: str, toxic_name: str) -> Answer:
        proxy = self._links.get(name)
        gone = _find(proxy, toxic_name)
        proxy.set_toxics([toxic for toxic in proxy.toxics if toxic is not gone])
        return 204, None


def _find(proxy: Proxy, name: str) -> Toxic:
    for toxic in proxy.toxics:
        if toxic.name == name:
            return toxic
    raise ApiError("toxic not found", 404)
