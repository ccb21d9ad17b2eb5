"""Resource usage of pods and nodes, reported to the API server at intervals as metrics-server would read it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from typing import Any

from environments.sandbox.node.cluster import Cluster
from environments.sandbox.node.kubelet import Kubelet

_PATH = "/sandbox/metrics"
_NODE_ITSELF = (180, 3072)
"""Millicores and MiB that a node uses without any pod."""


class Metering:
    """Reports the usage of all running containers and of the nodes."""

    def __init__(self, cluster: Cluster, kubelet: Kubelet, nodes: Mapping[str, str], interval_s: float) -> None:
        self._cluster, self._kubelet, self._nodes = cluster, kubelet, nodes
        self._interval_s = interval_s

    async def run(self) -> None:
        while True:
            await self.report()
            await asyncio.sleep(self._interval_s)

    async def report(self) -> None:
        await self._cluster.request("POST", _PATH, self._measured())

    def _measured(self) -> dict[str, Any]:
        pods: dict[str, Any] = {}
        totals = {name: list(_NODE_ITSELF) for name in self._nodes}
        for run in self._kubelet.runs.values():
            used = run.usage()
            if not used:
                continue
            metadata = run.pod["metadata"]
            pods[f"{metadata['namespace']}/{metadata['name']}"] = {
                container: _usage(cpu_m, memory_mi) for container, (cpu_m, memory_mi) in used.items()
            }
            total = totals[run.pod["spec"]["nodeName"]]
            for cpu_m, memory_mi in used.values():
                total[0] += cpu_m
                total[1] += memory_mi
        nodes = {name: _usage(cpu_m + random.randrange(20), memory_mi) for name, (cpu_m, memory_mi) in totals.items()}
        return {"pods": pods, "nodes": nodes}


def _usage(cpu_m: int, memory_mi: int) -> dict[str, str]:
    return {"cpu": f"{cpu_m}m", "memory": f"{memory_mi}Mi"}
