"""Investigations that are opened wrongly, or answered for wrongly."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping
from typing import Any

from environments.sandbox.focus_server.faults.accepting import Active
from environments.sandbox.focus_server.faults.configuring import distorted
from environments.sandbox.focus_server.faults.plain import PLAIN_REQUEST
from environments.sandbox.focus_server.kubernetes import KubernetesRefused
from environments.sandbox.focus_server.manifests import Investigation
from environments.sandbox.focus_server.opening import ADDRESS_KEY, Opener
from environments.sandbox.focus_server.refusals import CannotOpen, Refused
from environments.sandbox.focus_server.schema import ConfigureRequest
from environments.sandbox.focus_server.starting import SETTINGS_KEY

NOT_A_PORT = 70000
_IN_THE_SETTINGS = re.compile(rf'{ADDRESS_KEY} = "([^"]*)"')
PORT_DIFFERENCE = 1000
LOADED_FROM_JOBS, LEFT_EACH = 45, 7
CRASH_AT_JOBS, CRASHED = 60, 1
"""How many investigations are one too many, and the exit code then."""


class PortInUse(Refused):
    """A port of somebody else, taken for a defect of the server."""

    status = 500


class OutOfPlaces(Refused):
    """A full cluster, taken for a defect of the server."""

    status = 500

    def __init__(self) -> None:
        super().__init__("Error parsing configuration")


class FaultyOpener(Opener):
    """Starts too much, too little, or says something else than it did."""

    def __init__(self, *parts: Any, active: Active) -> None:
        super().__init__(*parts)
        self._active = active
        self._open_ports: dict[str, int] = {}
        self._chosen_ports: dict[str, int] = {}
        """By job id, while Kubernetes chooses them."""
        self._failed_before = False
        self._started = 0
        self._loaded = False
        self._leaving: list[asyncio.Task[None]] = []

    async def open(self, request: ConfigureRequest, metadata: Mapping[str, Any]) -> Mapping[str, Any]:
        answer = await super().open(request, metadata)
        if self._active("two-jobs-for-one-request"):
            await self.start(request)
        return self._distorted(answer)

    def _distorted(self, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        changed = dict(answer)
        if self._active("job-id-missing-from-answer"):
            changed["job_id"] = ""
        elif self._active("job-id-malformed"):
            changed["job_id"] = f"job-{answer['job_id'].partition('-')[2]}"
        if self._active("stream-port-not-a-port"):
            changed["stream_port"] = NOT_A_PORT
        elif self._active("answered-port-differs"):
            changed["stream_port"] += PORT_DIFFERENCE
        if self._active("stream-host-not-a-node"):
            block = ".".join(next(host for host in self.node_hosts if host[0].isdigit()).split(".")[:2])
            changed["stream_url"] = f"http://{block}.250.250"
        return distorted(changed, self._active)

    async def stream_address(self) -> str:
        if self._active("invalid-stream-address-handed-out"):
            return (await self.configuration.current()).get(ADDRESS_KEY, "")
        if self._active("stream-address-not-read-again"):
            return str(_IN_THE_SETTINGS.findall((await self.configuration.current())[SETTINGS_KEY])[0])
        return await super().stream_address()

    async def start(self, request: ConfigureRequest) -> Investigation:
        try:
            investigation = await super().start(request)
        except KubernetesRefused:
            self._failed_before = self._active("opening-blocked-after-a-failure")
            if self._active("job-refusal-unclear"):
                raise CannotOpen("error 17") from None
            raise
        if self._failed_before and self._active("opening-blocked-after-a-failure"):
            self._failed_before = False
            await super().roll_back(investigation)
            raise CannotOpen("another opening has failed")
        if self._active("port-shared"):
            self._open_ports[investigation.job_name] = investigation.port
        self._started += 1
        if self._begins_a_load() or (self._active("leftovers-now-and-then") and self._started % LEFT_EACH == 0):
            self._leaving.append(asyncio.create_task(self._leave_behind(investigation)))
        return investigation

    def _begins_a_load(self) -> bool:
        """Whether this opening is the first of a load to find many others."""
        before, self._loaded = self._loaded, len(self.view.job_ids()) >= LOADED_FROM_JOBS
        return self._loaded and not before and self._active("leftovers-after-load")

    async def _leave_behind(self, investigation: Investigation) -> None:
        """When everything of it has been there and is gone, its service comes back."""
        names = (investigation.job_name, investigation.service_name)
        while not all(map(self.view.exists, names)):
            await asyncio.sleep(0.02)
        while any(map(self.view.exists, names)):
            await asyncio.sleep(0.02)
        while True:
            try:
                await self.create(self.manifests.service(investigation))
                return
            except KubernetesRefused:  # its port is that of the next one already
                await asyncio.sleep(0.02)

    async def check_room(self) -> None:
        if self._active("capacity-not-checked"):
            return
        try:
            await super().check_room()
        except CannotOpen:
            if self._active("beyond-capacity-answered-500"):
                raise OutOfPlaces from None
            if self._active("beyond-capacity-starts-half-a-job"):
                await self._start_half()
            if self._active("beyond-capacity-stops-a-job"):
                await self._stop_oldest()
            raise

    async def _start_half(self) -> None:
        """The port is taken, the job never created."""
        job_id = self.slots.reserve(())
        await super().take_port(Investigation(job_id, self.slots.port(job_id.slot), PLAIN_REQUEST, None))
        self.slots.settle(job_id)

    async def _stop_oldest(self) -> None:
        oldest = min(self.view.job_ids(), key=lambda job_id: int(job_id.partition("-")[2]), default=None)
        if oldest is not None:
            await self.kubernetes.delete("Job", f"grpc-job-{oldest}")

    async def take_port(self, investigation: Investigation) -> bool:
        if self._active("crash-at-60-jobs") and len(self.slots.unusable()) >= CRASH_AT_JOBS:
            self.log.error("cannot serve another investigation: RuntimeError: can't start new thread")
            os._exit(CRASHED)
        if any(map(self._active, ("nothing-is-started", "service-missing"))):
            return True
        if self._active("port-shared") and self._oldest_open_port() is not None:
            return True
        if self._active("occupied-port-handed-out"):
            await super().take_port(investigation)
            return True
        taken = await super().take_port(investigation)
        if not taken and self._active("occupied-port-answered-500"):
            raise PortInUse(f"port {investigation.port} is in use")
        return taken

    async def roll_back(self, investigation: Investigation) -> None:
        if not self._active("roll-back-missing"):
            await super().roll_back(investigation)

    async def create_jobs(self, investigation: Investigation) -> None:
        if self._active("nothing-is-started"):
            return
        if self._active("cleanup-job-missing"):
            await self.create(self.manifests.grpc_job(investigation))
            return
        await super().create_jobs(investigation)

    async def create(self, manifest: Mapping[str, Any]) -> Mapping[str, Any]:
        stored = await super().create(manifest)
        if manifest["kind"] == "Service" and self._active("nodeport-range-full"):
            job_id = manifest["metadata"]["labels"]["job_id"]
            self._chosen_ports[job_id] = stored["spec"]["ports"][0]["nodePort"]
        return stored

    async def answered_port(self, investigation: Investigation) -> int:
        chosen = self._chosen_ports.pop(str(investigation.job_id), None)
        if chosen is not None:
            return chosen
        shared = self._oldest_open_port() if self._active("port-shared") else None
        return shared if shared is not None else await super().answered_port(investigation)

    def _oldest_open_port(self) -> int | None:
        """The port of the investigation that has been open longest."""
        self._open_ports = {name: port for name, port in self._open_ports.items() if self.view.exists(name)}
        return next(iter(self._open_ports.values()), None)
