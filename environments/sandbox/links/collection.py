"""All links of the sandbox: those of the configuration and those made through the control API."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

from environments.sandbox.links.errors import ApiError, bad_request, check_fields
from environments.sandbox.links.policies import PolicyRules
from environments.sandbox.links.proxy import Address, Proxy
from environments.sandbox.links.toxics import Toxic, parse_toxic, updated_toxic

_FIELDS = {"name", "listen", "upstream", "enabled", "toxics"}


class Links:
    """The proxies by name. ``configured`` is the state :meth:`restore` returns to."""

    def __init__(self, configured: Sequence[Mapping[str, str]], rules: PolicyRules) -> None:
        self._configured = configured
        self._rules = rules
        self.proxies: dict[str, Proxy] = {}

    def get(self, name: str) -> Proxy:
        if name not in self.proxies:
            raise ApiError("proxy not found", 404)
        return self.proxies[name]

    async def add(self, proxy: Proxy, enabled: bool) -> Proxy:
        """Add a proxy. Raises :class:`ApiError` 409 if the name is taken; a proxy that cannot listen is not kept."""
        if proxy.name in self.proxies:
            raise ApiError("proxy already exists", 409)
        proxy.dropping = self._rules.drops(proxy.workload, proxy.source)
        if enabled:
            await proxy.start()
        self.proxies[proxy.name] = proxy
        return proxy

    async def remove(self, name: str) -> None:
        proxy = self.get(name)
        del self.proxies[name]
        await proxy.stop()

    async def update(self, body: Any, name: str) -> Proxy:
        """Change listen, upstream or enabled; changing an address cuts the connections."""
        proxy = self.get(name)
        check_fields(body, _FIELDS)
        listen = parse_address(body["listen"], "listen") if "listen" in body else proxy.listen
        upstream = parse_address(body["upstream"], "upstream") if "upstream" in body else proxy.upstream
        enabled = _enabled(body, proxy.enabled)
        if (listen, upstream) != (proxy.listen, proxy.upstream):
            await proxy.stop()
            proxy.listen, proxy.upstream = listen, upstream
            proxy.workload, proxy.source = self._behind(upstream)
            await proxy.set_dropping(self._rules.drops(proxy.workload, proxy.source))
        await (proxy.start() if enabled else proxy.stop())
        return proxy

    async def create(self, body: Any) -> Proxy:
        return await self.add(self._parse(body), _enabled(body, True))

    def toxic(self, proxy_name: str, name: str) -> Toxic:
        for toxic in self.get(proxy_name).toxics:
            if toxic.name == name:
                return toxic
        raise ApiError("toxic not found", 404)

    def create_toxic(self, body: Any, proxy_name: str) -> Toxic:
        proxy, toxic = self.get(proxy_name), parse_toxic(body)
        if any(present.name == toxic.name for present in proxy.toxics):
            raise ApiError("toxic already exists", 409)
        proxy.set_toxics([*proxy.toxics, toxic])
        return toxic

    def update_toxic(self, body: Any, proxy_name: str, name: str) -> Toxic:
        proxy, before = self.get(proxy_name), self.toxic(proxy_name, name)
        after = updated_toxic(before, body)
        proxy.set_toxics([after if toxic is before else toxic for toxic in proxy.toxics])
        return after

    def remove_toxic(self, proxy_name: str, name: str) -> None:
        proxy, gone = self.get(proxy_name), self.toxic(proxy_name, name)
        proxy.set_toxics([toxic for toxic in proxy.toxics if toxic is not gone])

    async def heal(self) -> None:
        """Enable every proxy and remove all toxics, as Toxiproxy's reset does."""
        for proxy in self.proxies.values():
            await proxy.start()
            proxy.set_toxics([])

    async def restore(self) -> None:
        """Return to exactly the configured proxies, healed. Proxies that did not change keep their connections."""
        configured = {link["name"]: link for link in self._configured}
        for name in [name for name in self.proxies if name not in configured]:
            await self.remove(name)
        for name, link in configured.items():
            listen, upstream = parse_address(link["listen"], "listen"), parse_address(link["upstream"], "upstream")
            present = self.proxies.get(name)
            if present is not None and (present.listen, present.upstream) != (listen, upstream):
                await self.remove(name)
                present = None
            if present is None:
                await self.add(Proxy(name, listen, upstream, link.get("workload"), link.get("from")), True)
        await self.heal()
        await self.enforce(self._rules)

    async def enforce(self, rules: PolicyRules) -> None:
        """Drop packets on exactly the links that these rules close."""
        self._rules = rules
        for proxy in self.proxies.values():
            await proxy.set_dropping(rules.drops(proxy.workload, proxy.source))

    async def stop(self) -> None:
        for proxy in self.proxies.values():
            await proxy.stop()

    def _parse(self, body: Any) -> Proxy:
        check_fields(body, _FIELDS)
        for name in ("name", "upstream"):
            if not body.get(name):
                raise ApiError(f"missing required field: {name}", 400)
            if not isinstance(body[name], str):
                raise bad_request(f"{name} must be a string")
        if body.get("toxics"):
            raise bad_request("toxics are added at /proxies/NAME/toxics")
        _enabled(body, True)
        upstream = parse_address(body["upstream"], "upstream")
        listen = parse_address(body.get("listen") or "127.0.0.1:0", "listen")
        return Proxy(body["name"], listen, upstream, *self._behind(upstream))

    def _behind(self, upstream: Address) -> tuple[str | None, str | None]:
        """Return the workload and the source of a new link to ``upstream``, for the policies.

        An additional link to a configured workload is subject to the same policies; its source counts as a client.
        """
        for link in self._configured:
            if parse_address(link["upstream"], "upstream") == upstream:
                return link.get("workload"), "client"
        return None, None


def parse_address(text: Any, field: str) -> Address:
    """Parse ``HOST:PORT``. Raises :class:`ApiError` if it is not on loopback: no link may leave this machine."""
    host, separator, port = str(text).rpartition(":")
    if not separator or not port.isdigit() or int(port) > 65535:
        raise bad_request(f"{field} must be HOST:PORT, not {text!r}")
    host = "127.0.0.1" if host in ("localhost", "") else host
    try:
        loopback = ipaddress.IPv4Address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise bad_request(f"{field} must be an IPv4 loopback address, not {text!r}")
    return host, int(port)


def _enabled(body: Mapping[str, Any], otherwise: bool) -> bool:
    value = body.get("enabled", otherwise)
    if not isinstance(value, bool):
        raise bad_request("enabled must be true or false")
    return value
