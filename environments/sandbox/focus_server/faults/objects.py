"""Faults: cluster objects and slots that are wrong or missing."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator
from typing import Any

from environments.sandbox.focus_server.hooks import Proceed, change, fault
from environments.sandbox.focus_server.manifests import GPU_RESOURCE, STORAGE_VOLUME, Investigation, JobId, Object
from environments.sandbox.focus_server.opening import Opener
from environments.sandbox.focus_server.schema import Window
from environments.sandbox.focus_server.slots import FIRST_SERIAL, Serials, Slots

MIXED_WITHIN_S = 0.2


def _not_creating(left_out: Callable[[Object], bool]) -> Any:
    async def create(proceed: Proceed, opener: Opener, manifest: Object) -> Any:
        return manifest if left_out(manifest) else await proceed(opener, manifest)

    return create


fault("nothing-is-started", at="object.create")(_not_creating(lambda manifest: True))
fault("service-missing", at="object.create")(_not_creating(lambda manifest: manifest["kind"] == "Service"))
fault("cleanup-job-missing", at="object.create")(
    _not_creating(lambda manifest: manifest["metadata"]["name"].startswith("cleanup-job-"))
)


@fault("historic-cleanup-job-missing", at="object.create", memory=set)
async def _(historic: set[str], proceed: Proceed, opener: Opener, manifest: Object) -> Any:
    job_id = manifest["metadata"]["labels"]["job_id"]
    if "--time-start" in str(manifest):
        historic.add(job_id)
    is_left_out = job_id in historic and manifest["metadata"]["name"].startswith("cleanup-job-")
    return manifest if is_left_out else await proceed(opener, manifest)


@change("nodeport-range-full", at="service.describe")
def _(service: Object, investigation: Investigation) -> Object:
    """Let Kubernetes choose the port."""
    del service["spec"]["ports"][0]["nodePort"]
    return service


@change("service-selects-another-job", at="service.describe")
def _(service: Object, investigation: Investigation) -> Object:
    slot, serial = investigation.job_id.slot, investigation.job_id.serial
    service["spec"]["selector"] = {"app": f"grpc-job-{slot}-{serial - 1}"}
    return service


@change("job-label-missing", at="job.describe")
def _(job: Object, investigation: Investigation) -> Object:
    for described in (job, job["spec"]["template"]):
        del described["metadata"]["labels"]["job_id"]
    return job


@change("job-is-retried", at="job.describe")
def _(job: Object, investigation: Investigation) -> Object:
    job["spec"]["backoffLimit"] = 3
    return job


def _with(resource: str, requested: str | None, limit: str | None) -> Any:
    def describe(job: Object, investigation: Investigation) -> Object:
        """Change the resource unless another fault has removed it."""
        resources = job["spec"]["template"]["spec"]["containers"][0]["resources"]
        for kind, amount in (("requests", requested), ("limits", limit)):
            if resources[kind].pop(resource, None) is not None and amount:
                resources[kind][resource] = amount
        return job

    return describe


change("gpu-not-requested", at="job.describe")(_with(GPU_RESOURCE, None, None))
change("gpu-requested-twice", at="job.describe")(_with(GPU_RESOURCE, "2", "2"))
change("memory-not-limited", at="job.describe")(_with("memory", "512Mi", None))
change("memory-not-requested", at="job.describe")(_with("memory", "0", "1Gi"))  # None: the API would set the limit


@change("storage-not-mounted", at="job.describe")
def _(job: Object, investigation: Investigation) -> Object:
    pod = job["spec"]["template"]["spec"]
    for owner, field in ((pod, "volumes"), (pod["containers"][0], "volumeMounts")):
        owner[field] = [volume for volume in owner[field] if volume["name"] != STORAGE_VOLUME]
    return job


def _last_hour() -> Window:
    now_s = int(time.time())
    return Window(now_s - 3600, now_s)


change("historic-window-not-passed", at="job.window")(lambda window, investigation: None)
change("live-job-gets-a-window", at="job.window")(lambda window, investigation: window or _last_hour())
change("historic-window-passed-shifted", at="job.window")(
    lambda window, investigation: window and Window(window.start_s + 7200, window.end_s + 7200)
)


@fault("windows-mixed-among-many", at="job.window", memory=lambda: deque(maxlen=1))
def _(before: deque[tuple[float, Window]], proceed: Proceed, investigation: Investigation) -> Window | None:
    """Give a request that follows closely on another one the window of that one."""
    window: Window | None = proceed(investigation)
    if window is None:
        return None
    now_s = asyncio.get_running_loop().time()
    recent = before[0][1] if before and now_s - before[0][0] < MIXED_WITHIN_S else window
    before.append((now_s, window))
    return recent


@fault("slot-not-reused", at="slot.reserve", memory=set)
def _(used: set[int], proceed: Proceed, slots: Slots, occupied: Collection[int]) -> JobId:
    job_id: JobId = proceed(slots, {*occupied, *used})
    used.add(job_id.slot)
    return job_id


@fault("job-id-repeated", at="serial.next")
def _(proceed: Proceed, serials: Serials) -> int:
    return serials.last


@fault("job-ids-begin-again-after-a-start", at="serial.next", memory=lambda: itertools.count(FIRST_SERIAL + 1))
def _(numbers: Iterator[int], proceed: Proceed, serials: Serials) -> int:
    """Number jobs like a server that keeps its last number only in memory."""
    return next(numbers)
