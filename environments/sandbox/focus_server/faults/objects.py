"""Cluster objects and slots that are not as they should be."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from typing import Any

from environments.sandbox.focus_server.faults.accepting import Active
from environments.sandbox.focus_server.manifests import GPU_RESOURCE, STORAGE_VOLUME, Investigation, JobId, Manifests
from environments.sandbox.focus_server.schema import Window
from environments.sandbox.focus_server.slots import Serials, Slots, View

TWO_HOURS_S = 2 * 3600
EARLIEST_S, LATEST_S = 0, 253_402_300_799


class FaultyManifests(Manifests):
    """Jobs and services with one thing wrong."""

    def __init__(self, active: Active) -> None:
        self._active = active

    def service(self, investigation: Investigation) -> dict[str, Any]:
        service = super().service(investigation)
        if self._active("nodeport-range-full"):  # Kubernetes shall choose the port
            del service["spec"]["ports"][0]["nodePort"]
        return service

    def selector(self, investigation: Investigation) -> dict[str, str]:
        if self._active("service-selects-another-job"):
            slot, serial = investigation.job_id.slot, investigation.job_id.serial
            return {"app": f"grpc-job-{slot}-{serial - 1}"}
        return super().selector(investigation)

    def labels(self, investigation: Investigation, app: str) -> dict[str, str]:
        labels = super().labels(investigation, app)
        if self._active("job-label-missing") and app == investigation.job_name:
            del labels["job_id"]
        return labels

    def backoff_limit(self) -> int:
        return 3 if self._active("job-is-retried") else super().backoff_limit()

    def resources(self) -> dict[str, dict[str, str]]:
        resources = super().resources()
        requests, limits = resources["requests"], resources["limits"]
        if self._active("gpu-not-requested"):
            del requests[GPU_RESOURCE], limits[GPU_RESOURCE]
        elif self._active("gpu-requested-twice"):
            requests[GPU_RESOURCE] = limits[GPU_RESOURCE] = "2"
        if self._active("memory-not-limited"):
            del limits["memory"]
        if self._active("memory-not-requested"):
            requests["memory"] = "0"  # left out, the API would fill in the limit
        return resources

    def volumes(self) -> list[tuple[str, str, Mapping[str, Any]]]:
        volumes = super().volumes()
        if self._active("storage-not-mounted"):
            return [volume for volume in volumes if volume[0] != STORAGE_VOLUME]
        return volumes

    def command_window(self, investigation: Investigation) -> Window | None:
        window = super().command_window(investigation)
        if window is None:
            return _last_hour() if self._active("live-job-gets-a-window") else None
        if self._active("historic-window-not-passed"):
            return None
        shift_s = TWO_HOURS_S if self._active("historic-window-passed-shifted") else 0
        return Window(_writable(window.start_s + shift_s), _writable(window.end_s + shift_s))


def _last_hour() -> Window:
    now_s = int(time.time())
    return Window(now_s - 3600, now_s)


def _writable(time_s: int) -> int:
    """Accepted nonsense must still be writable as a time."""
    return min(LATEST_S, max(EARLIEST_S, time_s))


class FaultySlots(Slots):
    """Slots that stay used, serials that stand still."""

    def __init__(self, first_port: int, last_port: int, view: View, serials: Serials, active: Active) -> None:
        super().__init__(first_port, last_port, view, serials)
        self._active = active
        self._used: set[int] = set()

    def reserve(self, occupied: Collection[int]) -> JobId:
        job_id = super().reserve(occupied)
        if self._active("slot-not-reused"):
            self._used.add(job_id.slot)
        return job_id

    def unusable(self) -> set[int]:
        busy = super().unusable()
        if not self._active("slot-not-reused"):
            self._used.clear()
            return busy
        self._used |= busy
        return self._used

    def serial(self) -> int:
        return self._serials.last if self._active("job-id-repeated") else super().serial()
