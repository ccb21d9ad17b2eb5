"""Binding of a claim to the volume that it names, the only kind of storage supported."""

from __future__ import annotations

from collections.abc import Iterable

from environments.sandbox.kubernetes.controllers.meta import Key, Object, key_of
from environments.sandbox.kubernetes.controllers.runner import Controller
from environments.sandbox.kubernetes.store.object_store import Change
from environments.sandbox.kubernetes.store.objects import dig


class Volumes(Controller):
    watches = frozenset({"persistentvolumeclaims", "persistentvolumes"})

    def changed(self, change: Change) -> Iterable[Key]:
        claims = self.store.list("persistentvolumeclaims") if change.type != "DELETED" else ()
        return [key_of(claim) for claim in claims if dig(claim, "status", "phase") == "Pending"]

    def reconcile(self, key: Key) -> None:
        claim = self.store.find("persistentvolumeclaims", key[1], key[0])
        volume = self.store.find("persistentvolumes", dig(claim or {}, "spec", "volumeName", default=""))
        if claim is None or volume is None:
            return
        spec = volume["spec"]
        bound: Object = {"phase": "Bound", "accessModes": spec["accessModes"], "capacity": spec["capacity"]}
        self.store.mutate("persistentvolumeclaims", key[1], key[0], lambda new: new.update(status=bound))
        self.store.mutate("persistentvolumes", volume["metadata"]["name"], None, _bound)


def _bound(volume: Object) -> None:
    volume["status"] = {"phase": "Bound"}
