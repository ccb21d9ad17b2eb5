"""The ``scale`` subresource of workloads."""

from __future__ import annotations

from typing import Any

from environments.sandbox.kubernetes.http.field_rules import wrong
from environments.sandbox.kubernetes.kubectl.cells import label_selector
from environments.sandbox.kubernetes.store.errors import bad_request, invalid
from environments.sandbox.kubernetes.store.objects import dig
from environments.sandbox.kubernetes.store.resources import Resource

Object = dict[str, Any]


def scale_of(workload: Object) -> Object:
    """Return the ``autoscaling/v1`` Scale of a deployment, replica set or stateful set."""
    metadata = workload["metadata"]
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    return {
        "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": {key: metadata[key] for key in kept},
        "spec": {"replicas": dig(workload, "spec", "replicas", default=0)},
        "status": {
            "replicas": dig(workload, "status", "replicas", default=0),
            "selector": label_selector(dig(workload, "spec", "selector")),
        },
    }  # fmt: skip


def read_replicas(resource: Resource, workload: Object, scale: Any) -> int:
    """Return the requested number of replicas. Raises 400 or 422 if it is not a valid number."""
    replicas = dig(scale, "spec", "replicas", default=0)
    if not isinstance(replicas, int) or isinstance(replicas, bool):
        raise bad_request(f"Scale: spec.replicas must be a whole number, not {replicas!r}")
    if replicas < 0:
        problem = wrong("spec.replicas", replicas, "must be greater than or equal to 0")
        raise invalid(resource, workload["metadata"]["name"], [problem])
    return replicas
