"""Faults: cluster objects and slots that are wrong or missing, or that stay when their investigation is gone."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from environments.sandbox.focus_server import manifests
from environments.sandbox.focus_server.hooks import Proceed, change, fault
from environments.sandbox.focus_server.kubernetes import KubernetesRefused
from environments.sandbox.focus_server.manifests import GPU_RESOURCE, STORAGE_VOLUME, Investigation, JobId, Object
from environments.sandbox.focus_server.opening import Opener
from environments.sandbox.focus_server.schema import ConfigureRequest, Window
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
    for owner, key in ((pod, "volumes"), (pod["containers"][0], "volumeMounts")):
        owner[key] = [volume for volume in owner[key] if volume["name"] != STORAGE_VOLUME]
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


LOADED_FROM_JOBS, LEFT_EACH = 45, 7
IN_FLIGHT_S = 0.1
"""The time after the end of the clean-up job in which a deletion that it requested may still be in progress."""


@dataclass
class Openings:
    """The previous openings, as a fault that leaves something behind remembers them."""

    started: int = 0
    is_loaded: bool = False
    leaving: list[asyncio.Task[None]] = field(default_factory=list)

    def is_one_in_seven(self, opener: Opener) -> bool:
        self.started += 1
        return self.started % LEFT_EACH == 0

    def is_first_among_many(self, opener: Opener) -> bool:
        """Whether this is the first opening of a load to find many others."""
        was_loaded, self.is_loaded = self.is_loaded, len(opener.view.job_ids()) >= LOADED_FROM_JOBS
        return self.is_loaded and not was_loaded


def _leaving(leaves: Callable[[Openings, Opener], bool]) -> Any:
    async def start(openings: Openings, proceed: Proceed, opener: Opener, request: ConfigureRequest) -> Any:
        investigation = await proceed(opener, request)
        if leaves(openings, opener):
            openings.leaving.append(asyncio.create_task(_leave_behind(opener, investigation)))
        return investigation

    return start


fault("leftovers-now-and-then", at="opening.start", memory=Openings)(_leaving(Openings.is_one_in_seven))
fault("leftovers-after-load", at="opening.start", memory=Openings)(_leaving(Openings.is_first_among_many))


async def _leave_behind(opener: Opener, investigation: Investigation) -> None:
    """Create the service of an investigation again, once all its objects have existed and are gone. The clean-up job,
    which would delete the service once more, is gone by then too."""
    names = (investigation.job_name, investigation.service_name, investigation.cleanup_name)
    while not all(map(opener.view.exists, names)):
        await asyncio.sleep(0.02)
    while any(map(opener.view.exists, names)):
        await asyncio.sleep(0.02)
    await asyncio.sleep(IN_FLIGHT_S)
    while True:
        try:
            await opener.create(manifests.service(investigation))
            return
        except KubernetesRefused:  # its port already belongs to the next investigation
            await asyncio.sleep(0.02)
