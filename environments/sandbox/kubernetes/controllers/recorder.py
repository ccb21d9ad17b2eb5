"""Kubernetes events: an event that happens again is counted instead of written anew."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from environments.sandbox.kubernetes.controllers.meta import Object, now
from environments.sandbox.kubernetes.store.object_store import Store
from environments.sandbox.kubernetes.store.resources import RESOURCES

SCHEDULER = "default-scheduler"
_REMEMBERED = 4096
_MOST_TEXTS = 10
_COMBINED = "(combined from similar events)"
_ACTIONS = {"Scheduled": "Binding", "FailedScheduling": "Scheduling"}


class Recorder:
    """Writes events about objects on behalf of a component.

    The scheduler's events have the form of ``events.k8s.io``: a time with microseconds and a series instead of a count.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: OrderedDict[tuple[str, str, str], str] = OrderedDict()
        self._texts: OrderedDict[tuple[str, str], set[str]] = OrderedDict()

    def normal(self, component: str, plural: str, obj: Mapping[str, Any], reason: str, message: str) -> None:
        self._record(component, plural, obj, "Normal", reason, message)

    def warning(self, component: str, plural: str, obj: Mapping[str, Any], reason: str, message: str) -> None:
        self._record(component, plural, obj, "Warning", reason, message)

    def _record(
        self, component: str, plural: str, obj: Mapping[str, Any], kind: str, reason: str, message: str
    ) -> None:
        metadata = obj["metadata"]
        namespace = metadata.get("namespace") or "default"
        known = self._key(metadata["uid"], reason, message)
        if known[2] == _COMBINED:
            message = f"{_COMBINED}: {message}"
        name = self._known.get(known)
        if name is not None and self._store.mutate("events", name, namespace, _again(message)) is not None:
            self._known.move_to_end(known)
            return
        name = f"{metadata['name']}.{secrets.token_hex(8)}"
        event = {
            "metadata": {"name": name}, "involvedObject": _reference(plural, metadata), "reason": reason,
            "message": message, "type": kind, **(_newer(reason) if component == SCHEDULER else _older(component)),
        }  # fmt: skip
        self._store.create("events", event, namespace)
        self._known[known] = name
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    def _key(self, uid: str, reason: str, message: str) -> tuple[str, str, str]:
        """Return the key under which the event is counted.

        As in client-go, after a number of events that differ only in their text, further ones are combined.
        """
        texts = self._texts.setdefault((uid, reason), set())
        if message not in texts and len(texts) >= _MOST_TEXTS:
            return uid, reason, _COMBINED
        texts.add(message)
        self._texts.move_to_end((uid, reason))
        while len(self._texts) > _REMEMBERED:
            self._texts.popitem(last=False)
        return uid, reason, message


def _reference(plural: str, metadata: Mapping[str, Any]) -> Object:
    resource = RESOURCES[plural]
    reference = {
        "kind": resource.kind, "namespace": metadata.get("namespace"), "name": metadata["name"],
        "uid": metadata["uid"], "apiVersion": resource.api_version, "resourceVersion": metadata["resourceVersion"],
    }  # fmt: skip
    return {key: value for key, value in reference.items() if value is not None}


def _older(component: str) -> Object:
    time = now()
    return {
        "source": {"component": component}, "firstTimestamp": time, "lastTimestamp": time, "count": 1,
        "eventTime": None, "reportingComponent": component, "reportingInstance": "",
    }  # fmt: skip


def _newer(reason: str) -> Object:
    return {
        "source": {}, "firstTimestamp": None, "lastTimestamp": None, "eventTime": _precisely_now(),
        "action": _ACTIONS[reason], "reportingComponent": SCHEDULER, "reportingInstance": f"{SCHEDULER}-master-node",
    }  # fmt: skip


def _again(message: str) -> Callable[[Object], None]:
    def count(event: Object) -> None:
        event["message"] = message
        if event["eventTime"] is None:
            event.update(count=event["count"] + 1, lastTimestamp=now())
        else:
            before = event.get("series", {"count": 1})["count"]
            event["series"] = {"count": before + 1, "lastObservedTime": _precisely_now()}

    return count


def _precisely_now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
