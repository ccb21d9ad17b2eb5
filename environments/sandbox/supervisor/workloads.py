"""The processes behind pods: each ends and starts with its pod, and a kubelet restarts it."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping

from environments.sandbox.shared.errors import StartError
from environments.sandbox.supervisor.child import ChildProcess
from environments.sandbox.supervisor.forked import fork_of

READY_TIMEOUT_S = 30.0
WORKLOADS = ("focus_server", "mongodb", "rabbitmq")
"""Processes that run behind a pod. If any other process ends by itself, the sandbox ends."""

_LOADS = {"focus_server": "pymongo"}
"""What takes a process long to load and the supervisor does not need. It is loaded here with the first restart, and by
none of the later forks."""

log = logging.getLogger("supervisor")


class WorkloadProcesses:
    """``children`` are all processes of the sandbox by package; ``faults_of`` returns the faults of a package now."""

    def __init__(self, children: Mapping[str, ChildProcess], faults_of: Callable[[str], list[str]]) -> None:
        self._children, self._faults_of = children, faults_of
        self._starting = {package: asyncio.Lock() for package in WORKLOADS}

    async def run(self, package: str, action: str) -> None:
        """End or start the process of a pod of a deployment that ended or started. ``stop`` also ends a process that is
        just starting.

        Processes of different pods do not wait for each other: a stopped one must not continue to answer meanwhile.
        """
        child = self._children.get(package)
        if child is None:  # the pod of a broker that this sandbox does not run
            return
        if action == "stop":
            await child.kill()
            return
        async with self._starting[package]:
            try:
                await self.started(package)
            except StartError as error:
                if child.ending:  # stopped while it started
                    return
                log.warning("%s", error)
                await child.kill()
                await self.ended(package, 1)

    async def ended(self, package: str, exit_status: int) -> None:
        """Report a process that ended by itself; the kubelet decides about its pod."""
        exit_code = exit_status if exit_status >= 0 else 128 - exit_status
        process = package.replace("_", "-")
        await self._children["node"].request("process_ended", {"process": process, "exit_code": exit_code})

    async def started(self, package: str) -> ChildProcess:
        """Return the process; start it with the current faults if it was stopped."""
        child = self._children[package]
        if child.ending:
            await child.kill()  # it is about to end
        if child.pid is None:
            child.config = {**child.config, "faults": self._faults_of(package)}
            await child.start(_fork_for(package))
            await child.wait_until_ready(READY_TIMEOUT_S)
        return child

    @contextlib.asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Keep pods from starting any of the processes meanwhile."""
        async with contextlib.AsyncExitStack() as locks:
            for lock in self._starting.values():
                await locks.enter_async_context(lock)
            yield


def _fork_for(package: str) -> Callable[[], None] | None:
    become = fork_of(package)
    if become is not None and package in _LOADS:
        importlib.import_module(_LOADS[package])
    return become
