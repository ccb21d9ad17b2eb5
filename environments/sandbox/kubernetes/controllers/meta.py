"""Helpers of the controllers to read and write objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from environments.sandbox.kubernetes.store.metadata import now as now
from environments.sandbox.kubernetes.store.object_store import Store
from environments.sandbox.kubernetes.store.objects import dig
from environments.sandbox.kubernetes.store.resources import RESOURCES

Object = dict[str, Any]
Key = tuple[str, str]
"""Namespace and name; the namespace is empty for cluster-scoped kinds."""

JOB_NAME_LABEL = "job-name"
"""The label with the job's name that all versions write."""
MOST_PODS_AT_ONCE = 50
"""The number of pods that a controller creates in one reconcile. Their changes trigger the next one; in between, the
API server gets its turn."""
GPU = "nvidia.com/gpu.shared"
FINISHED_PHASES = ("Succeeded", "Failed")
HEALTHY = {
    "MemoryPressure": "kubelet has sufficient memory available",
    "DiskPressure": "kubelet has no disk pressure",
    "PIDPressure": "kubelet has sufficient PID available",
}
"""The conditions that a kubelet reports for a healthy node: condition -> message. The status of each is False."""


def key_of(obj: Mapping[str, Any]) -> Key:
    metadata = obj["metadata"]
    return (metadata.get("namespace", ""), metadata["name"])


def is_finished(pod: Mapping[str, Any]) -> bool:
    return dig(pod, "status", "phase") in FINISHED_PHASES


def is_leaving(obj: Mapping[str, Any]) -> bool:
    return "deletionTimestamp" in obj["metadata"]


def is_active(pod: Mapping[str, Any]) -> bool:
    """Whether a pod is neither finished nor being deleted."""
    return not is_finished(pod) and not is_leaving(pod)


def condition(obj: Mapping[str, Any], kind: str) -> Mapping[str, Any] | None:
    for each in dig(obj, "status", "conditions", default=()):
        if each["type"] == kind:
            found: Mapping[str, Any] = each
            return found
    return None


def is_true(obj: Mapping[str, Any], kind: str) -> bool:
    found = condition(obj, kind)
    return found is not None and found["status"] == "True"


def is_ready(pod: Mapping[str, Any]) -> bool:
    return is_true(pod, "Ready")


def set_condition(status: Object, kind: str, value: str, reason: str | None = None, message: str | None = None) -> None:
    """Set one condition in place. Its transition time changes only if its status changes."""
    conditions = status.setdefault("conditions", [])
    old = next((each for each in conditions if each["type"] == kind), None)
    new: Object = {"type": kind, "status": value}
    if reason is not None:
        new["reason"] = reason
    if message is not None:
        new["message"] = message
    kept = old is not None and old["status"] == value
    new["lastTransitionTime"] = old["lastTransitionTime"] if old is not None and kept else now()
    if old is None:
        conditions.append(new)
    else:
        conditions[conditions.index(old)] = new


def owner_reference(plural: str, owner: Mapping[str, Any]) -> Object:
    resource = RESOURCES[plural]
    return {
        "apiVersion": resource.api_version, "kind": resource.kind, "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"], "controller": True, "blockOwnerDeletion": True,
    }  # fmt: skip


def controller_of(obj: Mapping[str, Any], kind: str) -> tuple[Key, str] | None:
    """Return the key and uid of the object of ``kind`` that controls this one, if any."""
    for owner in obj["metadata"].get("ownerReferences", ()):
        if owner.get("controller") and owner["kind"] == kind:
            return (obj["metadata"].get("namespace", ""), owner["name"]), owner["uid"]
    return None


def owned(store: Store, plural: str, owner: Mapping[str, Any]) -> list[Object]:
    """Return the objects of one kind that ``owner`` owns. They are shared and must not be mutated."""
    return [obj for kind, obj in store.dependents(owner["metadata"]["uid"]) if kind == plural]


def pod_from(template: Mapping[str, Any], plural: str, owner: Mapping[str, Any]) -> Object:
    """Return a pod as ``owner`` creates it: with a generated name, the template's labels and an owner reference."""
    metadata: Object = {
        "generateName": f"{owner['metadata']['name']}-",
        "labels": dict(dig(template, "metadata", "labels", default={})),
        "ownerReferences": [owner_reference(plural, owner)],
    }
    annotations = dig(template, "metadata", "annotations")
    if annotations:
        metadata["annotations"] = dict(annotations)
    return {"metadata": metadata, "spec": template["spec"]}
