"""Parser of request paths: the kind, namespace, object and subresource of a request."""

from __future__ import annotations

from dataclasses import dataclass

from environments.sandbox.kubernetes.http.roles import Asked
from environments.sandbox.kubernetes.store.resources import RESOURCES, Resource

_OF_NAMESPACES_THEMSELVES = ("status", "finalize")


@dataclass(frozen=True)
class Target:
    resource: Resource
    namespace: str | None
    name: str | None
    subresource: str | None

    def asked(self, verb: str) -> Asked:
        """Return the action for the check of rights. A namespace object counts as lying in itself."""
        resource = f"{self.resource.plural}/{self.subresource}" if self.subresource else self.resource.plural
        namespace = self.name if self.resource.plural == "namespaces" else self.namespace
        return Asked(verb, self.resource.group, resource, namespace, self.name or "")


@dataclass(frozen=True)
class ApiPath:
    """A path below ``/api`` or ``/apis``, split into its parts. ``group`` is empty for the core group."""

    group: str
    version: str
    namespace: str | None
    parts: tuple[str, ...]

    def target(self) -> Target | None:
        """Return the target in the store, None if the path does not match a stored kind."""
        if not 1 <= len(self.parts) <= 3:
            return None
        resource = RESOURCES.get(self.parts[0])
        if resource is None or (resource.group, resource.version) != (self.group, self.version):
            return None
        if self.namespace is not None and not resource.namespaced:
            return None
        name = self.parts[1] if len(self.parts) > 1 else None
        if name is not None and resource.namespaced and self.namespace is None:
            return None
        return Target(resource, self.namespace, name, self.parts[2] if len(self.parts) > 2 else None)


def parse(path: str) -> ApiPath | None:
    """Split ``path`` into its parts. Returns None if it is not a resource path."""
    parts = path.strip("/").split("/")
    if parts[0] == "api" and len(parts) > 2:
        group, version, rest = "", parts[1], parts[2:]
    elif parts[0] == "apis" and len(parts) > 3:
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return None
    namespace = None
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in _OF_NAMESPACES_THEMSELVES:
        namespace, rest = rest[1], rest[2:]
    return ApiPath(group, version, namespace, tuple(rest))
