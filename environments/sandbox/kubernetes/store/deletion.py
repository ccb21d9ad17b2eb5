"""Deletion with grace periods, finalizers and dependents, as the API server and the garbage collector do together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from environments.sandbox.kubernetes.store.objects import clone, dig
from environments.sandbox.kubernetes.store.resources import RESOURCES

Object = dict[str, Any]

FOREGROUND, ORPHAN = "foregroundDeletion", "orphan"
_DEFAULT_GRACE_S = 30
_FINISHED = ("Succeeded", "Failed")


Collect = Callable[[str, Object], None]
"""Deletes an object whose owner is gone. The arguments are the plural of its kind and the object."""


class Objects(Protocol):
    """The part of the store that a deletion needs."""

    collect: Collect

    def find(self, plural: str, name: str, namespace: str | None = None) -> Object | None: ...

    def list(self, plural: str, namespace: str | None = None) -> list[Object]: ...

    def dependents(self, uid: str) -> Iterator[tuple[str, Object]]: ...

    def update(self, plural: str, obj: Object) -> Object: ...

    def remove(self, plural: str, old: Object) -> Object: ...


class Deletion:
    """One deletion and its consequences."""

    def __init__(self, store: Objects) -> None:
        self._store = store

    def request(self, plural: str, obj: Object, propagation: str | None, grace_s: int | None) -> Object:
        """Delete ``obj`` or mark it as terminating. Returns its last or new form."""
        policy = propagation or ("Orphan" if plural == "jobs" else "Background")
        uid = obj["metadata"]["uid"]
        if plural == "namespaces":
            return self._terminate_namespace(obj)
        if policy == "Orphan" and plural != "pods":
            return self._orphan(plural, obj)
        grace = _pod_grace_s(obj, grace_s) if plural == "pods" else 0
        if grace > 0:
            return self._mark(plural, obj, grace)
        if policy == "Foreground" and any(self._store.dependents(uid)):
            return self._foreground(plural, obj)
        if obj["metadata"].get("finalizers"):
            return self._mark(plural, obj, 0)
        return self.finish(plural, obj)

    def finish(self, plural: str, obj: Object) -> Object:
        """Remove ``obj``, which nothing holds any more, then its dependents, then an owner that only waited for it."""
        dependents = list(self._store.dependents(obj["metadata"]["uid"]))
        last = self._store.remove(plural, obj)
        for kind, dependent in dependents:
            if not self._has_other_owner(dependent, obj["metadata"]["uid"]):
                self._store.collect(kind, dependent)
        for owner in obj["metadata"].get("ownerReferences", ()):
            self._release_owner(owner, obj["metadata"].get("namespace"))
        self._release_namespace(obj["metadata"].get("namespace"))
        return last

    def _mark(self, plural: str, obj: Object, grace_s: int, finalizer: str | None = None) -> Object:
        metadata = obj["metadata"]
        earlier = metadata.get("deletionGracePeriodSeconds")
        if earlier is not None and earlier <= grace_s and finalizer is None:
            return obj
        marked = clone(obj)
        due = datetime.now(UTC) + timedelta(seconds=grace_s)
        marked["metadata"]["deletionTimestamp"] = due.strftime("%Y-%m-%dT%H:%M:%SZ")
        marked["metadata"]["deletionGracePeriodSeconds"] = grace_s
        if finalizer and finalizer not in metadata.get("finalizers", ()):
            marked["metadata"].setdefault("finalizers", []).append(finalizer)
        if RESOURCES[plural].has_generation:
            marked["metadata"]["generation"] = metadata.get("generation", 0) + 1
        return self._store.update(plural, marked)

    def _foreground(self, plural: str, obj: Object) -> Object:
        marked = self._mark(plural, obj, 0, FOREGROUND)
        for kind, dependent in list(self._store.dependents(obj["metadata"]["uid"])):
            if not self._has_other_owner(dependent, obj["metadata"]["uid"]):
                self.request(kind, dependent, "Foreground", None)
        return marked

    def _orphan(self, plural: str, obj: Object) -> Object:
        """Release the dependents of ``obj``, then remove it. Returns the form that was marked for deletion."""
        uid = obj["metadata"]["uid"]
        marked = self._mark(plural, obj, 0, ORPHAN)
        for kind, dependent in list(self._store.dependents(uid)):
            freed = clone(dependent)
            owners = [owner for owner in freed["metadata"]["ownerReferences"] if owner["uid"] != uid]
            freed["metadata"]["ownerReferences"] = owners
            if not owners:
                del freed["metadata"]["ownerReferences"]
            self._store.update(kind, freed)
        self._store.update(plural, _without_finalizer(marked, ORPHAN))
        return marked

    def _has_other_owner(self, dependent: Object, uid: str) -> bool:
        owners = (owner for owner in dependent["metadata"].get("ownerReferences", ()) if owner["uid"] != uid)
        return any(self._owner(owner, dependent["metadata"].get("namespace")) for owner in owners)

    def _owner(self, reference: Object, namespace: str | None) -> tuple[str, Object] | None:
        for plural, resource in RESOURCES.items():
            if resource.kind == reference["kind"] and resource.api_version == reference["apiVersion"]:
                found = self._store.find(plural, reference["name"], namespace)
                if found is not None and found["metadata"]["uid"] == reference["uid"]:
                    return plural, found
        return None

    def _release_owner(self, reference: Object, namespace: str | None) -> None:
        owner = self._owner(reference, namespace)
        if owner is None:
            return
        plural, obj = owner
        finalizers = obj["metadata"].get("finalizers", [])
        if FOREGROUND in finalizers and not any(self._store.dependents(obj["metadata"]["uid"])):
            self._store.update(plural, _without_finalizer(obj, FOREGROUND))

    def _terminate_namespace(self, obj: Object) -> Object:
        name = obj["metadata"]["name"]
        marked = clone(obj)
        marked["metadata"].setdefault("deletionTimestamp", datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
        marked["status"] = {"phase": "Terminating"}
        self._store.update("namespaces", marked)
        for plural, resource in RESOURCES.items():
            for inner in self._store.list(plural, name) if resource.namespaced else ():
                if self._store.find(plural, inner["metadata"]["name"], name) is not None:
                    self.request(plural, inner, "Background", None)
        return self._release_namespace(name) or marked

    def _release_namespace(self, name: str | None) -> Object | None:
        """Remove a terminating namespace once it is empty."""
        namespace = self._store.find("namespaces", name) if name else None
        if namespace is None or dig(namespace, "status", "phase") != "Terminating":
            return None
        if any(self._store.list(plural, name) for plural, resource in RESOURCES.items() if resource.namespaced):
            return None
        return self._store.remove("namespaces", namespace)


def _without_finalizer(obj: Object, finalizer: str) -> Object:
    freed: Object = clone(obj)
    left = [each for each in freed["metadata"].pop("finalizers", ()) if each != finalizer]
    if left:
        freed["metadata"]["finalizers"] = left
    return freed


def _pod_grace_s(pod: Object, asked_s: int | None) -> int:
    """Return the grace period for the kubelet in seconds; 0 if no kubelet has to stop the pod."""
    if not dig(pod, "spec", "nodeName") or dig(pod, "status", "phase") in _FINISHED:
        return 0
    own: int = dig(pod, "spec", "terminationGracePeriodSeconds", default=_DEFAULT_GRACE_S)
    return own if asked_s is None else asked_s
