"""Starts, watches and ends the processes of one sandbox. Owns what they share: folder, addresses, keys, faults."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from environments.sandbox.shared.errors import FaultImpossible, StartError
from environments.sandbox.shared.variables import KUBERNETES_VARIABLE, MONGODB_VARIABLE
from environments.sandbox.supervisor import run_file
from environments.sandbox.supervisor.addresses import Addresses
from environments.sandbox.supervisor.catalogue import Fault, check_implemented
from environments.sandbox.supervisor.child import ChildProcess, ProcessGone, ProcessSilent
from environments.sandbox.supervisor.configuration import process_configs
from environments.sandbox.supervisor.faults import Faults, Replaced
from environments.sandbox.supervisor.forked import fork_of
from environments.sandbox.supervisor.plan import CLUSTER_LINK
from environments.sandbox.supervisor.planning import claim_cluster, make_plan
from environments.sandbox.supervisor.settings import SandboxSettings, changed
from environments.sandbox.supervisor.workloads import READY_TIMEOUT_S, WORKLOADS, WorkloadProcesses

if TYPE_CHECKING:
    from environments.sandbox.mongodb.elsewhere import Elsewhere

STATE_TIMEOUT_S = 5.0
_RESET_LAST = ("mongodb", "ssh", "focus_server", "rabbitmq")


class Supervisor:
    """The life of one sandbox. ``ended`` is set, with a reason, when the sandbox cannot continue."""

    def __init__(
        self, settings: SandboxSettings, catalogue: Mapping[str, Fault], faults: Iterable[str],
        mongodb: Elsewhere | None = None, kubeconfig: Path | None = None, permitted: bool = False,
    ) -> None:  # fmt: skip
        self.settings = settings
        self.mongodb, self.kubeconfig, self.permitted = mongodb, kubeconfig, permitted
        self.faults = Faults(catalogue, faults, list(self._replaced()))
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.addresses = Addresses(settings.addresses)
        self.run_dir = Path(tempfile.mkdtemp(prefix="focus-sandbox-"))
        self.children: dict[str, ChildProcess] = {}
        self.control_port = 0
        self.control_token = secrets.token_urlsafe(24)
        self._workloads = WorkloadProcesses(self.children, self.faults.of)
        self._tasks: set[asyncio.Task[None]] = set()

    def _replaced(self) -> Iterator[Replaced]:
        if self.mongodb is not None:
            yield Replaced(MONGODB_VARIABLE, ("mongodb",), "", "MongoDB")
        if self.kubeconfig is not None:
            yield Replaced(KUBERNETES_VARIABLE, ("kubernetes", "node"), CLUSTER_LINK, "cluster")

    async def start(self) -> None:
        """Start all processes and wait until they answer; raises :class:`StartError` otherwise. In both cases the
        caller stops what was started.

        Raises :class:`UsageError` if the processes implement other faults than the catalogue lists.
        """
        try:
            self.faults.check(self.faults.active)
        except FaultImpossible as error:
            raise StartError(str(error)) from None
        if self.mongodb is not None:
            await self.mongodb.claim()
        borrowed = None
        if self.kubeconfig is not None:
            parts = self.run_dir / "kubeconfig-parts"
            borrowed = await claim_cluster(self.kubeconfig, parts, self.permitted, self.settings, self.addresses)
            first, last = borrowed.node_ports
            self.settings = replace(self.settings, nodeport_first=first, nodeport_last=last)
        plan = make_plan(
            self.settings, self.run_dir, self.addresses, self.faults.in_force(), self.mongodb, borrowed
        )  # fmt: skip
        self.control_port = self.addresses.reserve("control API", self.settings.control_port)
        logs = self.run_dir / "logs"
        logs.mkdir()
        (self.run_dir / "pod-logs").mkdir()
        for package, config in process_configs(plan).items():
            log_file = logs / f"{package.replace('_', '-')}.log"
            log_file.touch()
            self.children[package] = ChildProcess(package, config, log_file, self._on_event)
        for package, child in self.children.items():
            await child.start(fork_of(package))
        await asyncio.gather(*(child.wait_until_ready(READY_TIMEOUT_S) for child in self.children.values()))
        check_implemented(self.faults.catalogue, self.faults.implemented(self.children))
        self._plan_in_force = plan
        await self._apply_link_faults()

    def run_file(self) -> dict[str, Any]:
        """The content of the run file for clients, in its stable format."""
        return run_file.content(self._plan_in_force, self.control_port, self.control_token)

    async def stop(self) -> None:
        """End every process and remove every trace."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*(child.stop() for child in self.children.values()))
        self.addresses.release()
        shutil.rmtree(self.run_dir, ignore_errors=True)

    async def state(self) -> dict[str, Any]:
        """Current facts about the sandbox; only the id of a process that cannot report because it is being stopped."""

        async def of(child: ChildProcess) -> Mapping[str, Any]:
            if child.is_ready:
                with contextlib.suppress(ProcessGone, ProcessSilent):
                    return {"pid": child.pid, **await child.request("state", timeout_s=STATE_TIMEOUT_S)}
            return {"pid": child.pid}

        states = await asyncio.gather(*(of(child) for child in self.children.values()))
        return {
            "settings": asdict(self.settings),
            "changed_settings": changed(self.settings),
            "faults": sorted(self.faults.active),
            "processes": dict(zip(self.children, states, strict=True)),
        }

    async def reset(self) -> None:
        """Restore the estate to its state right after the start, without any fault."""
        await self.set_faults(set())
        if "focus_server" in self.children:
            with contextlib.suppress(ProcessGone):  # the process is gone, and with it all requests
                await self.children["focus_server"].request("cluster_resets")
        # The cluster comes first: its pods bring back the processes of workloads that were stopped.
        for name, command in (
            ("links", "reset"), ("node", "cluster_resets"), ("kubernetes", "reset"), ("node", "reset"),
        ):  # fmt: skip
            if name in self.children:
                await self.children[name].request(command)
        async with self._workloads.held():
            for package in (name for name in _RESET_LAST if name in self.children):
                await (await self._workloads.started(package)).request("reset")

    async def set_faults(self, wanted: set[str]) -> None:
        """Switch on exactly these faults; returns when all processes behave accordingly."""
        self.faults.check(wanted)
        self.faults.active = set(wanted)

        async def switch(child: ChildProcess) -> None:
            with contextlib.suppress(ProcessGone):  # when it starts again, it gets the faults in force then
                await child.request("set_faults", {"active": self.faults.of(child.package)})

        await asyncio.gather(*(switch(child) for child in self.children.values() if child.pid))
        await self._apply_link_faults()

    async def _apply_link_faults(self) -> None:
        await self.toxiproxy("POST", "/reset", None)
        for method, path, body in self.faults.of_links():
            answer = await self.toxiproxy(method, path, body)
            if answer["status"] >= 300:
                raise RuntimeError(f"links refused {method} {path}: {answer['body']}")

    async def toxiproxy(self, method: str, path: str, body: Any) -> Mapping[str, Any]:
        """Send a request to Toxiproxy's control API; returns ``status`` and ``body``."""
        return await self.children["links"].request("toxiproxy", {"method": method, "path": path, "body": body})

    def _on_event(self, child: ChildProcess, event: str, data: Mapping[str, Any]) -> None:
        if event == "ended" and child.package in WORKLOADS and "node" in self.children:
            self._later(self._workloads.ended(child.package, data["exit_status"]))
        elif event == "ended":
            if not self.ended.done():
                self.ended.set_result(f"the {child.package} process ended by itself: {data['log']}")
        elif event == "network_policies":
            self._later(self.children["links"].request("policies", data))
        elif event == "workload":
            self._later(self._workloads.run(data["process"].replace("-", "_"), data["action"]))
        else:
            raise RuntimeError(f"{child.package} sent the unknown event {event!r}")

    def _later(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
