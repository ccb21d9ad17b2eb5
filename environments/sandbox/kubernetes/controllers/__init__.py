"""The controllers of the cluster: everything the control plane does by itself on the API server's store."""

from __future__ import annotations

from environments.sandbox.kubernetes.controllers.deployments import Deployments
from environments.sandbox.kubernetes.controllers.endpoints import Endpoints
from environments.sandbox.kubernetes.controllers.event_expiry import EventExpiry
from environments.sandbox.kubernetes.controllers.fault_effects import FaultEffects
from environments.sandbox.kubernetes.controllers.garbage import paced
from environments.sandbox.kubernetes.controllers.job_pods import JobPods
from environments.sandbox.kubernetes.controllers.job_ttl import JobTtl
from environments.sandbox.kubernetes.controllers.jobs import Jobs
from environments.sandbox.kubernetes.controllers.outage_faults import OutageFaults, forget_replicas
from environments.sandbox.kubernetes.controllers.pace import Pace
from environments.sandbox.kubernetes.controllers.policies import NetworkPolicies
from environments.sandbox.kubernetes.controllers.quotas import QuotaAdmission, QuotaStatus
from environments.sandbox.kubernetes.controllers.replicasets import ReplicaSets
from environments.sandbox.kubernetes.controllers.runner import Controller, Runner
from environments.sandbox.kubernetes.controllers.scheduler import Scheduler
from environments.sandbox.kubernetes.controllers.seed import seed
from environments.sandbox.kubernetes.controllers.services import NodePorts
from environments.sandbox.kubernetes.controllers.shortages import PORTS_SHORT, STREAM_PORTS, FaultObjects
from environments.sandbox.kubernetes.controllers.statefulsets import StatefulSets
from environments.sandbox.kubernetes.controllers.unsupported import refuse_unsupported
from environments.sandbox.kubernetes.controllers.volumes import Volumes
from environments.sandbox.kubernetes.store.object_store import Store
from environments.sandbox.shared.process import SandboxProcess

__all__ = ["Controllers", "install"]

# The scheduler comes first: it must record that a pod is gone before another controller creates the next one.
_CONTROLLERS: tuple[type[Controller], ...] = (
    Scheduler, Jobs, JobPods, JobTtl, ReplicaSets, Deployments, StatefulSets, Endpoints, QuotaStatus, NetworkPolicies,
    FaultEffects, FaultObjects, OutageFaults, EventExpiry, Volumes,
)  # fmt: skip


class Controllers:
    """All controllers on one store. Created by :func:`install`."""

    def __init__(self, store: Store, process: SandboxProcess) -> None:
        self._store = store
        self._process = process
        self._runner = Runner(store, process)

    async def start(self) -> None:
        """Create the static objects in the store and return when their pods are scheduled. Faults apply at once."""
        self._runner = Runner(self._store, self._process)
        self._runner.controllers = [kind(self._runner) for kind in _CONTROLLERS]
        self._runner.start()
        seed(self._store, self._process.config)
        self._runner.faults_changed(self._process.faults, frozenset())
        await self._runner.settled()

    async def stop(self) -> None:
        await self._runner.stop()

    async def reset(self) -> None:
        """Forget everything and put the static objects into an empty store."""
        await self.stop()
        self._store.clear()
        await self.start()

    def faults_changed(self, switched_on: frozenset[str], switched_off: frozenset[str]) -> None:
        """Notify the controllers that the process's faults have changed. They react asynchronously."""
        self._runner.faults_changed(switched_on, switched_off)


def install(store: Store, process: SandboxProcess) -> Controllers:
    """Register the admission functions of ``store`` and return its controllers, which begin with ``start()``."""
    settings = process.config["settings"]
    first, last = int(settings["nodeport_first"]), int(settings["nodeport_last"])

    def port_range() -> tuple[int, int]:
        return first, min(last, first - 1 + STREAM_PORTS) if process.fault(PORTS_SHORT) else last

    if settings["controller_qps"]:
        qps = settings["controller_qps"] / process.time_scale
        store.collect = paced(store, Pace(qps, settings["controller_burst"]))
    ports = NodePorts(store, port_range)
    store.admission += [refuse_unsupported, ports.admit, QuotaAdmission(store).admit, forget_replicas(process)]
    return Controllers(store, process)
