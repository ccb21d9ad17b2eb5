"""The kinds of objects that the API server knows, and their names for clients."""

from __future__ import annotations

from dataclasses import dataclass

ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True)
class Resource:
    """One kind: its place in the API, its names and its subresources."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool
    singular: str
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    has_generation: bool = False

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified(self) -> str:
        """The name used in messages: ``pods``, ``jobs.batch``."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def list_kind(self) -> str:
        return f"{self.kind}List"


def _resource(
    group: str, plural: str, kind: str, short: str = "", *, cluster: bool = False,
    everything: bool = False, subresources: tuple[str, ...] = (), generation: bool = False,
) -> Resource:  # fmt: skip
    return Resource(
        group=group,
        version="v1",
        plural=plural,
        kind=kind,
        namespaced=not cluster,
        singular=kind.lower(),
        short_names=tuple(short.split()),
        categories=("all",) if everything else (),
        subresources=subresources,
        has_generation=generation,
    )


_STATUS = ("status",)
_SCALE = ("scale", "status")

_KNOWN = (
    _resource("", "configmaps", "ConfigMap", "cm"),
    _resource("", "endpoints", "Endpoints", "ep"),
    _resource("", "events", "Event", "ev"),
    _resource("", "namespaces", "Namespace", "ns", cluster=True, subresources=_STATUS),
    _resource("", "nodes", "Node", "no", cluster=True, subresources=_STATUS),
    _resource("", "persistentvolumeclaims", "PersistentVolumeClaim", "pvc", subresources=_STATUS),
    _resource("", "persistentvolumes", "PersistentVolume", "pv", cluster=True, subresources=_STATUS),
    _resource("", "pods", "Pod", "po", everything=True, subresources=("exec", "log", "portforward", "status")),
    _resource("", "replicationcontrollers", "ReplicationController", "rc", everything=True, generation=True),
    _resource("", "resourcequotas", "ResourceQuota", "quota", subresources=_STATUS),
    _resource("", "secrets", "Secret"),
    _resource("", "serviceaccounts", "ServiceAccount", "sa", subresources=("token",)),
    _resource("", "services", "Service", "svc", everything=True, subresources=_STATUS),
    _resource("apps", "daemonsets", "DaemonSet", "ds", everything=True, subresources=_STATUS, generation=True),
    _resource("apps", "deployments", "Deployment", "deploy", everything=True, subresources=_SCALE, generation=True),
    _resource("apps", "replicasets", "ReplicaSet", "rs", everything=True, subresources=_SCALE, generation=True),
    _resource("apps", "statefulsets", "StatefulSet", "sts", everything=True, subresources=_SCALE, generation=True),
    _resource("batch", "cronjobs", "CronJob", "cj", everything=True, subresources=_STATUS, generation=True),
    _resource("batch", "jobs", "Job", everything=True, subresources=_STATUS, generation=True),
    _resource("coordination.k8s.io", "leases", "Lease"),
    _resource("discovery.k8s.io", "endpointslices", "EndpointSlice"),
    _resource("networking.k8s.io", "ingresses", "Ingress", "ing", subresources=_STATUS, generation=True),
    _resource("networking.k8s.io", "networkpolicies", "NetworkPolicy", "netpol", generation=True),
    _resource("rbac.authorization.k8s.io", "clusterrolebindings", "ClusterRoleBinding", cluster=True),
    _resource("rbac.authorization.k8s.io", "clusterroles", "ClusterRole", cluster=True),
    _resource("rbac.authorization.k8s.io", "rolebindings", "RoleBinding"),
    _resource("rbac.authorization.k8s.io", "roles", "Role"),
)

RESOURCES: dict[str, Resource] = {resource.plural: resource for resource in _KNOWN}
GROUPS: dict[str, str] = {resource.group: resource.version for resource in _KNOWN if resource.group}
