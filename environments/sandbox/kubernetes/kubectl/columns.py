"""The table columns of each kind, in the order and with the names of the real server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from environments.sandbox.kubernetes.kubectl import cells
from environments.sandbox.kubernetes.store.objects import dig

Object = dict[str, Any]


@dataclass(frozen=True)
class Column:
    """One column of a table. A column with ``priority`` 1 is shown with ``-o wide`` only."""

    name: str
    cell: Callable[[Object], Any]
    type: str = "string"
    priority: int = 0


def _at(*path: str | int, default: Any = "<none>") -> Callable[[Object], Any]:
    return lambda obj: dig(obj, *path, default=default)


def _wide(name: str, cell: Callable[[Object], Any]) -> Column:
    return Column(name, cell, priority=1)


def _number(name: str, *path: str) -> Column:
    return Column(name, _at(*path, default=0), "integer")


def _containers(field: str) -> Callable[[Object], str]:
    def cell(obj: Object) -> str:
        containers = dig(obj, "spec", "template", "spec", "containers", default=[])
        return ",".join(each.get(field, "") for each in containers)

    return cell


def _first_seen(event: Object) -> str:
    return cells.age_of(event.get("firstTimestamp") or event.get("eventTime"))


def _last_seen(event: Object) -> str:
    seen = dig(event, "series", "lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime")
    return cells.age_of(seen)


def _count(event: Object) -> str:
    return str(dig(event, "series", "count") or event.get("count") or 1)


def _source(event: Object) -> str:
    component = dig(event, "source", "component") or event.get("reportingComponent") or ""
    host = dig(event, "source", "host")
    return f"{component}, {host}" if host else component


def _involved(event: Object) -> str:
    involved = event.get("involvedObject", {})
    return f"{involved.get('kind', '').lower()}/{involved.get('name', '')}"


def _bound(binding: Object) -> str:
    return f"{dig(binding, 'roleRef', 'kind')}/{dig(binding, 'roleRef', 'name')}"


def _of_ready(ready: tuple[str, ...], wanted: tuple[str, ...]) -> Callable[[Object], str]:
    return lambda obj: f"{dig(obj, *ready, default=0)}/{dig(obj, *wanted, default=0)}"


NAME = Column("Name", _at("metadata", "name"))
AGE = Column("Age", lambda obj: cells.age_of(obj["metadata"].get("creationTimestamp")))
_CONTAINERS = (_wide("Containers", _containers("name")), _wide("Images", _containers("image")))
_SELECTOR = _wide("Selector", lambda obj: cells.label_selector(dig(obj, "spec", "selector")))
_READY_REPLICAS = Column("Ready", _of_ready(("status", "readyReplicas"), ("spec", "replicas")))

USUAL = (NAME, AGE)
"""The columns of all other kinds."""
COLUMNS: dict[str, tuple[Column, ...]] = {
    "pods": (
        NAME, Column("Ready", cells.pod_ready), Column("Status", cells.pod_status),
        Column("Restarts", cells.pod_restarts), AGE,
        _wide("IP", _at("status", "podIP")), _wide("Node", _at("spec", "nodeName")),
        _wide("Nominated Node", _at("status", "nominatedNodeName")), _wide("Readiness Gates", lambda pod: "<none>"),
    ),
    "jobs": (
        NAME, Column("Status", cells.job_status), Column("Completions", cells.job_completions),
        Column("Duration", cells.job_duration), AGE, *_CONTAINERS, _SELECTOR,
    ),
    "services": (
        NAME, Column("Type", _at("spec", "type")), Column("Cluster-IP", _at("spec", "clusterIP")),
        Column("External-IP", cells.external_ip), Column("Port(s)", cells.service_ports), AGE,
        _wide("Selector", lambda service: cells.labels(service["spec"].get("selector"))),
    ),
    "nodes": (
        NAME, Column("Status", cells.node_status), Column("Roles", cells.node_roles), AGE,
        Column("Version", _at("status", "nodeInfo", "kubeletVersion", default="")),
        _wide("Internal-IP", lambda node: cells.node_address(node, "InternalIP")),
        _wide("External-IP", lambda node: cells.node_address(node, "ExternalIP")),
        _wide("OS-Image", _at("status", "nodeInfo", "osImage", default="<unknown>")),
        _wide("Kernel-Version", _at("status", "nodeInfo", "kernelVersion", default="<unknown>")),
        _wide("Container-Runtime", _at("status", "nodeInfo", "containerRuntimeVersion", default="<unknown>")),
    ),
    "deployments": (
        NAME, _READY_REPLICAS, _number("Up-to-date", "status", "updatedReplicas"),
        _number("Available", "status", "availableReplicas"), AGE, *_CONTAINERS, _SELECTOR,
    ),
    "replicasets": (
        NAME, _number("Desired", "spec", "replicas"), _number("Current", "status", "replicas"),
        _number("Ready", "status", "readyReplicas"), AGE, *_CONTAINERS, _SELECTOR,
    ),
    "statefulsets": (NAME, _READY_REPLICAS, AGE, *_CONTAINERS),
    "events": (
        Column("Last Seen", _last_seen), Column("Type", _at("type", default="")),
        Column("Reason", _at("reason", default="")),
        Column("Object", _involved), _wide("Subobject", _at("involvedObject", "fieldPath", default="")),
        _wide("Source", _source), Column("Message", lambda event: str(event.get("message", "")).strip()),
        _wide("First Seen", _first_seen), _wide("Count", _count),
        _wide("Name", NAME.cell),
    ),
    "configmaps": (
        NAME, Column("Data", lambda obj: len(obj.get("data") or {}) + len(obj.get("binaryData") or {}), "integer"), AGE,
    ),
    "secrets": (
        NAME, Column("Type", _at("type", default="")),
        Column("Data", lambda obj: len(obj.get("data") or {}), "integer"), AGE,
    ),
    "serviceaccounts": (NAME, Column("Secrets", lambda obj: len(obj.get("secrets") or ()), "integer"), AGE),
    "namespaces": (NAME, Column("Status", _at("status", "phase", default="")), AGE),
    "endpoints": (NAME, Column("Endpoints", cells.endpoint_addresses), AGE),
    "endpointslices": (
        NAME, Column("AddressType", _at("addressType", default="")), Column("Ports", cells.slice_ports),
        Column("Endpoints", cells.slice_endpoints), AGE,
    ),
    "resourcequotas": (
        NAME, Column("Request", cells.quota), Column("Limit", lambda obj: ""), AGE,
    ),
    "networkpolicies": (
        NAME, Column("Pod-Selector", lambda obj: cells.label_selector(dig(obj, "spec", "podSelector"))), AGE,
    ),
    **dict.fromkeys(("clusterroles", "roles"), (NAME, Column("Created At", _at("metadata", "creationTimestamp")))),
    **dict.fromkeys(("clusterrolebindings", "rolebindings"), (NAME, Column("Role", _bound), AGE)),
}  # fmt: skip
