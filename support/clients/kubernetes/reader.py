"""The client that reads the cluster."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import quote

from support.clients.clock import ClockOffset
from support.clients.journal import Journal
from support.clients.kubernetes.api import (
    KubernetesAPI,
    LineStream,
    Tunnel,
    shaped,
)
from support.clients.kubernetes.cluster_clock import learn
from support.clients.kubernetes.estate import Claim, ConfigMap, Deployment, Event, Namespace, Node, PodUsage
from support.clients.kubernetes.objects import (
    Job,
    Pod,
    Raw,
    Service,
)
from support.clients.kubernetes.snapshot import Snapshot
from support.clients.settings import KubernetesSettings

T = TypeVar("T")

_GROUPS = {
    "jobs": "/apis/batch/v1",
    "deployments": "/apis/apps/v1",
    "statefulsets": "/apis/apps/v1",
    "networkpolicies": "/apis/networking.k8s.io/v1",
}


class KubernetesReader:
    """Reads one namespace of a cluster, and the nodes under it. All methods raise :class:`ClusterError`."""

    def __init__(self, settings: KubernetesSettings, journal: Journal, tunnel: Tunnel | None = None) -> None:
        self.namespace_name = settings.namespace
        self._api = KubernetesAPI(settings, journal, tunnel)

    @property
    def clock(self) -> ClockOffset:
        """The offset between the cluster's clock and that of this machine."""
        return self._api.clock

    def learn_clock(self) -> None:
        """Learn the cluster's clock from timestamps in its objects if its answers have no date. Raises nothing."""
        if not self.clock.is_known:
            learn(self.clock, self._api, self.namespace_name)

    def version(self) -> str:
        """The version of the API server, such as ``v1.34.1``."""
        return str(self._api.get("/version/").get("gitVersion") or "")

    def nodes(self) -> list[Node]:
        return self._all(Node.parse, "/api/v1/nodes")

    def namespaces(self) -> list[Namespace]:
        return self._all(Namespace.parse, "/api/v1/namespaces")

    def namespace(self, name: str | None = None) -> Namespace:
        """The named namespace, or the one this client works in."""
        return self._one(Namespace.parse, f"/api/v1/namespaces/{quote(name or self.namespace_name, safe='')}")

    def jobs(self, label_selector: str | None = None) -> list[Job]:
        return self._list(Job.parse, "jobs", labelSelector=label_selector)

    def job(self, name: str) -> Job:
        return self._one(Job.parse, self._path("jobs", name))

    def pods(self, label_selector: str | None = None) -> list[Pod]:
        return self._list(Pod.parse, "pods", labelSelector=label_selector)

    def pod(self, name: str) -> Pod:
        return self._one(Pod.parse, self._path("pods", name))

    def services(self, label_selector: str | None = None) -> list[Service]:
        return self._list(Service.parse, "services", labelSelector=label_selector)

    def service(self, name: str) -> Service:
        return self._one(Service.parse, self._path("services", name))

    def deployments(self) -> list[Deployment]:
        return self._list(Deployment.parse, "deployments")

    def stateful_sets(self) -> list[Deployment]:
        return self._list(lambda raw: Deployment.parse(raw, "StatefulSet"), "statefulsets")

    def claims(self) -> list[Claim]:
        return self._list(Claim.parse, "persistentvolumeclaims")

    def config_map(self, name: str) -> ConfigMap:
        return self._one(ConfigMap.parse, self._path("configmaps", name))

    def events(self, involved_name: str | None = None) -> list[Event]:
        """Return the events in the namespace, or those about objects of one name, oldest first."""
        selector = f"involvedObject.name={involved_name}" if involved_name is not None else None
        events = self._list(Event.parse, "events", fieldSelector=selector)
        return sorted(events, key=lambda event: event.at or datetime.min.replace(tzinfo=UTC))

    def pod_log(
        self, name: str, tail_lines: int | None = None, container: str | None = None, since: datetime | None = None
    ) -> str:
        """Return the log of a pod, or its last ``tail_lines`` lines, or the part written after ``since``."""
        query = {
            "tailLines": None if tail_lines is None else str(tail_lines),
            "container": container,
            "sinceTime": None if since is None else since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        return self._api.get_text(f"{self._path('pods', name)}/log", _given(query))

    def pod_metrics(self) -> dict[str, PodUsage]:
        """Return the latest resource use of each pod from the metrics server, by name."""
        path = f"/apis/metrics.k8s.io/v1beta1/namespaces/{quote(self.namespace_name, safe='')}/pods"
        return {use.name: use for use in self._all(PodUsage.parse, path)}

    def snapshot(self, label_selector: str | None = None) -> Snapshot:
        """List the jobs, pods and services of the namespace, all or those selected, by three requests in sequence."""
        taken_at, at_s = datetime.now(UTC), time.monotonic()
        return Snapshot(
            tuple(self.jobs(label_selector)),
            tuple(self.pods(label_selector)),
            tuple(self.services(label_selector)),
            taken_at,
            at_s,
        )

    def network_policies(self) -> list[str]:
        """The names of the NetworkPolicies of the namespace."""
        return self._list(lambda raw: str(raw["metadata"]["name"]), "networkpolicies")

    def quotas(self) -> list[str]:
        """The names of the ResourceQuotas of the namespace."""
        return self._list(lambda raw: str(raw["metadata"]["name"]), "resourcequotas")

    def list_raw(self, plural: str, label_selector: str | None = None) -> tuple[list[Raw], str]:
        """Return the objects of one kind as JSON, and the resource version of the list."""
        answer = self._api.get(self._path(plural), _given({"labelSelector": label_selector}))
        return list(answer.get("items") or ()), str((answer.get("metadata") or {}).get("resourceVersion") or "")

    def list_raw_everywhere(self, what: str) -> list[Raw]:
        """Return as JSON the ``nodes``, the ``pods`` of all namespaces, or the ``usage`` of this namespace's pods."""
        usage = f"/apis/metrics.k8s.io/v1beta1/namespaces/{quote(self.namespace_name, safe='')}/pods"
        paths = {"nodes": "/api/v1/nodes", "pods": "/api/v1/pods", "usage": usage}
        return list(self._api.get(paths[what]).get("items") or ())

    def watch_raw(
        self, plural: str, resource_version: str, server_timeout_s: int, label_selector: str | None = None
    ) -> LineStream:
        """Stream changes after ``resource_version``, one JSON object per line. The server ends the stream after
        ``server_timeout_s``."""
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": resource_version,
            "timeoutSeconds": str(server_timeout_s),
            "labelSelector": label_selector,
        }
        return self._api.stream(self._path(plural), _given(query), read_timeout_s=server_timeout_s + 10)

    def close(self) -> None:
        """Close every connection."""
        self._api.close()

    def _path(self, plural: str, name: str | None = None) -> str:
        group = _GROUPS.get(plural, "/api/v1")
        path = f"{group}/namespaces/{quote(self.namespace_name, safe='')}/{plural}"
        return path if name is None else f"{path}/{quote(name, safe='')}"

    def _one(self, parse: Callable[[Raw], T], path: str) -> T:
        return shaped(parse, self._api.get(path), f"GET {path}")

    def _list(self, parse: Callable[[Raw], T], plural: str, **query: str | None) -> list[T]:
        return self._all(parse, self._path(plural), _given(query))

    def _all(self, parse: Callable[[Raw], T], path: str, query: Mapping[str, str] | None = None) -> list[T]:
        return [shaped(parse, raw, f"GET {path}") for raw in self._api.get(path, query).get("items") or ()]


def _given(query: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in query.items() if value is not None}
