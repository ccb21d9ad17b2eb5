"""The programs of the containers. Image and command select the program, as a registry and a shell would."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from environments.sandbox.node.pod_log import PodLog
from environments.sandbox.node.pod_network import PodNetwork

if TYPE_CHECKING:
    from environments.sandbox.node.cluster import Cluster
    from environments.sandbox.shared.kubernetes_client import Object

REGISTRY = "registry.sandbox/"
PROCESS_LOGS = {"focus-server": "focus-server.log", "mongodb": "mongodb.log"}
"""Images whose container is a process of the sandbox, and the log that the process writes."""

_RESIDENTS = {
    "focus-server": (3, 394), "mongodb": (12, 210), "rabbitmq": (18, 145), "segy-recorder": (2, 96),
}  # fmt: skip
"""Millicores and MiB that a container of each image uses."""
_CACHES_MI, _WARM_UP_S, _LEAK_MI_PER_H = 80, 240.0, 240.0


@dataclass(frozen=True)
class Host:
    """The services of a node to the programs on it."""

    cluster: Cluster
    network: PodNetwork
    fault: Callable[[str], bool]
    scaled: Callable[[float], float]
    find_job: Callable[[str, str], Object | None]
    cpu_of_job: Callable[[str, str], int | None]
    process_wanted: Callable[[str], None]
    is_reachable: Callable[[str, str], bool]
    live_keepalive_s: float
    """The time after which a live job ends once no client consumes its stream; 0 for never."""


@dataclass(frozen=True)
class Container:
    """One container of one pod: its specification and its run-time resources. ``ended`` is set when it ends."""

    pod: Mapping[str, Any]
    spec: Mapping[str, Any]
    address: str
    log: PodLog
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def namespace(self) -> str:
        return str(self.pod["metadata"]["namespace"])

    @property
    def pod_name(self) -> str:
        return str(self.pod["metadata"]["name"])

    @property
    def job_name(self) -> str:
        return str(self.pod["metadata"].get("labels", {}).get("job-name", ""))

    @property
    def environment(self) -> dict[str, str]:
        return {each["name"]: each.get("value", "") for each in self.spec.get("env", ())}


class Program(Protocol):
    """The program that a container runs."""

    async def run(self) -> int:
        """Run to the end and return the exit code. Cancelled when the container is stopped."""

    def usage(self) -> tuple[int, int]:
        """Millicores and MiB in use at the moment."""


class Resident:
    """A long-running server. Its work is done by another process of the sandbox, or only its presence is needed."""

    def __init__(self, host: Host, container: Container, image: str) -> None:
        self.image = image
        self._container, self._host = container, host
        self._began_s = time.monotonic()
        self._leaking_since_s: float | None = None
        self._end: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def run(self) -> int:
        self._host.process_wanted(self.image)
        if self.image in PROCESS_LOGS:
            self.show_log()
        else:
            self._container.log.write("starting", "ready, waiting for work", source=f"pz.{self.image}")
        return await self._end

    def ended(self, exit_code: int) -> None:
        """End the container because the process behind it has ended."""
        if not self._end.done():
            self._end.set_result(exit_code)

    def show_log(self) -> None:
        """Show the log of the process behind this container, or an empty log while the fault is on."""
        if self.image == "focus-server" and self._host.fault("focus-server-log-empty"):
            self._container.log.begin()
        elif self.image in PROCESS_LOGS:
            self._container.log.show(PROCESS_LOGS[self.image])

    def usage(self) -> tuple[int, int]:
        cpu_m, memory_mi = _RESIDENTS[self.image]
        return (cpu_m, memory_mi + self._grown_mi()) if self.image == "focus-server" else (cpu_m, memory_mi)

    def _grown_mi(self) -> int:
        """Return the memory growth in MiB, with noise: caches fill in the first minutes, and a leak grows for ever."""
        now_s = time.monotonic()
        if not self._host.fault("server-leaks-memory"):
            self._leaking_since_s = None
        elif self._leaking_since_s is None:
            self._leaking_since_s = now_s
        leaking_s = now_s - (self._leaking_since_s or now_s)
        missing = _CACHES_MI * math.exp(-(now_s - self._began_s) / self._host.scaled(_WARM_UP_S))
        leaked = _LEAK_MI_PER_H * leaking_s / self._host.scaled(3600.0)
        return round(leaked - missing) + random.randrange(-3, 4)


def image_name(image: str) -> str | None:
    """Return the name of an image of the sandbox's registry; None if the registry does not have it."""
    if not image.startswith(REGISTRY):
        return None
    name = image.removeprefix(REGISTRY).partition(":")[0]
    return name if name in {*_RESIDENTS, "pzlinux", "cleanup-grpc"} else None
