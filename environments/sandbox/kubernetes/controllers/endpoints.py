"""The endpoints controller: it keeps the list of the pods behind each service."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from environments.sandbox.kubernetes.controllers.meta import (
    Key,
    Object,
    is_active,
    is_ready,
    key_of,
    owned,
    owner_reference,
)
from environments.sandbox.kubernetes.controllers.runner import Controller, Runner
from environments.sandbox.kubernetes.store.object_store import Change
from environments.sandbox.kubernetes.store.objects import dig

_SERVICE_NAME, _MANAGED_BY = "kubernetes.io/service-name", "endpointslice.kubernetes.io/managed-by"
_MANAGER = "endpointslice-controller.k8s.io"

Label = tuple[str, str, str]
"""Namespace, label and value."""


class Endpoints(Controller):
    """Indexes pods by label and services by one label of their selector, so that no change needs a scan of all."""

    watches = frozenset({"services", "pods"})

    def __init__(self, runner: Runner) -> None:
        super().__init__(runner)
        self._services: dict[Label, set[Key]] = {}
        self._filed: dict[Key, Label] = {}
        self._pods: dict[Label, set[Key]] = {}

    def changed(self, change: Change) -> Iterable[Key]:
        if change.plural == "services":
            self._file(change)
            return (key_of(change.object),)
        labels = _labels(change.object)
        for label in labels if change.type != "MODIFIED" else ():
            known = self._pods.setdefault(label, set())
            (known.discard if change.type == "DELETED" else known.add)(key_of(change.object))
            if not known:
                del self._pods[label]
        return [service for label in labels for service in self._services.get(label, ())]

    def reconcile(self, key: Key) -> None:
        service = self.store.find("services", key[1], key[0])
        if service is None:
            if self.store.find("endpoints", key[1], key[0]) is not None:
                self.store.delete("endpoints", key[1], key[0])
            return
        selector = dig(service, "spec", "selector")
        if not selector:
            return
        wanted = self._subsets(service, self._selected(key[0], selector))
        self._keep_slice(service, wanted)
        found = self.store.find("endpoints", key[1], key[0])
        if found is None:
            labels = dict(service["metadata"].get("labels", {}))
            endpoints = {"metadata": {"name": key[1], "labels": labels}, "subsets": wanted}
            self.store.create("endpoints", endpoints, key[0])
        elif found.get("subsets", []) != wanted:
            self.store.mutate("endpoints", key[1], key[0], lambda new: new.update(subsets=wanted))

    def _keep_slice(self, service: Object, subsets: list[Object]) -> None:
        """Write the same subsets as an EndpointSlice, which newer clients read. It is deleted with its service."""
        namespace, name = key_of(service)
        wanted = endpoint_slice(subsets)
        found = next(iter(owned(self.store, "endpointslices", service)), None)
        if found is None:
            labels = {**service["metadata"].get("labels", {}), _SERVICE_NAME: name, _MANAGED_BY: _MANAGER}
            metadata = {
                "generateName": f"{name}-", "labels": labels, "ownerReferences": [owner_reference("services", service)],
            }  # fmt: skip
            self.store.create("endpointslices", {"metadata": metadata, "addressType": "IPv4", **wanted}, namespace)
        elif {field: found.get(field) for field in wanted} != wanted:
            name = found["metadata"]["name"]
            self.store.mutate("endpointslices", name, namespace, lambda new: new.update(wanted))

    def _file(self, change: Change) -> None:
        service, key = change.object, key_of(change.object)
        old = self._filed.pop(key, None)
        if old is not None:
            self._services[old].discard(key)
            if not self._services[old]:
                del self._services[old]
        selector = dig(service, "spec", "selector")
        if selector and change.type != "DELETED":
            label = (key[0], *min(selector.items()))
            self._filed[key] = label
            self._services.setdefault(label, set()).add(key)

    def _selected(self, namespace: str, selector: Mapping[str, str]) -> list[Object]:
        candidates = sorted(self._pods.get((namespace, *min(selector.items())), ()))
        pods = (self.store.find("pods", name, namespace) for namespace, name in candidates)
        return [
            pod for pod in pods
            if pod is not None and dig(pod, "status", "podIP") and is_active(pod)
            and selector.items() <= pod["metadata"].get("labels", {}).items()
        ]  # fmt: skip

    def _subsets(self, service: Object, pods: list[Object]) -> list[Object]:
        if not pods or not service["spec"].get("ports"):
            return []
        subset: Object = {}
        for name, ready in (("addresses", True), ("notReadyAddresses", False)):
            chosen = [_address(pod) for pod in pods if is_ready(pod) is ready]
            if chosen:
                subset[name] = chosen
        subset["ports"] = [_port(port, pods[0]) for port in service["spec"]["ports"]]
        return [subset]


def endpoint_slice(subsets: Iterable[Mapping[str, Any]]) -> Object:
    """Convert the ``subsets`` of an Endpoints object to the fields of an EndpointSlice."""
    endpoints: list[Object] = []
    ports: list[Object] = []
    for subset in subsets:
        ports = [{"name": "", **port} for port in subset["ports"]]
        for field, ready in (("addresses", True), ("notReadyAddresses", False)):
            endpoints += [
                {
                    "addresses": [address["ip"]], "nodeName": address["nodeName"], "targetRef": address["targetRef"],
                    "conditions": {"ready": ready, "serving": ready, "terminating": False},
                }
                for address in subset.get(field, ())
            ]  # fmt: skip
    return {"endpoints": endpoints, "ports": ports}


def _labels(pod: Mapping[str, Any]) -> list[Label]:
    metadata = pod["metadata"]
    return [(metadata["namespace"], label, value) for label, value in metadata.get("labels", {}).items()]


def _address(pod: Mapping[str, Any]) -> Object:
    metadata = pod["metadata"]
    target = {"kind": "Pod", "namespace": metadata["namespace"], "name": metadata["name"], "uid": metadata["uid"]}
    return {"ip": pod["status"]["podIP"], "nodeName": pod["spec"].get("nodeName"), "targetRef": target}


def _port(port: Mapping[str, Any], pod: Mapping[str, Any]) -> Object:
    number = port.get("targetPort", port["port"])
    if isinstance(number, str):
        offered = (each for container in pod["spec"]["containers"] for each in container.get("ports", ()))
        number = next((each["containerPort"] for each in offered if each.get("name") == number), port["port"])
    named = {"name": port["name"]} if port.get("name") else {}
    return {**named, "port": number, "protocol": port.get("protocol", "TCP")}
