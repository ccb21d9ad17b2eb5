"""Objects that probes create, and changes that they make to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tools.conformance.cluster.probing import Cluster, Object

NOWHERE = {"focus-acceptance/nowhere": "true"}
"""A label that no node has: pods that require it are never placed, so a comparison costs a cluster nothing."""
IMAGE = "registry.invalid/never-pulled:1"


def named(name: str) -> Callable[[Object], bool]:
    return lambda obj: bool(obj["metadata"]["name"] == name)


def job(name: str, labels: Mapping[str, str] | None = None, **spec: Any) -> Object:
    """Return a job as the stand-in of Focus Server creates it, except that its pods are never placed."""
    container = {"name": "main", "image": IMAGE, "command": ["true"]}
    pod = {"restartPolicy": "Never", "nodeSelector": dict(NOWHERE), "containers": [container]}
    template = {"metadata": {"labels": {"app": name}}, "spec": pod}
    return {
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "labels": {"app": name, **(labels or {})}},
        "spec": {"backoffLimit": 0, **spec, "template": template},
    }  # fmt: skip


def service(name: str, ports: list[Object], **spec: Any) -> Object:
    return {
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
        "spec": {"type": "NodePort", "selector": {"app": name}, "ports": ports, **spec},
    }  # fmt: skip


def end_pod(cluster: Cluster, pod: Object, phase: str) -> None:
    """Write the end of a pod as a kubelet would. A pod that was never placed has no kubelet."""
    cluster.merge("pods", pod["metadata"]["name"], {"status": {"phase": phase}}, "status")
