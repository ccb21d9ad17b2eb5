"""Resources a pod takes of its node, by the scheduler's own rules.

Source: ``PodRequests`` of k8s.io/component-helpers/resource/helpers.go (Kubernetes 1.34), the defaults of
pkg/apis/core/v1/defaults.go, KEP-753 (sidecars), KEP-2837 (resources of the pod as a whole), KEP-688 (overhead) and
KEP-1287 (resize in place). All amounts are in cores, bytes and pieces.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import Any

from kubernetes.utils.quantity import parse_quantity

Raw = Mapping[str, Any]
Amounts = dict[str, float]

PODS = "pods"
_HUGE_PAGES = "hugepages-"


def quantity(value: object) -> float:
    """Parse one Kubernetes quantity. Raises ValueError for anything else."""
    return float(parse_quantity(str(value)))  # type: ignore[no-untyped-call]  # it ships no type information


def amounts(quantities: Mapping[str, Any] | None) -> Amounts:
    """Kubernetes quantities as numbers: cpu in cores, memory in bytes, everything else in pieces."""
    return {resource: quantity(value) for resource, value in (quantities or {}).items()}


def added(one: Amounts, other: Amounts) -> Amounts:
    """Return the sum of both."""
    return {resource: one.get(resource, 0.0) + other.get(resource, 0.0) for resource in (one | other)}


def taken(pod_spec: Raw, status: Raw | None = None) -> Amounts:
    """Return the resources one pod takes: its requests, the overhead of its runtime, and one of the node's pod slots.

    ``status`` is the pod's status, if known: while a container is resized in place, the larger size counts.
    """
    of_containers = _of_containers(pod_spec, status or {})
    total = of_containers | _of_the_whole_pod(pod_spec.get("resources") or {}, of_containers)
    return added(added(total, amounts(pod_spec.get("overhead"))), {PODS: 1.0})


def _of_containers(pod_spec: Raw, status: Raw) -> Amounts:
    """The sum of all containers and sidecars, or more if an init container with the sidecars before it needs more."""
    states = {
        str(state.get("name")): state
        for kind in ("containerStatuses", "initContainerStatuses")
        for state in status.get(kind) or ()
    }
    nothing: Amounts = {}
    running = reduce(added, (_requests(each, states) for each in pod_spec.get("containers") or ()), nothing)
    sidecars: Amounts = {}
    starting: Amounts = {}
    for container in pod_spec.get("initContainers") or ():
        needs = _requests(container, states)
        if container.get("restartPolicy") == "Always":
            running, sidecars = added(running, needs), added(sidecars, needs)
            starting = _larger(starting, sidecars)
        else:
            starting = _larger(starting, added(needs, sidecars))
    return _larger(running, starting)


def _of_the_whole_pod(resources: Raw, of_containers: Amounts) -> Amounts:
    """Pod-level requests, for the resources in which they replace the requests of the containers."""
    requests, limits = amounts(resources.get("requests")), amounts(resources.get("limits"))
    defaults = {
        resource: value
        for resource, value in limits.items()
        if resource not in of_containers or resource.startswith(_HUGE_PAGES)
    }
    return {resource: value for resource, value in (defaults | requests).items() if _may_be_of_the_pod(resource)}


def _may_be_of_the_pod(resource: str) -> bool:
    return resource in ("cpu", "memory") or resource.startswith(_HUGE_PAGES)


def _requests(container: Raw, states: Mapping[str, Raw]) -> Amounts:
    """Requests of a container. A limit without a request counts as one, as in the API server."""
    resources = container.get("resources") or {}
    asked = amounts({**(resources.get("limits") or {}), **(resources.get("requests") or {})})
    state = states.get(str(container.get("name")), {})
    given = amounts((state.get("resources") or {}).get("requests"))
    return _larger(_larger(asked, given), amounts(state.get("allocatedResources")))


def _larger(one: Amounts, other: Amounts) -> Amounts:
    return {resource: max(one.get(resource, 0.0), other.get(resource, 0.0)) for resource in (one | other)}
