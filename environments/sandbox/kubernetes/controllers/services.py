"""The allocation of node ports when a service is written."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

from environments.sandbox.kubernetes.controllers.meta import Object
from environments.sandbox.kubernetes.store import errors
from environments.sandbox.kubernetes.store.object_store import ApiError, Store
from environments.sandbox.kubernetes.store.objects import dig
from environments.sandbox.kubernetes.store.resources import RESOURCES

_SERVICES = RESOURCES["services"]


class NodePorts:
    """Admission of services: a node port belongs to only one service in the whole cluster.

    ``port_range`` returns the first and the last port that may be allocated at the moment.
    """

    def __init__(self, store: Store, port_range: Callable[[], tuple[int, int]]) -> None:
        self._range = port_range
        self._version = store.version
        self._changes = store.subscribe("services")
        self._ports: dict[int, str] = {}

    def admit(self, verb: str, plural: str, new: Object, old: Object | None) -> None:
        if plural != "services" or verb == "delete":
            return
        self._catch_up()
        if not _wants_node_ports(new):
            for port in dig(new, "spec", "ports", default=()):
                port.pop("nodePort", None)
            return
        self._allocate(new, old)

    def _catch_up(self) -> None:
        """Update the owners of ports from the changes since the last call; a scan of all services takes too long."""
        while not self._changes.empty():
            change = self._changes.get_nowait()
            for port in _node_ports(change.previous or {}):
                self._ports.pop(port, None)
            for port in _node_ports(change.object) if change.type != "DELETED" else ():
                self._ports[port] = change.object["metadata"]["uid"]

    def _allocate(self, new: Object, old: Object | None) -> None:
        own = set(_node_ports(old)) if old else set()
        uid = new["metadata"]["uid"]
        taken = {port for port, owner in self._ports.items() if owner != uid}
        before = dig(old, "spec", "ports", default=())
        kept = {(port["port"], port.get("protocol")): port.get("nodePort") for port in before}
        causes, missing = [], []
        for index, port in enumerate(dig(new, "spec", "ports", default=())):
            number = port.get("nodePort") or kept.get((port["port"], port.get("protocol")))
            if not number:
                missing.append(port)
                continue
            port["nodePort"] = number
            why = None if number in own else self._refusal(number, taken)
            if why is not None:
                field = f"spec.ports[{index}].nodePort"
                causes.append(errors.cause("FieldValueInvalid", field, f"Invalid value: {number}: {why}"))
            taken.add(number)
        if causes:
            raise errors.invalid(_SERVICES, new["metadata"]["name"], causes)
        for port in missing:
            port["nodePort"] = self._free(taken)
            taken.add(port["nodePort"])

    def _refusal(self, number: int, taken: set[int]) -> str | None:
        first, last = self._range()
        if not first <= number <= last:
            return f"provided port is not in the valid range. The range of valid ports is {first}-{last}"
        return "provided port is already allocated" if number in taken else None

    def _free(self, taken: set[int]) -> int:
        """Return a random free port. If the version reserves the lower band for explicit ports, it is used last."""
        first, last = self._range()
        static = _static_ports(last - first + 1) if self._version.has_static_port_band else 0
        for low, high in ((first + static, last), (first, first + static - 1)):
            free = [number for number in range(low, high + 1) if number not in taken]
            if free:
                return random.choice(free)
        raise ApiError(
            500, "InternalError", "Internal error occurred: failed to allocate a nodePort: range is full",
            {"causes": [{"message": "failed to allocate a nodePort: range is full"}]},
        )  # fmt: skip


def _static_ports(size: int) -> int:
    """Return the size of the lower band of a port range: 1/32 of ``size``, from 16 to 128; 0 for a tiny range."""
    return min(max(16, size // 32), 128) if size > 16 else 0


def _wants_node_ports(service: Mapping[str, Any]) -> bool:
    kind = dig(service, "spec", "type")
    if kind == "LoadBalancer":
        return bool(dig(service, "spec", "allocateLoadBalancerNodePorts", default=True))
    return bool(kind == "NodePort")


def _node_ports(service: Mapping[str, Any]) -> list[int]:
    return [port["nodePort"] for port in dig(service, "spec", "ports", default=()) if port.get("nodePort")]
