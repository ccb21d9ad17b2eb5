"""The client that reads and changes the cluster."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from support.clients.journal import Journal
from support.clients.kubernetes.api import (
    ClusterError,
    Tunnel,
    kubernetes_address,
    shaped,
)
from support.clients.kubernetes.estate import Claim, ConfigMap, Deployment, Event, Namespace, Node, PodUsage
from support.clients.kubernetes.objects import (
    Condition,
    Container,
    Job,
    Pod,
    Raw,
    Service,
    ServicePort,
    Volume,
)
from support.clients.kubernetes.reader import KubernetesReader
from support.clients.kubernetes.snapshot import Release, Snapshot
from support.clients.safety import SafetyPolicy
from support.clients.settings import KubernetesSettings

__all__ = [
    "Claim",
    "ClusterError",
    "Condition",
    "ConfigMap",
    "Container",
    "Deployment",
    "Event",
    "Job",
    "KubernetesClient",
    "Namespace",
    "Node",
    "Pod",
    "PodUsage",
    "Release",
    "Service",
    "ServicePort",
    "Snapshot",
    "Volume",
    "kubernetes_address",
]

_JOB_ID = re.compile(r"[0-9]+-[0-9]+")
_JOB = re.compile(r"(grpc|cleanup)-job-[0-9]+-[0-9]+")
_JOB_POD = re.compile(r"(grpc|cleanup)-job-[0-9]+-[0-9]+-[a-z0-9]{5}")
_AT_ONCE = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background", "gracePeriodSeconds": 0}
_BACKGROUND = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"}


class KubernetesClient(KubernetesReader):
    """A reader that can also change the namespace. All methods raise :class:`ClusterError`.

    The client may delete objects it created, and objects of an investigation that the caller has opened itself. All
    other changes need the environment's permission ``disruptive``; without it, they raise
    :class:`~support.clients.safety.SafetyError` before anything is sent.
    """

    def __init__(
        self, settings: KubernetesSettings, journal: Journal, safety: SafetyPolicy, tunnel: Tunnel | None = None
    ) -> None:
        super().__init__(settings, journal, tunnel)
        self._safety = safety
        self._created: set[tuple[str, str]] = set()

    def release(self, job_id: str) -> Release:
        """Delete the objects of one investigation. The caller must ensure that it is the suite's own.

        All three objects are tried; an object that does not exist is reported as already gone, and the first other
        error is raised at the end.
        """
        if not _JOB_ID.fullmatch(job_id):
            raise ClusterError(f"release {job_id!r}", 0, "not a job id of the form slot-serial; nothing was deleted")
        deleted: list[str] = []
        gone: list[str] = []
        errors: list[ClusterError] = []
        for plural, name in (
            ("services", f"grpc-service-{job_id}"),
            ("jobs", f"grpc-job-{job_id}"),
            ("jobs", f"cleanup-job-{job_id}"),
        ):
            try:
                self._api.send("DELETE", self._path(plural, name), _AT_ONCE)
                deleted.append(name)
            except ClusterError as error:
                if error.not_found:
                    gone.append(name)
                else:
                    errors.append(error)
        if errors:
            raise errors[0]
        return Release(job_id, tuple(deleted), tuple(gone))

    def create_pod(self, manifest: Raw) -> Pod:
        return shaped(Pod.parse, self._create("pods", manifest), "create a pod")

    def delete_job(self, name: str) -> None:
        """Delete one job of an investigation and its pod at once. The caller must ensure that it is its own."""
        if _JOB.fullmatch(name) is None:
            raise ClusterError(f"delete job {name}", 0, "not a job of an investigation; nothing was deleted")
        self._api.send("DELETE", self._path("jobs", name), _AT_ONCE)

    def delete_job_pod(self, name: str) -> None:
        """Delete the pod of an investigation at once, as in a crash. The caller must ensure that it is its own."""
        if _JOB_POD.fullmatch(name) is None:
            raise ClusterError(f"delete pod {name}", 0, "not the pod of an investigation; nothing was deleted")
        self._api.send("DELETE", self._path("pods", name), {"gracePeriodSeconds": 0})

    def delete_pod(self, name: str) -> None:
        """Delete a pod with its normal grace period."""
        self._delete("pods", name)

    def create_service(self, manifest: Raw) -> Service:
        return shaped(Service.parse, self._create("services", manifest), "create a service")

    def delete_service(self, name: str) -> None:
        self._delete("services", name)

    def create_network_policy(self, manifest: Raw) -> None:
        self._create("networkpolicies", manifest)

    def delete_network_policy(self, name: str) -> None:
        self._delete("networkpolicies", name)

    def create_quota(self, manifest: Raw) -> None:
        """Create a ResourceQuota, which limits what the namespace may hold."""
        self._create("resourcequotas", manifest)

    def delete_quota(self, name: str) -> None:
        self._delete("resourcequotas", name)

    def patch_config_map(self, name: str, data: Mapping[str, str | None]) -> ConfigMap:
        """Change only these keys; a key with the value None is removed."""
        self._safety.require("disruptive", f"change config map {name}")
        raw = self._merge(self._path("configmaps", name), {"data": dict(data)})
        return ConfigMap.parse(raw)

    def scale(self, workload: Deployment, replicas: int) -> None:
        """Set the number of replicas of a Deployment or StatefulSet."""
        self._safety.require("disruptive", f"scale {workload.name} to {replicas}")
        plural = {"Deployment": "deployments", "StatefulSet": "statefulsets"}[workload.kind]
        self._merge(f"{self._path(plural, workload.name)}/scale", {"spec": {"replicas": replicas}})

    def _merge(self, path: str, change: Raw) -> dict[str, Any]:
        return self._api.send("PATCH", path, change, "application/merge-patch+json")

    def _create(self, plural: str, manifest: Raw) -> dict[str, Any]:
        name = str((manifest.get("metadata") or {}).get("name") or "")
        self._safety.require("disruptive", f"create {plural} {name}")
        created = self._api.send("POST", self._path(plural), manifest)
        self._created.add((plural, shaped(lambda raw: str(raw["metadata"]["name"]), created, f"create {plural}")))
        return created

    def _delete(self, plural: str, name: str) -> None:
        if (plural, name) not in self._created:
            self._safety.require("disruptive", f"delete {plural} {name}")
        self._api.send("DELETE", self._path(plural, name), _BACKGROUND)
        self._created.discard((plural, name))
