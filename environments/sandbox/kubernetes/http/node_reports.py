"""Reports of the nodes outside the API: measurements, and events and statuses of many pods in one request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from aiohttp import web

from environments.sandbox.kubernetes.http.access import User, only_node
from environments.sandbox.kubernetes.http.answers import json_answer, json_body, method_not_allowed
from environments.sandbox.kubernetes.http.metrics import Metrics
from environments.sandbox.kubernetes.store.object_store import Store
from environments.sandbox.kubernetes.store.objects import dig, without_nulls

Object = dict[str, Any]


class NodeReports:
    """Stores the reports that only the nodes may write."""

    def __init__(self, store: Store, metrics: Metrics) -> None:
        self._store, self._metrics = store, metrics
        self._take_in: dict[str, Callable[[Any], Any]] = {
            "/sandbox/metrics": self._measured, "/sandbox/events": self._happened, "/sandbox/pods": self._reported,
        }  # fmt: skip

    def are_at(self, path: str) -> bool:
        return path in self._take_in

    async def serve(self, request: web.Request, user: User, path: str) -> web.Response:
        """Handle a report. Raises :class:`ApiError` 403 for any user but the node."""
        only_node(user, path)
        if request.method not in ("POST", "PUT"):
            raise method_not_allowed()
        return json_answer(self._take_in[path](await json_body(request)))

    def _measured(self, body: Any) -> Object:
        self._metrics.put(body)
        return {}

    def _happened(self, events: list[Object]) -> Object:
        """Store events. Skips those of a namespace that is gone or terminating: the latter would never become empty."""
        for event in events:
            name = event["metadata"]["namespace"]
            namespace = self._store.find("namespaces", name)
            if namespace is not None and dig(namespace, "status", "phase") != "Terminating":
                self._store.create("events", event, name)
        return {}

    def _reported(self, pods: list[Object]) -> list[str]:
        """Write pod statuses and return a message for each one that was not written.

        An entry has namespace, name and uid of a pod and the fields of its status, or null if the pod has ended. It is
        not written if the pod is gone or another pod has its name.
        """
        return list(self._not_written(pods))

    def _not_written(self, pods: list[Object]) -> Iterator[str]:
        for reported in pods:
            name, namespace, status = reported["name"], reported["namespace"], without_nulls(reported["status"])
            found = self._store.find("pods", name, namespace)
            if found is None or found["metadata"]["uid"] != reported["uid"]:
                yield f"pod {name} is {'gone' if found is None else 'another one by now'}"
            elif status is None:
                self._store.delete("pods", name, namespace, grace_s=0)
            else:
                self._store.mutate("pods", name, namespace, _with(status))


def _with(status: Object) -> Callable[[Object], None]:
    return lambda pod: pod.setdefault("status", {}).update(status)
