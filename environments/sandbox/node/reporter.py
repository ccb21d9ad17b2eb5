"""The kubelet's reports to the API server: statuses and deletions at once, events with a short delay.

In a burst of pods these reports would need more requests than everything else. Reports that arrive while a request is
in flight are therefore combined into the next request.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from environments.sandbox.node.cluster import Cluster
from environments.sandbox.node.pod_status import now
from environments.sandbox.shared.defects import end_on_defect
from environments.sandbox.shared.kubernetes_client import Object, Refused

_EVENTS_PATH, _PODS_PATH = "/sandbox/events", "/sandbox/pods"
_GATHERED_S = 0.02
"""The time for which events are collected into one request."""

log = logging.getLogger("node")


@dataclass(frozen=True)
class _Report:
    """The report of one pod. ``told`` completes once the API server has received it."""

    body: Object
    told: asyncio.Future[None]


class Reporter:
    """Writes the statuses, deletions and events of pods. Reports of a pod that is gone or replaced have no effect."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._events: asyncio.Queue[Object] = asyncio.Queue()
        self._reports: asyncio.Queue[_Report] = asyncio.Queue()
        self._writers: list[asyncio.Task[None]] = []

    def start(self) -> None:
        for work in (self._write_events(), self._write_reports()):
            task = asyncio.create_task(work)
            task.add_done_callback(end_on_defect)
            self._writers.append(task)

    async def stop(self) -> None:
        for task in self._writers:
            task.cancel()
        await asyncio.gather(*self._writers, return_exceptions=True)

    async def status(self, pod: Mapping[str, Any], status: Object) -> None:
        """Replace the given fields of the status of exactly this pod, not of a pod that took over its name."""
        await self._report(pod, status)

    async def delete(self, pod: Mapping[str, Any]) -> None:
        """Remove a pod that has stopped from the API server."""
        await self._report(pod, None)

    async def _report(self, pod: Mapping[str, Any], status: Object | None) -> None:
        metadata = pod["metadata"]
        body = {**{field: metadata[field] for field in ("namespace", "name", "uid")}, "status": status}
        report = _Report(body, asyncio.get_running_loop().create_future())
        self._reports.put_nowait(report)
        await report.told

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

    async def _write_reports(self) -> None:
        while True:
            waiting = [await self._reports.get()]
            while not self._reports.empty():
                waiting.append(self._reports.get_nowait())
            reports = [each for each in waiting if not each.told.cancelled()]
            if not reports:
                continue
            for refused in await self._cluster.request("POST", _PODS_PATH, [each.body for each in reports]):
                log.info("not written: %s", refused)
            for each in reports:
                if not each.told.done():
                    each.told.set_result(None)

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
