"""Starts, watches and ends the six processes of one sandbox, and owns what they share: folder, addresses, keys,
faults."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from environments.sandbox.rabbitmq.installed import is_installed
from environments.sandbox.shared.borrowed import owner
from environments.sandbox.shared.certificates import CertificateAuthority, write_secret, write_ssh_key
from environments.sandbox.shared.errors import FaultImpossible, StartError
from environments.sandbox.shared.variables import KUBERNETES_VARIABLE, MONGODB_VARIABLE
from environments.sandbox.supervisor import configuration
from environments.sandbox.supervisor.addresses import Addresses
from environments.sandbox.supervisor.catalogue import Fault, check_implemented, with_parts
from environments.sandbox.supervisor.child import ChildProcess, ProcessGone, ProcessSilent
from environments.sandbox.supervisor.forked import fork_of
from environments.sandbox.supervisor.settings import SandboxSettings, changed

if TYPE_CHECKING:
    from environments.sandbox.kubernetes.elsewhere.claim import BorrowedCluster
    from environments.sandbox.mongodb.elsewhere import Elsewhere

READY_TIMEOUT_S = 30.0
STATE_TIMEOUT_S = 5.0
WORKLOADS = ("focus_server", "mongodb", "rabbitmq")
"""Processes that stand behind a pod: they are started again, as a kubelet would. Any other end is the sandbox' end."""

_RESET_LAST = ("mongodb", "ssh", "focus_server", "rabbitmq")

log = logging.getLogger("supervisor")


class Supervisor:
    """The life of one sandbox. ``ended`` is set, with a reason, when it cannot go on."""

    def __init__(
        self, settings: SandboxSettings, catalogue: Mapping[str, Fault], faults: Iterable[str],
        mongodb: Elsewhere | None = None, kubeconfig: Path | None = None, permitted: bool = False,
    ) -> None:  # fmt: skip
        self.settings = settings
        self.catalogue = catalogue
        self.active: set[str] = set(faults)
        self.mongodb, self.kubeconfig, self.permitted = mongodb, kubeconfig, permitted
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.addresses = Addresses(settings.addresses)
        self.run_dir = Path(tempfile.mkdtemp(prefix="focus-sandbox-"))
        self.children: dict[str, ChildProcess] = {}
        self.control_port = 0
        self.control_token = secrets.token_urlsafe(24)
        self._starting = {package: asyncio.Lock() for package in WORKLOADS}
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Everything up and answering, or :class:`StartError`; the caller stops what was started in either case.

        :class:`UsageError` when the processes implement other faults than the catalogue lists.
        """
        try:
            self._check_faults(self.active)
        except FaultImpossible as error:
            raise StartError(str(error)) from None
        if self.mongodb is not None:
            await self.mongodb.claim()
        plan = self._plan(None if self.kubeconfig is None else await self._claim_cluster(self.kubeconfig))
        logs = self.run_dir / "logs"
        logs.mkdir()
        (self.run_dir / "pod-logs").mkdir()
        for package, config in configuration.process_configs(plan).items():
            log_file = logs / f"{package.replace('_', '-')}.log"
            log_file.touch()
            self.children[package] = ChildProcess(package, config, log_file, self._on_event)
        for package, child in self.children.items():
            await child.start(fork_of(package))
        await asyncio.gather(*(child.wait_until_ready(READY_TIMEOUT_S) for child in self.children.values()))
        check_implemented(self.catalogue, self._implemented())
        self._plan_in_force = plan
        await self._apply_link_faults()

    async def _claim_cluster(self, kubeconfig: Path) -> BorrowedCluster:
        from environments.sandbox.kubernetes.elsewhere.access import read_access  # takes long to load, seldom needed
        from environments.sandbox.kubernetes.elsewhere.claim import claim

        folder = self.run_dir / "kubeconfig-parts"
        folder.mkdir(mode=0o700)
        borrowed = await claim(read_access(kubeconfig, folder), self.permitted)
        if self.settings.stream_access == "port_forward":  # then the streams are on this machine
            own = self.addresses.nodes(len(borrowed.nodes))
            nodes = [{**node, "address": at.address} for node, at in zip(borrowed.nodes, own, strict=False)]
            borrowed = replace(borrowed, nodes=nodes)
        first, last = borrowed.node_ports
        self.settings = replace(self.settings, nodeport_first=first, nodeport_last=last)
        return borrowed

    def _plan(self, borrowed: BorrowedCluster | None) -> configuration.Plan:
        authority = CertificateAuthority(self.run_dir / "tls")
        jump_password = secrets.token_urlsafe(12)
        write_ssh_key(self.run_dir / "ssh", "target_key")
        reserve = self.addresses.reserve
        self.addresses.look_at_node_ports(self.settings.nodeport_first, self.settings.nodeport_last)
        cluster_port = reserve("cluster") if self.addresses.is_one else configuration.CLUSTER_PORT
        cluster_address = f"{self.addresses.at(configuration.CLUSTER_NUMBER)}:{cluster_port}"
        plan = configuration.Plan(
            run_dir=self.run_dir,
            settings=asdict(self.settings),
            faults=sorted(self._in_force()),
            network=self.addresses.network,
            nodes=borrowed.nodes if borrowed else [asdict(node) for node in self.addresses.nodes(self.settings.nodes)],
            cluster_address=cluster_address,
            ports={
                "focus_server": reserve("focus server", self.settings.focus_server_port),
                **{name: reserve(name) for name in configuration.RESERVED},
            },
            ca_file=authority.ca_file,
            certificates={
                "focus-server": authority.issue("focus-server", ["127.0.0.1"]),
                "kubernetes": authority.issue("kubernetes", ["127.0.0.1", cluster_address.split(":")[0]]),
            },
            tokens={user: secrets.token_urlsafe(24) for user in configuration.KUBERNETES_USERS},
            mongodb=self._database_access(),
            broker=self._broker_access(),
            jump_password=jump_password,
            jump_password_file=write_secret(self.run_dir / "ssh" / "jump_password", jump_password),
            target_key_file=self.run_dir / "ssh" / "target_key",
        )
        if borrowed is not None:
            access = configuration.ClusterAccess(
                borrowed.access, owner(), borrowed.to_be_given_slices, borrowed.without_slices
            )
            plan = replace(plan, namespace=borrowed.namespace, cluster=access)
        self.control_port = self.addresses.reserve("control API", self.settings.control_port)
        return plan

    def _broker_access(self) -> dict[str, Any] | None:
        if self.settings.rabbitmq == "off" or not is_installed():
            return None
        return configuration.broker_access(self.addresses.at(configuration.BROKER_NUMBER), secrets.token_urlsafe(12))

    def _database_access(self) -> configuration.DatabaseAccess:
        there = self.mongodb
        if there is None:
            password = secrets.token_urlsafe(12)
            return configuration.DatabaseAccess(
                configuration.DATABASE_USER, password, configuration.DATABASE, configuration.DATABASE
            )
        return configuration.DatabaseAccess(
            there.user, there.password, there.auth_source, there.database, (there.host, there.port)
        )

    def run_file(self) -> dict[str, Any]:
        """What a client needs to know, in the stable shape of the run file."""
        return configuration.run_file(self._plan_in_force, self.control_port, self.control_token)

    async def stop(self) -> None:
        """End every process and remove every trace."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*(child.stop() for child in self.children.values()))
        self.addresses.release()
        shutil.rmtree(self.run_dir, ignore_errors=True)

    async def state(self) -> dict[str, Any]:
        """Facts about now; of a process that cannot tell them, because it is being stopped, only its id."""

        async def of(child: ChildProcess) -> Mapping[str, Any]:
            if child.is_ready:
                with contextlib.suppress(ProcessGone, ProcessSilent):
                    return {"pid": child.pid, **await child.request("state", timeout_s=STATE_TIMEOUT_S)}
            return {"pid": child.pid}

        states = await asyncio.gather(*(of(child) for child in self.children.values()))
        return {
            "settings": asdict(self.settings),
            "changed_settings": changed(self.settings),
            "faults": sorted(self.active),
            "processes": dict(zip(self.children, states, strict=True)),
        }

    async def reset(self) -> None:
        """The estate as it was right after the start, without any fault."""
        await self.set_faults(set())
        if "focus_server" in self.children:
            with contextlib.suppress(ProcessGone):  # nobody serves a request
                await self.children["focus_server"].request("cluster_resets")
        # The cluster first: with its pods come back the processes of workloads that were stopped.
        for name, command in (
            ("links", "reset"), ("node", "cluster_resets"), ("kubernetes", "reset"), ("node", "reset"),
        ):  # fmt: skip
            if name in self.children:
                await self.children[name].request(command)
        async with contextlib.AsyncExitStack() as held:
            for lock in self._starting.values():
                await held.enter_async_context(lock)
            for package in (name for name in _RESET_LAST if name in self.children):
                await self._started(package)
                await self.children[package].request("reset")

    async def set_faults(self, wanted: set[str]) -> None:
        """Switch exactly these faults on; returns when every process behaves accordingly."""
        self._check_faults(wanted)
        self.active = set(wanted)

        async def switch(child: ChildProcess) -> None:
            with contextlib.suppress(ProcessGone):  # when it starts again, it starts with the faults of then
                await child.request("set_faults", {"active": self._faults_of(child.package)})

        await asyncio.gather(*(switch(child) for child in self.children.values() if child.pid))
        await self._apply_link_faults()

    def _check_faults(self, wanted: set[str]) -> None:
        for fault in (self.catalogue[fault_id] for fault_id in sorted(with_parts(wanted, self.catalogue))):
            links = {*fault.cut, *(toxic["proxy"] for toxic in fault.toxics)}
            for variable, processes, link, title in self._elsewhere():
                if fault.process in processes or link in links:
                    text = f"belongs to the sandbox's own {title}, and {variable} puts another in its place"
                    raise FaultImpossible(f"the fault {fault.id} {text}")

    def _elsewhere(self) -> Iterator[tuple[str, tuple[str, ...], str, str]]:
        """What is not ours: the variable that names it, the processes it takes the place of, the link to it, a name."""
        if self.mongodb is not None:
            yield MONGODB_VARIABLE, ("mongodb",), "", "MongoDB"
        if self.kubeconfig is not None:
            yield KUBERNETES_VARIABLE, ("kubernetes", "node"), configuration.CLUSTER_LINK, "cluster"

    def _implemented(self) -> dict[str, list[str]]:
        """The faults of each process by its own word; what is elsewhere has none."""
        elsewhere = {process for _, processes, *_ in self._elsewhere() for process in processes}
        return {name: child.ready["faults"] for name, child in self.children.items() if name not in elsewhere}

    def _faults_of(self, package: str) -> list[str]:
        return sorted(fault for fault in self._in_force() if self.catalogue[fault].process == package)

    def _in_force(self) -> frozenset[str]:
        return with_parts(self.active, self.catalogue)

    async def _apply_link_faults(self) -> None:
        await self.toxiproxy("POST", "/reset", None)
        for fault in (self.catalogue[fault_id] for fault_id in sorted(self._in_force())):
            for toxic in fault.toxics:
                body = {key: value for key, value in toxic.items() if key != "proxy"}
                await self._must("POST", f"/proxies/{toxic['proxy']}/toxics", body)
            for proxy in fault.cut:
                await self._must("POST", f"/proxies/{proxy}", {"enabled": False})

    async def _must(self, method: str, path: str, body: Mapping[str, Any]) -> None:
        answer = await self.toxiproxy(method, path, body)
        if answer["status"] >= 300:
            raise RuntimeError(f"links refused {method} {path}: {answer['body']}")

    async def toxiproxy(self, method: str, path: str, body: Any) -> Mapping[str, Any]:
        """One request of Toxiproxy's control API; answers ``status`` and ``body``."""
        return await self.children["links"].request("toxiproxy", {"method": method, "path": path, "body": body})

    def _on_event(self, child: ChildProcess, event: str, data: Mapping[str, Any]) -> None:
        if event == "ended" and child.package in WORKLOADS and "node" in self.children:
            self._later(self._tell_node(child.package, data["exit_status"]))
        elif event == "ended":
            if not self.ended.done():
                self.ended.set_result(f"the {child.package} process ended by itself: {data['log']}")
        elif event == "network_policies":
            self._later(self._enforce(data))
        elif event == "workload":
            self._later(self._run_workload(data["process"].replace("-", "_"), data["action"]))
        else:
            raise RuntimeError(f"{child.package} sent the unknown event {event!r}")

    def _later(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _enforce(self, policies: Mapping[str, Any]) -> None:
        await self.children["links"].request("policies", policies)

    async def _run_workload(self, package: str, action: str) -> None:
        """A pod of a deployment ended or started: so does its process, also one that is only just starting.

        Those of different pods do not wait for each other: what is stopped must not go on answering meanwhile.
        """
        child = self.children.get(package)
        if child is None:  # the pod of a broker that this sandbox does not have
            return
        if action == "stop":
            await child.kill()
            return
        async with self._starting[package]:
            try:
                await self._started(package)
            except StartError as error:
                if child.ending:  # stopped while it started
                    return
                log.warning("%s", error)
                await child.kill()
                await self._tell_node(package, 1)

    async def _tell_node(self, package: str, exit_status: int) -> None:
        """The process behind a pod has ended by itself; what becomes of the pod is the kubelet's business."""
        exit_code = exit_status if exit_status >= 0 else 128 - exit_status
        process = package.replace("_", "-")
        await self.children["node"].request("process_ended", {"process": process, "exit_code": exit_code})

    async def _started(self, package: str) -> None:
        """Start a process that was stopped, with the faults of now."""
        child = self.children[package]
        if child.ending:
            await child.kill()  # it is about to go
        if child.pid is None:
            child.config = {**child.config, "faults": self._faults_of(package)}
            await child.start()
            await child.wait_until_ready(READY_TIMEOUT_S)


def write_run_file(path: Path, content: Mapping[str, Any]) -> None:
    """Written whole or not at all, readable by its owner only: it holds the way in."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.touch(mode=0o600)
    temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    temporary.replace(path)
