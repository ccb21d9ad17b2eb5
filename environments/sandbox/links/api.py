"""Toxiproxy's control API as a function: method, path and JSON body in, status and JSON body out."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from environments.sandbox.links.collection import Links
from environments.sandbox.links.errors import ApiError
from environments.sandbox.links.proxy import Proxy
from environments.sandbox.links.toxics import Toxic

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
