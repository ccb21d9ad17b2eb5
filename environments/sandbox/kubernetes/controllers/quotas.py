"""Resource quotas: how many pods, or objects of a kind, a namespace may hold, checked when one is created."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from environments.sandbox.kubernetes.controllers.meta import Key, Object, is_finished, key_of
from environments.sandbox.kubernetes.controllers.runner import Controller
from environments.sandbox.kubernetes.store import errors
from environments.sandbox.kubernetes.store.object_store import Change, Store
from environments.sandbox.kubernetes.store.objects import dig
from environments.sandbox.kubernetes.store.resources import RESOURCES
from environments.sandbox.shared import quantities

_COUNTED = {
    "pods": "pods",
    **{f"count/{resource.qualified}": plural for plural, resource in RESOURCES.items() if resource.namespaced},
}
"""Item -> the kind that it counts; of ``pods`` those that have ended do not count."""


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
                self._check(quota, plural, new["metadata"])

    def _check(self, quota: Object, plural: str, metadata: Mapping[str, Any]) -> None:
        hard: Mapping[str, Any] = dig(quota, "spec", "hard", default={})
        exceeded: dict[str, tuple[int, int]] = {}
        for item in sorted(item for item in hard if _COUNTED[item] == plural):
            used, limit = _used(self._store, metadata["namespace"], item), quantities.amount(item, str(hard[item]))
            if used + 1 > limit:
                exceeded[item] = used, limit
        if exceeded:
            requested = ",".join(f"{item}=1" for item in exceeded)
            used_up = ",".join(f"{item}={used}" for item, (used, _) in exceeded.items())
            limited = ",".join(f"{item}={limit}" for item, (_, limit) in exceeded.items())
            why = f"requested: {requested}, used: {used_up}, limited: {limited}"
            title = quota["metadata"]["name"]
            raise errors.forbidden(RESOURCES[plural], metadata["name"], f"exceeded quota: {title}, {why}")


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
        used = {item: str(_used(self.store, key[0], item)) for item in hard}
        status = {"hard": hard, "used": used}
        self.store.mutate("resourcequotas", key[1], key[0], lambda new: new.update(status=status))


def _used(store: Store, namespace: str, item: str) -> int:
    objects = store.list(_COUNTED[item], namespace)
    return sum(not is_finished(pod) for pod in objects) if item == "pods" else len(objects)


def _check_supported(quota: Object) -> None:
    causes = []
    for item in dig(quota, "spec", "hard", default={}):
        if item not in _COUNTED:
            message = f'Unsupported value: "{item}": the sandbox does not count it'
            causes.append(errors.cause("FieldValueNotSupported", f"spec.hard[{item}]", message))
    if causes:
        raise errors.invalid(RESOURCES["resourcequotas"], quota["metadata"]["name"], causes)
