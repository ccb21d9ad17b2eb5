"""Opens an investigation: a slot, a service, a job and its clean-up job - all of them or none."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from environments.sandbox.focus_server import manifests
from environments.sandbox.focus_server.answer_book import AnswerBook
from environments.sandbox.focus_server.answers import configure_answer
from environments.sandbox.focus_server.capacity import Capacity
from environments.sandbox.focus_server.cluster import ClusterView, ConfigMapReader
from environments.sandbox.focus_server.hooks import hook
from environments.sandbox.focus_server.kubernetes import Kubernetes, KubernetesAway, KubernetesRefused
from environments.sandbox.focus_server.manifests import Investigation, JobShape
from environments.sandbox.focus_server.queues import JobQueues
from environments.sandbox.focus_server.refusals import CannotOpen
from environments.sandbox.focus_server.schema import ConfigureRequest
from environments.sandbox.focus_server.slots import Slots

ADDRESS_KEY = "focus_view_url"
LONGEST_ROLL_BACK_PAUSE_S = 1.0


class Opener:
    """The steps between a valid request and its answer."""

    def __init__(
        self,
        kubernetes: Kubernetes,
        view: ClusterView,
        slots: Slots,
        capacity: Capacity,
        configuration: ConfigMapReader,
        answers: AnswerBook,
        queues: JobQueues,
        node_hosts: frozenset[str],
        shape: JobShape,
        log: logging.Logger,
    ) -> None:
        self.kubernetes, self.view, self.slots, self.capacity = kubernetes, view, slots, capacity
        self.configuration, self.node_hosts, self.shape, self.log = configuration, node_hosts, shape, log
        self.answers, self.queues = answers, queues
        self._rolling_back: set[asyncio.Task[None]] = set()
        self._creating: set[asyncio.Future[Mapping[str, Any]]] = set()

    async def open(self, request: ConfigureRequest, metadata: Mapping[str, Any]) -> Mapping[str, Any]:
        """Open an investigation and return the answer; if it raises :class:`CannotOpen`, nothing is left behind."""
        address = await self.stream_address()
        investigation = await self.start(request)
        answer = configure_answer(request, str(investigation.job_id), address, investigation.port, metadata)
        self.answers.put(str(investigation.job_id), answer)
        self.queues.opened(str(investigation.job_id))
        self.log.info("opened investigation %s on port %d", investigation.job_id, investigation.port)
        return answer

    @hook("opening.address")
    async def stream_address(self) -> str:
        """The configured stream address; refused unless clients can reach a cluster node through it."""
        address = (await self.configuration.current()).get(ADDRESS_KEY, "")
        if not is_node_address(address, self.node_hosts):
            problem = f"configured stream address {address!r} is not a valid address of a cluster node"
            self.log.warning("%s", problem)
            raise CannotOpen(f"{problem}, allowed http://<host> with one of {', '.join(sorted(self.node_hosts))}")
        return address

    @hook("opening.start")
    async def start(self, request: ConfigureRequest) -> Investigation:
        """Take the first slot whose port is really free, and create the objects."""
        occupied: set[int] = set()
        while True:
            await self.check_room()
            job_id = self.slots.reserve(occupied)
            investigation = Investigation(job_id, self.slots.port(job_id.slot), request, self.shape)
            self.capacity.expect(investigation.job_name, needs_gpu=True)
            self.capacity.expect(investigation.cleanup_name, needs_gpu=False)
            try:
                port = await self.take_port(investigation)
                if port is not None:
                    await self.create(manifests.grpc_job(investigation))
                    await self.create(manifests.cleanup_job(investigation))
                    return replace(investigation, port=port)
                self.log.info("port %d is taken by somebody else; trying the next slot", investigation.port)
                occupied.add(job_id.slot)
                self._nothing_comes(investigation)
            except (KubernetesAway, KubernetesRefused) as error:
                level = logging.ERROR if isinstance(error, KubernetesAway) else logging.WARNING
                self.log.log(level, "opening %s failed and is rolled back: %s", job_id, error)
                self._nothing_comes(investigation)
                await self.roll_back(investigation)
                raise
            finally:
                self.slots.settle(job_id)

    @hook("room.check")
    async def check_room(self) -> None:
        """Refuse an investigation without room in the cluster. No await may come between this and the reservation."""
        self.capacity.check()

    def _nothing_comes(self, investigation: Investigation) -> None:
        for name in (investigation.job_name, investigation.cleanup_name):
            self.capacity.forget(name)

    @hook("port.take")
    async def take_port(self, investigation: Investigation) -> int | None:
        """Create the service, which allocates the port; None if the port is taken."""
        try:
            stored = await self.create(manifests.service(investigation))
        except KubernetesRefused as refused:
            if refused.port_is_taken:
                return None
            raise
        return int(stored["spec"]["ports"][0]["nodePort"])

    @hook("object.create")
    async def create(self, manifest: Mapping[str, Any]) -> Mapping[str, Any]:
        """Create an object; return it as it is stored."""
        name = manifest["metadata"]["name"]
        self.view.expect(name)
        creating = asyncio.ensure_future(self.kubernetes.create(manifest))
        self._creating.add(creating)
        creating.add_done_callback(self._creating.discard)
        try:
            stored = await asyncio.shield(creating)
        except KubernetesRefused:
            self.view.forget(name)
            raise
        self.view.created(name)
        return stored

    @hook("opening.undo")
    async def roll_back(self, investigation: Investigation) -> None:
        """Delete all created objects. Continues in the background while the API is unavailable, and keeps the slot."""
        await self._delete([str(investigation.job_id)])

    @hook("start.tidy")
    async def tidy_up(self) -> None:
        """Delete investigations that an earlier process of this server left half opened or half closed."""
        halves = self.view.incomplete()
        if halves:
            self.log.warning("removing what is left of investigations that are not complete: %s", ", ".join(halves))
            await self._delete(halves)

    async def _delete(self, job_ids: Sequence[str]) -> None:
        tasks = [asyncio.create_task(self._delete_all(job_id)) for job_id in job_ids]
        for task in tasks:
            self._rolling_back.add(task)
            task.add_done_callback(self._rolling_back.discard)
        await asyncio.wait(tasks, timeout=1.0)

    async def _delete_all(self, job_id: str) -> None:
        objects = [
            ("Job", f"cleanup-job-{job_id}"),
            ("Job", f"grpc-job-{job_id}"),
            ("Service", f"grpc-service-{job_id}"),
        ]
        pause_s = 0.1
        left = list(objects)
        while left:
            kind, name = left[0]
            try:
                await self.kubernetes.delete(kind, name)
                self.view.deleted(name)
                left.pop(0)
            except (KubernetesAway, KubernetesRefused) as error:
                self.log.warning("rolling back %s: %s; trying again in %s s", job_id, error, pause_s)
                await asyncio.sleep(pause_s)
                pause_s = min(LONGEST_ROLL_BACK_PAUSE_S, pause_s * 2)
        # The next opening must get the same slot, so the failure is reported only when the slot is free again.
        await self.view.until_gone(name for _, name in objects)

    async def settle(self) -> None:
        """Return when no object is on its way to the cluster, including those of cancelled openings."""
        await asyncio.gather(*self._creating, return_exceptions=True)

    async def stop(self) -> None:
        for task in self._rolling_back:
            task.cancel()


def is_node_address(address: str, node_hosts: frozenset[str]) -> bool:
    """Whether the address is ``http://<host>`` with the address or name of a node and nothing else."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        return False
    plain = port is None and not parts.query and not parts.fragment and parts.username is None
    return parts.scheme == "http" and host in node_hosts and parts.path in ("", "/") and plain
