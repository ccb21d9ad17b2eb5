"""Resource quotas: what a namespace may hold, checked when something is created."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from environments.sandbox.kubernetes.controllers.meta import Key, Object, is_finished, key_of
from environments.sandbox.kubernetes.controllers.runner import Controller
from environments.sandbox.kubernetes.store import errors
from environments.sandbox.kubernetes.store.object_store import Change, Store
from environments.sandbox.kubernetes.store.objects import dig
from environments.sandbox.kubernetes.store.resources import RESOURCES
from environments.sandbox.shared import quantities

_COMPUTE = ("cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory")
_COUNTED = {f"count/{resource.qualified}": plural for plural, resource in RESOURCES.items() if resource.namespaced}
_PLAIN_COUNTS = {
    "services": "services", "configmaps": "configmaps", "secrets": "secrets", "resourcequotas": "resourcequotas",
    "persistentvolumeclaims": "persistentvolumeclaims",
}  # fmt: skip


class QuotaAdmission:
    """Refuses what would exceed a quota, in the words of the API server."""

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
        resource, name = RESOURCES[plural], new["metadata"]["name"]
        exceeded, unspecified = [], []
        hard: Mapping[str, Any] = dig(quota, "spec", "hard", default={})
        for item in sorted(hard):
            asked = usage(item, plural, new)
            if asked is None:
                continue
            if plural == "pods" and item in _COMPUTE and not asked:
                unspecified += [f"{item} for: {container['name']}" for container in new["spec"]["containers"]]
                continue
            limit = quantities.amount(item, str(hard[item]))
            used = _used(self._store, new["metadata"]["namespace"], item)
            if asked and used + asked > limit:
                exceeded.append((item, {"requested": asked, "used": used, "limited": limit}))
        title = quota["metadata"]["name"]
        if unspecified:
            raise errors.forbidden(resource, name, f"failed quota: {title}: must specify {'; '.join(unspecified)}")
        if exceeded:
            parts = (
                f"{label}: " + ",".join(f"{item}={quantities.text(item, values[label])}" for item, values in exceeded)
                for label in ("requested", "used", "limited")
            )
            raise errors.forbidden(resource, name, f"exceeded quota: {title}, {', '.join(parts)}")


class QuotaStatus(Controller):
    """Keeps ``status.used`` of every quota right."""

    watches = frozenset({"resourcequotas", *(p for p, r in RESOURCES.items() if r.namespaced and p != "events")})

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
        used = {item: quantities.text(item, _used(self.store, key[0], item)) for item in hard}
        status = {"hard": hard, "used": used}
        self.store.mutate("resourcequotas", key[1], key[0], lambda new: new.update(status=status))


def usage(item: str, plural: str, obj: Mapping[str, Any]) -> int | None:
    """How much of the quota item this object takes; None when the item does not count objects of its kind."""
    if item in _COUNTED or item in _PLAIN_COUNTS:
        return 1 if _COUNTED.get(item, _PLAIN_COUNTS.get(item)) == plural else None
    if item in _SERVICE_ITEMS:
        return _SERVICE_ITEMS[item](obj) if plural == "services" else None
    if plural != "pods":
        return None
    if is_finished(obj):
        return 0
    if item == "pods":
        return 1
    field, _, resource = item.rpartition(".") if item in _COMPUTE else item.partition(".")
    return quantities.requests(obj["spec"], field or "requests").get(resource, 0)


def _service_ports(service: Mapping[str, Any]) -> int:
    return sum(1 for port in dig(service, "spec", "ports", default=()) if port.get("nodePort"))


_SERVICE_ITEMS: dict[str, Callable[[Mapping[str, Any]], int]] = {
    "services.nodeports": _service_ports,
    "services.loadbalancers": lambda service: int(dig(service, "spec", "type") == "LoadBalancer"),
}


def _used(store: Store, namespace: str, item: str) -> int:
    plural = _COUNTED.get(item) or _PLAIN_COUNTS.get(item) or ("services" if item in _SERVICE_ITEMS else "pods")
    return sum(usage(item, plural, obj) or 0 for obj in store.list(plural, namespace))


def _check_supported(quota: Object) -> None:
    causes = []
    known = {"pods", *_COMPUTE, *_COUNTED, *_PLAIN_COUNTS, *_SERVICE_ITEMS}
    for item in dig(quota, "spec", "hard", default={}):
        extended = item.startswith("requests.") and "/" in item
        if not extended and item not in known:
            message = f'Unsupported value: "{item}": the sandbox does not count it'
            causes.append(errors.cause("FieldValueNotSupported", f"spec.hard[{item}]", message))
    if causes:
        raise errors.invalid(RESOURCES["resourcequotas"], quota["metadata"]["name"], causes)
