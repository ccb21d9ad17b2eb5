"""The controllers on an in-process store, with a kubelet that a test controls step by step."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from environments.sandbox.kubernetes.controllers import install
from environments.sandbox.kubernetes.controllers.meta import set_condition
from environments.sandbox.kubernetes.fault_ids import FAULT_IDS
from environments.sandbox.kubernetes.store.object_store import Store
from environments.sandbox.shared.kubernetes_versions import VERSIONS
from environments.sandbox.shared.process import SandboxProcess
from environments.sandbox.supervisor.settings import SandboxSettings
from support.waits import Stopwatch

Object = dict[str, Any]
SETTINGS = {
    **asdict(SandboxSettings()), "nodes": 2, "gpu_slices": 4, "pods_per_node": 50, "nodeport_first": 12301,
    "nodeport_last": 12310, "time_scale": 0.001,
}  # fmt: skip
NODES = [
    {"name": "master-node", "address": "127.99.0.10", "role": "master"},
    {"name": "worker-node-1", "address": "127.99.0.11", "role": "worker"},
    {"name": "worker-node-2", "address": "127.99.0.12", "role": "worker"},
]


class Process(SandboxProcess):
    """A process that records the messages it emits."""

    fault_ids = FAULT_IDS

    def __init__(self, **settings: Any) -> None:
        super().__init__({"settings": {**SETTINGS, **settings}, "nodes": NODES, "namespace": "panda"})
        self.emitted: list[tuple[str, Any]] = []

    def emit(self, event: str, data: Any) -> None:
        self.emitted.append((event, data))


class Cluster:
    """The store and controllers under test, with the helpers that the tests use."""

    def __init__(self, **settings: Any) -> None:
        self.process = Process(**settings)
        self.store = Store(version=VERSIONS[self.process.config["settings"]["kubernetes_version"]])
        self.controllers = install(self.store, self.process)
        self._addresses = 0

    def set_faults(self, *active: str) -> None:
        before, self.process.faults = self.process.faults, frozenset(active)
        self.controllers.faults_changed(self.process.faults - before, before - self.process.faults)

    async def until(self, what: str, holds: Callable[[], Any], within_s: float = 3.0) -> Any:
        """Look again after each change of the store until ``holds`` returns a true value, and return it.

        ``within_s`` is in seconds in which this machine let the test run.
        """
        changes, watch = self.store.subscribe(), Stopwatch()
        try:
            while not (found := holds()):
                if (given_s := watch.given_s()) >= within_s:
                    raise AssertionError(f"waited {watch.told(within_s)}: {what}")
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(changes.get(), within_s - given_s)
            return found
        finally:
            self.store.unsubscribe(changes)

    async def settled(self) -> None:
        await self.controllers._runner.settled()

    def pods(self, job: str) -> list[Object]:
        return [
            pod for pod in self.store.list("pods", "panda")
            if pod["metadata"].get("labels", {}).get("job-name") == job
        ]  # fmt: skip

    async def placed(self, job: str) -> Object:
        """Wait until the pod of a job has a node, and return it."""
        found: Object = await self.until(
            f"a pod of {job} is bound",
            lambda: next((pod for pod in self.pods(job) if pod["spec"].get("nodeName")), None),
        )
        return found

    def run(self, pod: Object) -> None:
        """Report the pod's containers as started, as the kubelet does."""
        self._addresses += 1
        address = f"127.99.1.{self._addresses}"

        def change(new: Object) -> None:
            new["status"].update(phase="Running", podIP=address, containerStatuses=[{
                "name": "c", "ready": True, "restartCount": 0, "state": {"running": {}},
            }])  # fmt: skip
            set_condition(new["status"], "Ready", "True")

        self._change(pod, change)

    def end(self, pod: Object, phase: str) -> None:
        def change(new: Object) -> None:
            new["status"]["phase"] = phase
            set_condition(new["status"], "Ready", "False", "PodCompleted")

        self._change(pod, change)

    def _change(self, pod: Object, change: Callable[[Object], None]) -> None:
        self.store.mutate("pods", pod["metadata"]["name"], pod["metadata"]["namespace"], change)

    def forget(self, pod: Object) -> None:
        """Confirm the deletion of a pod, the kubelet's last report on it."""
        self.store.delete("pods", pod["metadata"]["name"], pod["metadata"]["namespace"], grace_s=0)

    def events(self, name_prefix: str) -> dict[str, str]:
        """Reasons and messages of the events about an object."""
        return {
            event["reason"]: event["message"] for event in self.store.list("events", "panda")
            if event["involvedObject"]["name"].startswith(name_prefix)
        }  # fmt: skip

    def create_job(self, name: str = "grpc-job-1-1", gpu: int = 1, **spec: Any) -> Object:
        resources = {"limits": {"nvidia.com/gpu.shared": str(gpu)}} if gpu else {}
        pod = {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i", "resources": resources}]}
        template = {"metadata": {"labels": {"app": name}}, "spec": pod}
        return self.store.create(
            "jobs", {"metadata": {"name": name}, "spec": {"backoffLimit": 0, "template": template, **spec}}, "panda"
        )

    def job(self, name: str = "grpc-job-1-1") -> Object:
        return self.store.get("jobs", name, "panda")

    def ends_of(self, name: str = "grpc-job-1-1") -> dict[str, str]:
        """True conditions of a job and their reasons."""
        job = self.store.find("jobs", name, "panda")
        conditions = job["status"].get("conditions", ()) if job else ()
        return {each["type"]: each.get("reason", "") for each in conditions if each["status"] == "True"}

    def create_service(self, name: str, **port: Any) -> Object:
        spec = {"type": "NodePort", "selector": {"app": "grpc-job-1-1"}, "ports": [{"port": 12301, **port}]}
        return self.store.create("services", {"metadata": {"name": name}, "spec": spec}, "panda")


def play(scenario: Callable[[Cluster], Awaitable[None]], **settings: Any) -> None:
    """Run a scenario on a seeded cluster; the failure of a controller fails the scenario."""

    async def run() -> None:
        cluster = Cluster(**settings)
        await cluster.controllers.start()
        try:
            await scenario(cluster)
        finally:
            await cluster.controllers.stop()

    asyncio.run(run())
