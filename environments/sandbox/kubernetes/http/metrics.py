"""``metrics.k8s.io``: the latest measurement of the node process."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from environments.sandbox.kubernetes.http.discovery import METRICS_GROUP, METRICS_VERSION
from environments.sandbox.kubernetes.store.errors import ApiError, bad_request
from environments.sandbox.kubernetes.store.object_store import Store
from environments.sandbox.kubernetes.store.selectors import label_selector

Object = dict[str, Any]

_API_VERSION = f"{METRICS_GROUP}/{METRICS_VERSION}"
_WINDOW = "15s"


class Metrics:
    """The newest measurement: ``{"pods": {"ns/name": {container: usage}}, "nodes": {name: usage}}``.

    A usage is ``{"cpu": "3m", "memory": "40Mi"}``. Objects that no longer exist are not shown.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._taken = datetime.now(UTC)
        self._pods: dict[str, Object] = {}
        self._nodes: dict[str, Object] = {}

    def put(self, body: Any) -> None:
        """Replace the measurement. Raises 400 if it does not have the form above."""
        pods, nodes = (body.get("pods"), body.get("nodes")) if isinstance(body, dict) else (None, None)
        if not isinstance(pods, dict) or not isinstance(nodes, dict):
            raise bad_request('a measurement is {"pods": {...}, "nodes": {...}}')
        self._pods, self._nodes, self._taken = pods, nodes, datetime.now(UTC)

    def clear(self) -> None:
        self._pods, self._nodes = {}, {}

    def answer(self, plural: str, namespace: str | None, name: str | None, selector: str) -> Object:
        """Return the list for ``pods`` or ``nodes``, or one object. Raises 404 if it has no measurement."""
        singular = {"pods": "PodMetrics", "nodes": "NodeMetrics"}[plural]
        selected = label_selector(selector)
        objects = [
            obj for obj in self._store.list(plural, namespace)
            if (name is None or obj["metadata"]["name"] == name) and (selected is None or selected(obj))
        ]  # fmt: skip
        items = [each for obj in objects if (each := self._item(singular, obj)) is not None]
        if name is None:
            return {"kind": f"{singular}List", "apiVersion": _API_VERSION, "metadata": {}, "items": items}
        if items:
            return items[0]
        full = f"{namespace}/{name}" if namespace else name
        details = {"name": full, "group": METRICS_GROUP, "kind": singular.lower()}
        raise ApiError(404, "NotFound", f'{singular.lower()}.{METRICS_GROUP} "{full}" not found', details)

    def _item(self, kind: str, obj: Object) -> Object | None:
        metadata = obj["metadata"]
        stamp = self._taken.strftime("%Y-%m-%dT%H:%M:%SZ")
        kept: Object = {"name": metadata["name"], "creationTimestamp": stamp, "labels": metadata.get("labels", {})}
        head: Object = {"kind": kind, "apiVersion": _API_VERSION, "metadata": kept}
        head.update(timestamp=stamp, window=_WINDOW)
        if kind == "NodeMetrics":
            usage = self._nodes.get(metadata["name"])
            return None if usage is None else {**head, "usage": usage}
        kept["namespace"] = metadata["namespace"]
        measured = self._pods.get(f"{metadata['namespace']}/{metadata['name']}")
        if measured is None:
            return None
        return {**head, "containers": [{"name": name, "usage": usage} for name, usage in measured.items()]}
