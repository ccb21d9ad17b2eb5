"""Resource quotas: limits per namespace on objects of a kind or on node ports, checked when an object is created."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from environments.sandbox.kubernetes.controllers.meta import Key, Object, is_finished, key_of
from environments.sandbox.kubernetes.controllers.runner import Controller
from environments.sandbox.kubernetes.store import errors
from environments.sandbox.kubernetes.store.object_store import Change, Store
from environments.sandbox.kubernetes.store.objects import dig
from environments.sandbox.kubernetes.store.resources import RESOURCES

_NODE_PORTS = "services.nodeports"
_COUNTED = {
    _NODE_PORTS: "services",
    **{f"count/{resource.qualified}": plural for plural, resource in RESOURCES.items() if resource.namespaced},
    **{plural: plural for plural in ("configmaps", "persistentvolumeclaims", "pods", "secrets", "services")},
}
"""The items of a quota that are counted: item -> plural of the kind."""


class QuotaAdmission:
    """Refuses objects that would exceed a quota, with the API server's message."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def admit(self, verb: str, plural: str, new: Object, old: Object | None) -> None:
        if verb == "delete":
            return
        if plural == "resourcequotas":
            _check_supported(new)
        elif verb == "create" and RESOURCES[plural].namespaced and plural != "events":
            for quota in self._store.list("resourcequotas", new["metadata"]["namespace"]):
                self._check(quota, plural, new)

    def _check(self, quota: Object, plural: str, new: Object) -> None:
        namespace, name = key_of(new)
        hard: dict[str, Any] = dig(quota, "spec", "hard", default={})
        asked = {item: taken for item in sorted(hard) if _COUNTED[item] == plural and (taken := _taken(item, new))}
        used = {item: _used(self._store, namespace, item) for item in asked}
        exceeded = [item for item in asked if used[item] + asked[item] > int(hard[item])]
        if exceeded:
            told = {"requested": asked, "used": used, "limited": hard}
            parts = (f"{label}: " + ",".join(f"{item}={of[item]}" for item in exceeded) for label, of in told.items())
            title = quota["metadata"]["name"]
            raise errors.forbidden(RESOURCES[plural], name, f"exceeded quota: {title}, {', '.join(parts)}")


class QuotaStatus(Controller):
    """Keeps ``status.used`` of every quota up to date."""

    watches = frozenset({"resourcequotas", *_COUNTED.values()} - {"events"})

    def changed(self, change: Change) -> Iterable[Key]:
        if change.plural == "resourcequotas":
            return (key_of(change.object),) if change.type != "DELETED" else ()
        if not self.store.count("resourcequotas"):
            return ()
        return map(key_of, self.store.list("resourcequotas", change.object["metadata"]["namespace"]))

    def reconcile(self, key: Key) -> None:
        quota = self.store.find("resourcequotas", key[1], key[0])
        if quota is None:
            return
        hard = dict(dig(quota, "spec", "hard", default={}))
        status = {"hard": hard, "used": {item: str(_used(self.store, key[0], item)) for item in hard}}
        self.store.mutate("resourcequotas", key[1], key[0], lambda new: new.update(status=status))


def _used(store: Store, namespace: str, item: str) -> int:
    return sum(_taken(item, obj) for obj in store.list(_COUNTED[item], namespace))


def _taken(item: str, obj: Object) -> int:
    """Return the amount of the item that an object takes. Finished pods do not count towards ``pods``."""
    if item == _NODE_PORTS:
        return sum(1 for port in dig(obj, "spec", "ports", default=()) if port.get("nodePort"))
    return int(not is_finished(obj)) if item == "pods" else 1


def _check_supported(quota: Object) -> None:
    causes = []
    for item, value in dig(quota, "spec", "hard", default={}).items():
        if item not in _COUNTED or not str(value).isdecimal():
            message = f'Unsupported value: "{item}={value}": the sandbox counts objects and node ports only'
            causes.append(errors.cause("FieldValueNotSupported", f"spec.hard[{item}]", message))
    if causes:
        raise errors.invalid(RESOURCES["resourcequotas"], quota["metadata"]["name"], causes)
