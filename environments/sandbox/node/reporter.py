"""What the kubelet tells the API server: statuses at once, events when there is time."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Mapping
from typing import Any

from environments.sandbox.node.cluster import Cluster
from environments.sandbox.node.pod_status import now
from environments.sandbox.shared.kubernetes_client import JSON_PATCH, Object, Refused, path_of

_EVENTS_PATH = "/sandbox/events"
_GATHERED_S = 0.02
"""So long events are gathered: a burst of pods would else need more requests for them than for everything else."""

log = logging.getLogger("node")


class Reporter:
    """Writes about pods; a pod that is gone or replaced meanwhile is not written about."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._events: asyncio.Queue[Object] = asyncio.Queue()
        self._writer: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._writer = asyncio.create_task(self._write_events())

    async def stop(self) -> None:
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.gather(self._writer, return_exceptions=True)

    async def status(self, pod: Mapping[str, Any], status: Object) -> None:
        """Replace the given fields of the status of exactly this pod, not of one that took over its name."""
        metadata = pod["metadata"]
        operations = [{"op": "test", "path": "/metadata/uid", "value": metadata["uid"]}]
        operations += [{"op": "add", "path": f"/status/{field}", "value": value} for field, value in status.items()]
        path = path_of("pods", metadata["namespace"], metadata["name"]) + "/status"
        try:
            await self._cluster.request("PATCH", path, operations, content_type=JSON_PATCH)
        except Refused as error:
            if error.status not in (404, 409, 422):
                raise
            log.info("pod %s changed before its status was written: %s", metadata["name"], error)

    async def delete(self, pod: Mapping[str, Any]) -> None:
        """The pod has stopped: let the API server forget it."""
        metadata = pod["metadata"]
        options = {
            "kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0,
            "preconditions": {"uid": metadata["uid"]},
        }  # fmt: skip
        try:
            await self._cluster.request("DELETE", path_of("pods", metadata["namespace"], metadata["name"]), options)
        except Refused as error:
            if error.status not in (404, 409):
                raise

    def event(
        self, pod: Mapping[str, Any], container: str | None, reason: str, message: str, kind: str = "Normal"
    ) -> None:
        """Queue an event about a container of a pod, or about the pod itself."""
        metadata, time = pod["metadata"], now()
        self._events.put_nowait({
            "apiVersion": "v1", "kind": "Event",
            "metadata": {"name": f"{metadata['name']}.{secrets.token_hex(8)}", "namespace": metadata["namespace"]},
            "involvedObject": {
                "kind": "Pod", "apiVersion": "v1", "namespace": metadata["namespace"], "name": metadata["name"],
                "uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"],
                **({"fieldPath": f"spec.containers{{{container}}}"} if container is not None else {}),
            },
            "reason": reason, "message": message, "type": kind, "count": 1,
            "firstTimestamp": time, "lastTimestamp": time,
            "source": {"component": "kubelet", "host": pod["spec"]["nodeName"]},
            "reportingComponent": "kubelet", "reportingInstance": pod["spec"]["nodeName"],
        })  # fmt: skip

    async def _write_events(self) -> None:
        while True:
            events = [await self._events.get()]
            await asyncio.sleep(_GATHERED_S)
            while not self._events.empty():
                events.append(self._events.get_nowait())
            try:
                await self._cluster.request("POST", _EVENTS_PATH, events)
            except Refused as error:
                log.info("%d events not written: %s", len(events), error)
