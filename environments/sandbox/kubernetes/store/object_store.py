"""The objects of the cluster and the history of their changes.

Stored objects are never changed in place: every write replaces the object, so that readers, watchers and the history
can share them. Objects that the store returns are therefore shared and must not be mutated, including the result of a
write. Only :meth:`Store.get` returns a copy. Objects passed to a write are copied.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

from environments.sandbox.kubernetes.store import errors
from environments.sandbox.kubernetes.store.changes import Change, ChangeLog
from environments.sandbox.kubernetes.store.defaults import apply_defaults
from environments.sandbox.kubernetes.store.deletion import Collect, Deletion
from environments.sandbox.kubernetes.store.errors import ApiError
from environments.sandbox.kubernetes.store.metadata import (
    check_same,
    copy_of,
    generated_name,
    keep_system_fields,
    now,
    owner_uids,
)
from environments.sandbox.kubernetes.store.resources import RESOURCES, Resource
from environments.sandbox.shared.json_text import encode
from environments.sandbox.shared.kubernetes_versions import DEFAULT, VERSIONS, KubernetesVersion

__all__ = ["RESOURCES", "Admission", "ApiError", "Change", "Resource", "Store", "now"]

Object = dict[str, Any]
Objects = list[Object]
Changes = list[Change]
Admission = Callable[[str, str, Object, "Object | None"], None]

_HISTORY_CHANGES = 10_000


class Store(ChangeLog):
    """All objects of the cluster by kind, namespace and name.

    ``admission`` holds functions ``(verb, plural, new, old)`` called before a write with verb ``create`` or ``update``;
    they may change ``new`` or raise :class:`ApiError`. They are also called with verb ``delete`` (``new`` and ``old``
    are the object) whenever an object has actually been removed, regardless of the cause, and must not raise then.
    """

    def __init__(self, history: int = _HISTORY_CHANGES, version: KubernetesVersion = VERSIONS[DEFAULT]) -> None:
        super().__init__(history)
        self.version = version
        self.admission: list[Admission] = []
        self.collect: Collect = self._collect_at_once
        self._objects: dict[str, dict[tuple[str, str], Object]] = {plural: {} for plural in RESOURCES}
        self._latest: dict[str, dict[tuple[str, str], Change]] = {plural: {} for plural in RESOURCES}
        self._dependents: dict[str, set[tuple[str, str, str]]] = {}

    # -- reading

    def find(self, plural: str, name: str, namespace: str | None = None) -> Object | None:
        """Return the object (shared, not to be mutated), or None. No ``namespace`` means ``default``."""
        return self._objects[plural].get(self._key(plural, name, namespace))

    def get(self, plural: str, name: str, namespace: str | None = None) -> Object:
        """Return a copy of the object. Raises :class:`ApiError` 404 if it does not exist."""
        found = self.find(plural, name, namespace)
        if found is None:
            raise errors.not_found(RESOURCES[plural], name)
        return copy_of(found)

    def list(self, plural: str, namespace: str | None = None) -> Objects:
        """Return the objects (shared, not to be mutated) in the order of namespace and name."""
        kept = self._objects[plural]
        return [kept[key] for key in sorted(kept) if not namespace or key[0] == namespace]

    def latest(self, plural: str, namespace: str | None = None) -> Changes:
        """Return the last change of each object, in the order of :meth:`list`."""
        kept = self._latest[plural]
        return [kept[key] for key in sorted(kept) if not namespace or key[0] == namespace]

    def encoded(self, plural: str, obj: Object) -> bytes:
        """Return the result of a write as JSON, encoded only once for the answer and all watchers."""
        metadata = obj["metadata"]
        change = self._latest[plural].get(self._key(plural, metadata["name"], metadata.get("namespace")))
        written = change is not None and change.object["metadata"]["resourceVersion"] == metadata["resourceVersion"]
        return change.encoded if change is not None and written else encode(obj)

    def count(self, plural: str) -> int:
        return len(self._objects[plural])

    def dependents(self, uid: str) -> Iterator[tuple[str, Object]]:
        """Yield the kind and object of all objects whose ownerReferences name ``uid`` (a snapshot)."""
        for plural, namespace, name in sorted(self._dependents.get(uid, ())):
            found = self._objects[plural].get((namespace, name))
            if found is not None:
                yield plural, found

    # -- writing

    def create(self, plural: str, obj: Object, namespace: str | None = None, *, dry_run: bool = False) -> Object:
        """Store a new object and return it as stored. Raises 409 if the name is taken.

        A ``dry_run`` performs all checks and returns the result, but stores nothing.
        """
        resource = RESOURCES[plural]
        new = copy_of(obj)
        metadata = new.setdefault("metadata", {})
        if resource.namespaced:
            metadata["namespace"] = namespace or metadata.get("namespace") or "default"
        else:
            metadata.pop("namespace", None)
        if not metadata.get("name") and metadata.get("generateName"):
            metadata["name"] = generated_name(metadata["generateName"])
        key = self._key(plural, metadata.get("name", ""), metadata.get("namespace"))
        if key in self._objects[plural]:
            raise errors.already_exists(resource, key[1])
        for field in ("deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "managedFields"):
            metadata.pop(field, None)
        new.update(apiVersion=resource.api_version, kind=resource.kind)
        metadata.update(uid=str(uuid.uuid4()), creationTimestamp=now())
        if resource.has_generation:
            metadata["generation"] = 1
        apply_defaults(plural, new, self.revision + 1, self.version)
        for admit in self.admission:
            admit("create", plural, new, None)
        if dry_run:
            return new
        self._write("ADDED", plural, key, new, None)
        return new

    def update(self, plural: str, obj: Object, *, dry_run: bool = False) -> Object:
        """Replace an object. Raises 409 if ``metadata.resourceVersion`` is given and outdated.

        An update that changes nothing creates no new revision.
        """
        return self._replace(plural, copy_of(obj), dry_run=dry_run)

    def _replace(self, plural: str, new: Object, *, dry_run: bool = False) -> Object:
        """Replace an object. The store takes ownership of ``new``."""
        resource = RESOURCES[plural]
        metadata = new["metadata"]
        key = self._key(plural, metadata["name"], metadata.get("namespace"))
        old = self._objects[plural].get(key)
        if old is None:
            raise errors.not_found(resource, key[1])
        before = old["metadata"]
        check_same(resource, metadata, before)
        keep_system_fields(metadata, before)
        new.update(apiVersion=resource.api_version, kind=resource.kind)
        apply_defaults(plural, new, self.revision + 1, self.version)
        for admit in self.admission:
            admit("update", plural, new, old)
        if new == old:
            return new
        if resource.has_generation and new.get("spec") != old.get("spec"):
            metadata["generation"] = before.get("generation", 0) + 1
        if dry_run:
            return new
        self._write("MODIFIED", plural, key, new, old)
        released = before.get("finalizers") and not metadata.get("finalizers")
        if released and metadata.get("deletionGracePeriodSeconds") == 0:
            Deletion(self).finish(plural, new)
        return new

    def mutate(self, plural: str, name: str, namespace: str | None, change: Callable[[Object], None]) -> Object | None:
        """Apply ``change`` to a copy of the object and store it, atomically. Returns None if the object is gone.

        Values that ``change`` puts into the copy become part of the stored object.
        """
        found = self.find(plural, name, namespace)
        if found is None:
            return None
        new = copy_of(found)
        change(new)
        return self._replace(plural, new)

    def delete(
        self, plural: str, name: str, namespace: str | None = None, *, propagation: str | None = None,
        grace_s: int | None = None,
    ) -> Object:  # fmt: skip
        """Delete an object, or mark it for deletion if a grace period or finalizer holds it. Returns its last form.

        ``propagation`` is ``Background``, ``Foreground``, ``Orphan`` or None for the kind's default (jobs orphan pods).
        ``grace_s`` applies to pods only; None means the pod's own terminationGracePeriodSeconds.
        """
        found = self.find(plural, name, namespace)
        if found is None:
            raise errors.not_found(RESOURCES[plural], name)
        return Deletion(self).request(plural, found, propagation, grace_s)

    def clear(self) -> None:
        """Remove all objects at once, ignoring grace periods and finalizers.

        Watchers see each deletion. No watch can start from an older revision afterwards.
        """
        for plural, kept in self._objects.items():
            for obj in list(kept.values()):
                self.remove(plural, obj)
        self.forget_changes()

    def remove(self, plural: str, old: Object) -> Object:
        """Remove the object now. Finalizers and dependents are handled by :class:`Deletion`."""
        metadata = old["metadata"]
        key = self._key(plural, metadata["name"], metadata.get("namespace"))
        last: Object = {**old, "metadata": dict(metadata)}
        self._write("DELETED", plural, key, last, old)
        for admit in self.admission:
            admit("delete", plural, last, last)
        return last

    # -- inside

    def _collect_at_once(self, plural: str, obj: Object) -> None:
        Deletion(self).request(plural, obj, "Background", None)

    @staticmethod
    def _key(plural: str, name: str, namespace: str | None) -> tuple[str, str]:
        return ((namespace or "default") if RESOURCES[plural].namespaced else "", name)

    def _write(self, kind: str, plural: str, key: tuple[str, str], new: Object, old: Object | None) -> None:
        self.revision += 1
        new["metadata"]["resourceVersion"] = str(self.revision)
        entry = (plural, *key)
        for uid in owner_uids(old):
            self._dependents.get(uid, set()).discard(entry)
        if kind == "DELETED":
            del self._objects[plural][key], self._latest[plural][key]
            self._dependents.pop(new["metadata"]["uid"], None)
        else:
            self._objects[plural][key] = new
            for uid in owner_uids(new):
                self._dependents.setdefault(uid, set()).add(entry)
        change = Change(kind, plural, new, self.revision, old)
        if kind != "DELETED":
            self._latest[plural][key] = change
        self.tell(change)
