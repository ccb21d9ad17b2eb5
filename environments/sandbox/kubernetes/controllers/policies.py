"""Network policies: whenever one changes, all of them are sent to the links process, which enforces them."""

from __future__ import annotations

from collections.abc import Iterable

from environments.sandbox.kubernetes.controllers.meta import Key
from environments.sandbox.kubernetes.controllers.runner import Controller
from environments.sandbox.kubernetes.store.object_store import Change

_ALL: Key = ("", "all")


class NetworkPolicies(Controller):
    watches = frozenset({"networkpolicies"})

    def changed(self, change: Change) -> Iterable[Key]:
        return (_ALL,)

    def reconcile(self, key: Key) -> None:
        self.process.emit("network_policies", {"policies": self.store.list("networkpolicies")})
