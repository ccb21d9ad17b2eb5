"""The supervised process: kubelet and kube-proxy of every node."""

from __future__ import annotations

import asyncio
import os
import resource
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from environments.sandbox.node.cluster import Cluster
from environments.sandbox.node.fault_ids import FAULT_IDS
from environments.sandbox.node.kubelet import Kubelet
from environments.sandbox.node.metering import Metering
from environments.sandbox.node.pod_network import PodNetwork
from environments.sandbox.node.programs import Host
from environments.sandbox.node.proxy import KubeProxy
from environments.sandbox.node.reporter import Reporter
from environments.sandbox.node.streaming import Streaming
from environments.sandbox.node.workloads import Workloads
from environments.sandbox.shared.defects import end_on_defect
from environments.sandbox.shared.informer import Changed, Informer
from environments.sandbox.shared.kubernetes_client import Object, collection
from environments.sandbox.shared.process import CommandError, SandboxProcess

_METRICS_INTERVAL_S = 0.5
_OPEN_FILES = 65_536
_OPEN_FILES_OF_MACOS = 10_240
"""OPEN_MAX: macOS refuses a higher limit even if the hard limit allows it (setrlimit(2))."""
_MOST_CONNECTIONS = 3000
_RUNNING_WITHIN_S = 10.0
_FOCUS_LOG_FAULT = "focus-server-log-empty"
_KEEPALIVE_FAULT = "live-jobs-end-unconsumed"
_DOCUMENTED_KEEPALIVE_S = 45.0


class NodeProcess(SandboxProcess):
    """The process of all nodes; it is ready once the static pods run."""

    name = "node"
    fault_ids = FAULT_IDS

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        nodes = {node["name"]: node["address"] for node in config["nodes"]}
        self._cluster = Cluster(config["kubernetes"])
        self._reporter = Reporter(self._cluster)
        self._workloads = Workloads(
            lambda process, action: self.emit("workload", {"process": process, "action": action})
        )
        self._network = PodNetwork(config["network"], lambda address: self._proxy.port_changed(address))
        self._kubelet = Kubelet(self._host, self._reporter, self._workloads, nodes, Path(config["run_dir"]))
        self._jobs = self._informer("jobs", _nothing)
        self._proxy = KubeProxy(self._network, list(nodes.values()), _most_connections(_raise_open_files()), self.fault)
        self._services = self._informer("services", self._proxy.service_changed)
        self._endpoints = self._informer("endpoints", self._proxy.endpoints_changed)
        self._pods = self._informer("pods", self._kubelet.changed)
        self._informers = (self._jobs, self._services, self._endpoints, self._pods)
        self._metering = Metering(self._cluster, self._kubelet, nodes, _METRICS_INTERVAL_S)
        self._metering_task: asyncio.Task[None] | None = None
        self._streaming = Streaming(
            self._kubelet.runs.values, config["kubernetes"]["token"], config["processes"], self._network.where
        )

    async def start(self) -> Mapping[str, Any]:
        await self._cluster.wait_until_reachable()
        self._reporter.start()
        self._proxy.start(end_on_defect)
        await self._synchronise()
        self._metering_task = asyncio.create_task(self._metering.run())
        self._metering_task.add_done_callback(end_on_defect)
        await self._streaming.start(self.config["kubelet"]["host"], int(self.config["kubelet"]["port"]))
        return {"pods": len(self._kubelet.runs)}

    async def stop(self) -> None:
        if self._metering_task is not None:
            self._metering_task.cancel()
        await self._streaming.stop()
        for informer in self._informers:
            await informer.stop()
        await self._kubelet.stop()
        await self._reporter.stop()
        await self._proxy.stop()
        await self._cluster.close()

    async def reset(self) -> None:
        """Drop pods that the cluster no longer has; the processes behind the static pods keep running."""
        await self._synchronise()
        await self._metering.report()

    async def state(self) -> Mapping[str, Any]:
        """Return the number of pods and the number of running pods."""
        running = sum(bool(run.programs) for run in self._kubelet.runs.values())
        return {"pods": len(self._kubelet.runs), "running": running}

    async def faults_changed(self, switched_on: frozenset[str], switched_off: frozenset[str]) -> None:
        if _FOCUS_LOG_FAULT in switched_on | switched_off:
            for run in self._kubelet.runs.values():
                run.show_logs()

    async def command(self, name: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """Handle a command of the supervisor.

        ``cluster_resets``: the objects of the cluster are about to be replaced, and a reset of the nodes follows.
        ``process_ended``: a process of the sandbox ended by itself.
        ``pids``: return the process that runs each pod, which is this one for all of them.
        """
        if name == "cluster_resets":
            self._workloads.hold()
            return {}
        if name == "process_ended":
            self._kubelet.process_ended(params["process"], int(params["exit_code"]))
            return {}
        if name != "pids":
            raise CommandError(f"{self.name} knows no command {name!r}")
        runs = self._kubelet.runs.values()
        return {"pods": {"/".join(_names(run.pod)): os.getpid() for run in runs if run.programs}}

    def _informer(self, plural: str, changed: Changed) -> Informer:
        return Informer(self._cluster, collection(plural), changed, title=plural, log=self.log)

    async def _synchronise(self) -> None:
        self._workloads.hold()
        self._kubelet.at_once = True
        for informer in self._informers:
            await informer.resync()
        self._kubelet.at_once = False
        try:
            async with asyncio.timeout(_RUNNING_WITHIN_S):
                await self._kubelet.all_running()
        except TimeoutError:
            self.log.error("not all pods run after %g s", _RUNNING_WITHIN_S)
            raise
        self._workloads.release()

    def _live_keepalive_s(self) -> float:
        """Return the configured keepalive, or the documented keepalive of the real system while the fault is on."""
        set_s = float(self.config["settings"]["live_keepalive_s"])
        return _DOCUMENTED_KEEPALIVE_S if self.fault(_KEEPALIVE_FAULT) else set_s

    def _host(self) -> Host:
        return Host(
            cluster=self._cluster, network=self._network, fault=self.fault, scaled=self.scaled,
            find_job=lambda namespace, name: self._jobs.objects.get((namespace, name)),
            cpu_of_job=self._kubelet.cpu_of_job, process_wanted=self._workloads.wanted,
            is_reachable=self._proxy.is_reachable, live_keepalive_s=self._live_keepalive_s(),
        )  # fmt: skip


def _nothing(obj: Object, gone: bool) -> None:
    """Ignore changes of jobs; the nodes only look jobs up."""


def _names(pod: Mapping[str, Any]) -> tuple[str, str]:
    return pod["metadata"]["namespace"], pod["metadata"]["name"]


def _raise_open_files() -> int:
    """Raise the limit of open files as far as allowed and return it.

    A node port takes one socket on every node and a connection three more.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _OPEN_FILES if sys.platform == "linux" else _OPEN_FILES_OF_MACOS
    wanted = most if hard == resource.RLIM_INFINITY else min(hard, most)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(soft, wanted)


def _most_connections(open_files: int) -> int:
    """Reserve half of the files for connections, of three sockets each, and the rest for listening sockets."""
    return min(open_files // 6, _MOST_CONNECTIONS)
