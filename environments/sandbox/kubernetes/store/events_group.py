"""``events.k8s.io/v1``: the events of the core group in the newer form, for reading.

An event that was written without ``eventTime`` has null there, as on a real server; the official Python client of this
group does not take that, so it reads such events through the core group.
"""

from __future__ import annotations

from typing import Any

from environments.sandbox.kubernetes.store.object_store import Change
from environments.sandbox.kubernetes.store.resources import Resource
from environments.sandbox.shared.json_text import encode

GROUP = "events.k8s.io"
EVENTS = Resource(GROUP, "v1", "events", "Event", True, "event", short_names=("ev",))
VERBS = ("get", "list", "watch")
_NEWER_NAMES = {
    "metadata": "metadata", "eventTime": "eventTime", "series": "series", "reason": "reason", "type": "type",
    "action": "action", "involvedObject": "regarding", "message": "note", "reportingComponent": "reportingController",
    "reportingInstance": "reportingInstance", "source": "deprecatedSource", "count": "deprecatedCount",
    "firstTimestamp": "deprecatedFirstTimestamp", "lastTimestamp": "deprecatedLastTimestamp",
}  # fmt: skip


def as_served(resource: Resource, obj: dict[str, Any]) -> dict[str, Any]:
    """An object of the store as its group writes it."""
    if resource.group != GROUP:
        return obj
    newer = {name: obj[field] for field, name in _NEWER_NAMES.items() if field in obj}
    return {"kind": EVENTS.kind, "apiVersion": EVENTS.api_version, **newer}


def encoded(resource: Resource, change: Change) -> bytes:
    """What a watcher is told of a change."""
    return change.encoded if resource.group != GROUP else encode(as_served(resource, change.object))


def encoded_item(resource: Resource, change: Change) -> bytes:
    """What stands in a list."""
    if resource.group != GROUP:
        return change.encoded_item
    newer = as_served(resource, change.object)
    return encode({field: value for field, value in newer.items() if field not in ("apiVersion", "kind")})


def older_field(resource: Resource, path: str) -> str:
    """The name of a field of a selector in the core group; what only that group knows is not known here."""
    if resource.group != GROUP:
        return path
    first, _, rest = path.partition(".")
    return {"regarding": f"involvedObject.{rest}", "involvedObject": f"unknown.{rest}"}.get(first, path)
