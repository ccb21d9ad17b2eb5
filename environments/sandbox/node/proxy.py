"""The kube-proxy of all nodes: it forwards each node port, on every node, to a pod behind its service."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from environments.sandbox.node.pod_network import PodNetwork
from environments.sandbox.node.relay import Endpoint, Forwarders
from environments.sandbox.shared.kubernetes_client import Object

_BACKLOG = 32
_AGAIN_AFTER_S = 0.2
_KEPT_OPEN_S = 4.0
_FEW_PORTS = 150

Key = tuple[str, str]

log = logging.getLogger("node")


class KubeProxy:
    """Listens on a node port only while a pod behind it listens, so that clients are refused as by the pod itself."""

    def __init__(
        self, network: PodNetwork, nodes: Sequence[str], most_connections: int, fault: Callable[[str], bool]
    ) -> None:
        self._fault = fault
        self._network, self._nodes = network, list(dict.fromkeys(nodes))
        self._forwarders = Forwarders(most_connections)
        self._services: dict[Key, Object] = {}
        self._endpoints: dict[Key, Object] = {}
        self._listening: dict[int, asyncio.Server] = {}
        self._backends: dict[int, list[Endpoint]] = {}
        self._ports_of: dict[Key, set[int]] = {}
        self._addresses_of: dict[Key, set[str]] = {}
        self._services_at: dict[str, set[Key]] = {}
        self._wanted: dict[Key, None] = {}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self, on_defect: Callable[[asyncio.Task[None]], None]) -> None:
        self._task = asyncio.create_task(self._run())
        self._task.add_done_callback(on_defect)

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._forwarders.close()
        for server in self._listening.values():
            server.close()
        self._listening.clear()

    def service_changed(self, service: Object, gone: bool) -> None:
        _keep(self._services, service, gone)
        self._look_at(_key(service))

    def endpoints_changed(self, endpoints: Object, gone: bool) -> None:
        key = _key(endpoints)
        _keep(self._endpoints, endpoints, gone)
        for address in self._addresses_of.pop(key, ()):
            self._services_at[address].discard(key)
            if not self._services_at[address]:
                del self._services_at[address]
        subsets = () if gone else endpoints.get("subsets") or ()
        addresses = {address["ip"] for subset in subsets for address in subset.get("addresses", ())}
        if addresses:
            self._addresses_of[key] = addresses
        for address in addresses:
            self._services_at.setdefault(address, set()).add(key)
        self._look_at(key)

    def port_changed(self, address: str) -> None:
        """Handle a pod that opened or closed a port."""
        for key in self._services_at.get(address, ()):
            self._look_at(key)

    def is_reachable(self, namespace: str, service: str) -> bool:
        """Whether clients can connect to a node port of the service. A missing service counts as reachable."""
        key = (namespace, service)
        return key not in self._services or bool(self._ports_of.get(key, set()) & self._listening.keys())

    def _look_at(self, key: Key) -> None:
        self._wanted[key] = None
        self._wake.set()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._wanted:
                key = next(iter(self._wanted))
                del self._wanted[key]
                await self._serve(key)

    async def _serve(self, key: Key) -> None:
        wanted = dict(self._leads_to(key))
        for port in self._ports_of.get(key, set()) - wanted.keys():
            self._close(port)
        for port, backends in wanted.items():
            if backends:
                await self._open(key, port, backends)
            else:
                self._close(port)
        if wanted:
            self._ports_of[key] = set(wanted)
        else:
            self._ports_of.pop(key, None)

    def _leads_to(self, key: Key) -> Iterator[tuple[int, list[Endpoint]]]:
        """Yield the node ports of a service, each with the open endpoints behind it."""
        service = self._services.get(key)
        if service is None:
            return
        subsets = self._endpoints.get(key, {}).get("subsets") or []
        for port in service["spec"].get("ports", ()):
            if port.get("nodePort"):
                found = (backend for subset in subsets for backend in _backends(subset, port))
                yield port["nodePort"], [backend for backend in found if self._network.is_open(backend)]

    async def _open(self, key: Key, port: int, backends: list[Endpoint]) -> None:
        self._backends[port] = backends
        if port in self._listening or (self._fault("node-ports-limited") and len(self._listening) >= _FEW_PORTS):
            return
        try:
            self._listening[port] = await asyncio.start_server(
                lambda *client: self._forwarders.accept(client, self._choose(port)), self._nodes, port, backlog=_BACKLOG
            )
        except OSError as error:
            log.error("node port %d cannot be opened yet: %s", port, error)
            asyncio.get_running_loop().call_later(_AGAIN_AFTER_S, self._look_at, key)

    def _close(self, port: int) -> None:
        self._backends.pop(port, None)
        server = self._listening.pop(port, None)
        if server is not None and self._fault("released-ports-stay-open"):
            asyncio.get_running_loop().call_later(_KEPT_OPEN_S, server.close)
        elif server is not None:
            server.close()

    def _choose(self, port: int) -> Endpoint | None:
        if self._fault("stream-clients-turned-away"):
            return None
        backends = self._backends.get(port)
        return self._network.where(random.choice(backends)) if backends else None


def _keep(known: dict[Key, Object], obj: Object, gone: bool) -> None:
    if gone:
        known.pop(_key(obj), None)
    else:
        known[_key(obj)] = obj


def _key(obj: Object) -> Key:
    return (obj["metadata"]["namespace"], obj["metadata"]["name"])


def _backends(subset: Mapping[str, Any], port: Mapping[str, Any]) -> Iterator[Endpoint]:
    for offered in subset.get("ports", ()):
        if offered.get("name") == port.get("name"):
            for address in subset.get("addresses", ()):
                yield (address["ip"], offered["port"])
