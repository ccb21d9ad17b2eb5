"""The life of one pod on its node, from the first report to the last."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from environments.sandbox.node.pod_log import PodLog
from environments.sandbox.node.pod_status import ContainerState, now, pod_status, waiting
from environments.sandbox.node.programs import Container, Host, Program, Resident, image_name
from environments.sandbox.node.reporter import Reporter
from environments.sandbox.node.starting import start_program
from environments.sandbox.shared.kubernetes_client import Object

CONTAINERS_START_AFTER_S = 2.0
STOPS_WITHIN_S = 1.0
"""The time a program takes to stop, unless the grace period is shorter."""
_BACKOFF_S, _LONGEST_BACKOFF_S = 10.0, 300.0
PULL_REFUSED = "image-pull-refused"
NETWORK_EXHAUSTED = "pod-network-exhausted"
ADDRESSES_LEFT = 120
"""The number of addresses for all pods of the cluster while ``pod-network-exhausted`` is on."""
_NO_ADDRESS = (
    "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox: "
    'plugin type="flannel" failed (add): failed to delegate add: failed to allocate for range 0: no IP addresses '
    "available in range set: 10.42.0.1-10.42.0.254"
)


class PodRun:
    """The run of one pod that is bound to a node; :meth:`leave` and :meth:`vanish` end it.

    ``settled`` is set once the pod runs, cannot run or is deleted.
    """

    def __init__(
        self, host: Host, reporter: Reporter, pod: Mapping[str, Any], host_address: str, run_dir: Path
    ) -> None:
        self.pod = pod
        self.settled = asyncio.Event()
        self.programs: dict[str, Program] = {}
        self.containers: dict[str, Container] = {}
        self._host, self._reporter = host, reporter
        self._host_address = host_address
        self._address: str | None = None
        self._began = now()
        metadata = pod["metadata"]
        self._states = [
            ContainerState(spec["name"], spec["image"], metadata["uid"]) for spec in pod["spec"]["containers"]
        ]
        self._logs = [PodLog(run_dir, metadata["namespace"], metadata["name"], each.name) for each in self._states]

    @property
    def own_images(self) -> list[str | None]:
        """Images of the containers that run the image's own program, not a ``command`` of the pod."""
        return [
            image_name(container["image"]) for container in self.pod["spec"]["containers"] if "command" not in container
        ]

    def usage(self) -> dict[str, tuple[int, int]]:
        """Millicores and MiB of each running container."""
        return {name: program.usage() for name, program in self.programs.items()}

    def show_logs(self) -> None:
        """Update the logs after a fault that concerns logs was switched on or off."""
        for program in self.programs.values():
            if isinstance(program, Resident):
                program.show_log()

    async def run(self, at_once: bool = False) -> None:
        """Run the pod until every container has ended for good.

        ``at_once`` skips the start-up delay, for pods that already ran before the node synchronised.
        """
        if self._host.fault(NETWORK_EXHAUSTED):
            await self._wait_for_an_address()
        self._address = self._host.network.take_address()
        try:
            await self._pull_images()
            if not at_once:
                await self._report("Pending")
                await asyncio.sleep(self._host.scaled(CONTAINERS_START_AFTER_S))
            await asyncio.gather(*(self._container(index) for index in range(len(self._states))))
            await self._report("Failed" if any(each.exit_code for each in self._states) else "Succeeded")
        finally:
            self.programs.clear()
            self.containers.clear()
            self._host.network.return_address(self._address)

    async def leave(self) -> None:
        """Complete the deletion of a pod whose programs are stopped: wait for its grace period, then report its end."""
        for state in self._states:
            if "running" in state.state:
                self._event(state.name, "Killing", f"Stopping container {state.name}")
        grace_s = self.pod["metadata"].get("deletionGracePeriodSeconds", 0)
        await asyncio.sleep(self._host.scaled(min(grace_s, STOPS_WITHIN_S)))
        await self._reporter.delete(self.pod)

    def vanish(self) -> None:
        """Remove the logs of a pod that is gone from the API server."""
        for log in self._logs:
            log.remove_all()

    async def _container(self, index: int) -> None:
        """Run one container with its restarts."""
        state = self._states[index]
        policy = self.pod["spec"].get("restartPolicy", "Always")
        while True:
            exit_code = await self._once(index)
            state.ended(exit_code)
            if policy == "Never" or (policy == "OnFailure" and exit_code == 0):
                return
            self._logs[index].keep_as_previous()
            if state.restarts == 0:  # a kubelet does not wait before the first restart of a container
                state.starting_again()
                continue
            delay_s = min(_BACKOFF_S * 2.0 ** (state.restarts - 1), _LONGEST_BACKOFF_S)
            why = f"back-off {delay_s:.0f}s restarting failed container={state.name}"
            state.backing_off(why)
            self._event(state.name, "BackOff", why, "Warning")
            await self._report("Running")
            await asyncio.sleep(self._host.scaled(delay_s))

    async def _once(self, index: int) -> int:
        state, spec = self._states[index], self.pod["spec"]["containers"][index]
        self._logs[index].begin()
        assert self._address is not None
        container = Container(self.pod, spec, self._address, self._logs[index])
        program = start_program(self._host, container)
        self._event(state.name, "Pulled", f'Container image "{state.image}" already present on machine')
        self._event(state.name, "Created", f"Created container: {state.name}")
        self._event(state.name, "Started", f"Started container {state.name}")
        state.started()
        running = asyncio.create_task(program.run())
        self.programs[state.name], self.containers[state.name] = program, container
        try:
            if all("waiting" not in each.state for each in self._states):
                await self._report("Running")
                self.settled.set()
            return await running
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            self.programs.pop(state.name, None)
            self.containers.pop(state.name, None)
            container.ended.set()

    async def _wait_for_an_address(self) -> None:
        """Wait for a free address: a pod's sandbox cannot be created without one, and the kubelet keeps retrying."""
        pause_s = _BACKOFF_S
        while self._host.network.taken >= ADDRESSES_LEFT and self._host.fault(NETWORK_EXHAUSTED):
            if not self.settled.is_set():
                await self._report("Pending")
                self._event(None, "FailedCreatePodSandBox", _NO_ADDRESS, "Warning")
                self.settled.set()
            await asyncio.sleep(self._host.scaled(pause_s))
            pause_s = min(pause_s * 2, _LONGEST_BACKOFF_S)

    async def _pull_images(self) -> None:
        """Return once an image is available for every container. Retries of a registry that refuses back off."""
        pause_s = _BACKOFF_S
        while any(problems := [_pull_problem(self._host, each.image) for each in self._states]):
            self._tell_of_pull(problems, "ErrImagePull")
            await self._report("Pending")
            self.settled.set()
            await asyncio.sleep(self._host.scaled(_BACKOFF_S))
            self._tell_of_pull(problems, "ImagePullBackOff")
            await self._report("Pending")
            await asyncio.sleep(self._host.scaled(pause_s))
            pause_s = min(pause_s * 2, _LONGEST_BACKOFF_S)

    def _tell_of_pull(self, problems: Sequence[str | None], reason: str) -> None:
        for state, problem in zip(self._states, problems, strict=True):
            if problem is None:
                continue
            if reason == "ErrImagePull":
                state.state = waiting(reason, problem)
                self._event(state.name, "Pulling", f'Pulling image "{state.image}"')
                self._event(state.name, "Failed", f'Failed to pull image "{state.image}": {problem}', "Warning")
                self._event(state.name, "Failed", f"Error: {reason}", "Warning")
            else:
                state.state = waiting(reason, f'Back-off pulling image "{state.image}": ErrImagePull: {problem}')
                self._event(state.name, "BackOff", f'Back-off pulling image "{state.image}"')
                self._event(state.name, "Failed", f"Error: {reason}", "Warning")

    async def _report(self, phase: str) -> None:
        status: Object = pod_status(self.pod, self._states, phase, self._host_address, self._address, self._began)
        await self._reporter.status(self.pod, status)

    def _event(self, container: str | None, reason: str, message: str, kind: str = "Normal") -> None:
        self._reporter.event(self.pod, container, reason, message, kind)


def _pull_problem(host: Host, image: str) -> str | None:
    """Return the reason why the image cannot be pulled, None if it can."""
    name = image_name(image)
    if name is None:
        return f'failed to pull and unpack image "{image}": the sandbox has no such image: not found'
    if name == "pzlinux" and host.fault(PULL_REFUSED):
        return (
            f'failed to pull and unpack image "{image}": failed to copy: httpReadSeeker: failed open: unexpected '
            "status code 429 Too Many Requests - Server message: toomanyrequests: You have reached your pull limit."
        )
    return None
