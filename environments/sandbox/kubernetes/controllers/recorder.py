"""Kubernetes events: written once, counted when they happen again."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from environments.sandbox.kubernetes.controllers.meta import Object, now
from environments.sandbox.kubernetes.store.object_store import Store
from environments.sandbox.kubernetes.store.resources import RESOURCES

_REMEMBERED = 4096


class Recorder:
    """Writes events about objects in the name of a component."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: OrderedDict[tuple[str, str, str], str] = OrderedDict()

    def normal(self, component: str, plural: str, obj: Mapping[str, Any], reason: str, message: str) -> None:
        self._record(component, plural, obj, "Normal", reason, message)

    def warning(self, component: str, plural: str, obj: Mapping[str, Any], reason: str, message: str) -> None:
        self._record(component, plural, obj, "Warning", reason, message)

    def _record(
        self, component: str, plural: str, obj: Mapping[str, Any], kind: str, reason: str, message: str
    ) -> None:
        metadata = obj["metadata"]
        namespace = metadata.get("namespace") or "default"
        known = (metadata["uid"], reason, message)
        name = self._known.get(known)
        if name is not None and self._store.mutate("events", name, namespace, _count_again) is not None:
            self._known.move_to_end(known)
            return
        name = f"{metadata['name']}.{secrets.token_hex(8)}"
        resource, time = RESOURCES[plural], now()
        reference = {
            "kind": resource.kind, "namespace": metadata.get("namespace"), "name": metadata["name"],
            "uid": metadata["uid"], "apiVersion": resource.api_version, "resourceVersion": metadata["resourceVersion"],
        }  # fmt: skip
        event: Object = {
            "metadata": {"name": name},
            "involvedObject": {key: value for key, value in reference.items() if value is not None},
            "reason": reason, "message": message, "source": {"component": component},
            "firstTimestamp": time, "lastTimestamp": time, "count": 1, "type": kind, "eventTime": None,
            "reportingComponent": component, "reportingInstance": "",
        }  # fmt: skip
        self._store.create("events", event, namespace)
        self._known[known] = name
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)


def _count_again(event: Object) -> None:
    event["count"] = event.get("count", 1) + 1
    event["lastTimestamp"] = now()
