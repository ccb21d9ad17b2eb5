"""The supervised process that runs the store, the API server and the controllers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from environments.sandbox.kubernetes.controllers import install
from environments.sandbox.kubernetes.fault_ids import FAULT_IDS
from environments.sandbox.kubernetes.http.audit import FILE as AUDIT_FILE
from environments.sandbox.kubernetes.http.flow_control import FlowControl
from environments.sandbox.kubernetes.http.server import ApiServer
from environments.sandbox.kubernetes.kubectl.kubelet_client import Kubelet
from environments.sandbox.kubernetes.store.object_store import Store
from environments.sandbox.kubernetes.store.resources import RESOURCES
from environments.sandbox.shared.kubernetes_versions import VERSIONS
from environments.sandbox.shared.process import SandboxProcess

NO_EVENTS = "no-events"
OVERLOADED = "kubernetes-api-overloaded"
_INVESTIGATION_PREFIX = "grpc-job-"
_WORKER_LABEL = "node-role.kubernetes.io/worker"


class KubernetesProcess(SandboxProcess):
    """The cluster's process. It is ready once the controllers have seeded the cluster and the API server answers."""

    name = "kubernetes"
    fault_ids = FAULT_IDS

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        self.store = Store(version=VERSIONS[config["settings"]["kubernetes_version"]])
        self._controllers = install(self.store, self)
        self._flow_control = FlowControl()
        self._server = ApiServer(
            self.store,
            config["tokens"],
            Path(config["run_dir"]) / "pod-logs",
            visible=self._visible,
            version=self._version,
            kubelet=Kubelet(**config["kubelet"]),
            limit=self._limit,
            audit_file=Path(config["run_dir"]) / "logs" / AUDIT_FILE,
        )

    async def start(self) -> Mapping[str, Any]:
        await self._controllers.start()
        host, config = self.config["host"], self.config
        port = await self._server.start(host, int(config["port"]), config["cert_file"], config["key_file"])
        return {"url": f"https://{host}:{port}"}

    async def stop(self) -> None:
        await self._server.stop()
        await self._controllers.stop()

    async def reset(self) -> None:
        self.store.clear()
        self._server.metrics.clear()
        await self._controllers.reset()

    async def state(self) -> Mapping[str, Any]:
        """Return the number of objects of each kind."""
        return {plural: self.store.count(plural) for plural in RESOURCES}

    async def faults_changed(self, switched_on: frozenset[str], switched_off: frozenset[str]) -> None:
        if NO_EVENTS in switched_on | switched_off:
            self._drop_investigation_events()
        self._controllers.faults_changed(switched_on, switched_off)

    def _limit(self, user: str, method: str) -> None:
        if self.fault(OVERLOADED):
            self._flow_control.check(user, method)

    def _visible(self, plural: str, obj: dict[str, Any]) -> bool:
        """Whether reads show the object. Faults hide investigations' events, worker nodes, the product's namespace."""
        if plural == "events":
            return not (self.fault(NO_EVENTS) and _about_investigation(obj))
        if plural == "nodes":
            return not (self.fault("worker-nodes-hidden") and _WORKER_LABEL in obj["metadata"]["labels"])
        if plural == "namespaces":
            return not (self.fault("namespace-hidden") and obj["metadata"]["name"] == self.config["namespace"])
        return True

    def _version(self) -> Mapping[str, Any]:
        described = self.store.version.described()
        return {**described, "gitVersion": ""} if self.fault("cluster-version-unknown") else described

    def _drop_investigation_events(self) -> None:
        """Delete the events of investigations, so that neither those from before the fault nor those stored while it
        was on become visible again."""
        for event in self.store.list("events"):
            if _about_investigation(event):
                self.store.delete("events", event["metadata"]["name"], event["metadata"]["namespace"])


def _about_investigation(event: Mapping[str, Any]) -> bool:
    involved: Mapping[str, Any] = event.get("involvedObject") or {}
    return str(involved.get("name", "")).startswith(_INVESTIGATION_PREFIX)
