"""Discovery documents of the API server: versions, groups, resources, and the part of OpenAPI that kubectl needs."""

from __future__ import annotations

from typing import Any

from environments.sandbox.kubernetes.store.resources import ALL_VERBS, GROUPS, RESOURCES, Resource

Object = dict[str, Any]

METRICS_GROUP, METRICS_VERSION = "metrics.k8s.io", "v1beta1"
AUTHORIZATION_GROUP, AUTHENTICATION_GROUP = "authorization.k8s.io", "authentication.k8s.io"

_VIRTUAL = (
    Resource(METRICS_GROUP, METRICS_VERSION, "nodes", "NodeMetrics", False, ""),
    Resource(METRICS_GROUP, METRICS_VERSION, "pods", "PodMetrics", True, ""),
    Resource(AUTHORIZATION_GROUP, "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", False, ""),
    Resource(AUTHORIZATION_GROUP, "v1", "selfsubjectrulesreviews", "SelfSubjectRulesReview", False, ""),
    Resource(AUTHENTICATION_GROUP, "v1", "selfsubjectreviews", "SelfSubjectReview", False, ""),
)
VIRTUAL_GROUPS = (METRICS_GROUP, AUTHORIZATION_GROUP, AUTHENTICATION_GROUP)
_VIRTUAL_VERBS = {METRICS_GROUP: ("get", "list"), AUTHORIZATION_GROUP: ("create",), AUTHENTICATION_GROUP: ("create",)}
_SUBRESOURCE_VERBS = {
    "log": ("get",), "status": ("get", "patch", "update"), "scale": ("get", "patch", "update"),
    "exec": ("create", "get"), "portforward": ("create", "get"), "token": ("create",),
}  # fmt: skip
_STREAM_KINDS = {"exec": "PodExecOptions", "portforward": "PodPortForwardOptions"}
_SUBRESOURCE_KINDS = {
    "scale": {"group": "autoscaling", "version": "v1", "kind": "Scale"},
    "token": {"group": AUTHENTICATION_GROUP, "version": "v1", "kind": "TokenRequest"},
}

GROUP_VERSIONS: dict[str, str] = {
    **GROUPS, METRICS_GROUP: METRICS_VERSION, AUTHORIZATION_GROUP: "v1", AUTHENTICATION_GROUP: "v1",
}  # fmt: skip


def _served(group: str) -> list[Resource]:
    return [each for each in (*RESOURCES.values(), *_VIRTUAL) if each.group == group]


def _verbs(resource: Resource) -> list[str]:
    return list(_VIRTUAL_VERBS.get(resource.group, ALL_VERBS))


def _kind(resource: Resource, subresource: str = "") -> Object:
    if subresource in _SUBRESOURCE_KINDS:
        return dict(_SUBRESOURCE_KINDS[subresource])
    if subresource in _STREAM_KINDS:
        return {"group": "", "version": "v1", "kind": _STREAM_KINDS[subresource]}
    return {"group": resource.group, "version": resource.version, "kind": resource.kind}


def _core_versions(address: str) -> Object:
    return {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}],
    }


def _group(name: str) -> Object | None:
    """Return the APIGroup object, None for an unknown group."""
    version = GROUP_VERSIONS.get(name)
    if version is None:
        return None
    entry = {"groupVersion": f"{name}/{version}", "version": version}
    return {"kind": "APIGroup", "apiVersion": "v1", "name": name, "versions": [entry], "preferredVersion": entry}


def _group_list() -> Object:
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(name) for name in GROUP_VERSIONS]}


def serves(group_name: str, version: str) -> bool:
    """Whether this group and version is served."""
    return version == "v1" if not group_name else GROUP_VERSIONS.get(group_name) == version


def _resource_list(group_name: str, version: str) -> Object | None:
    """Return the APIResourceList of a group and version, None if it is not served."""
    if not serves(group_name, version):
        return None
    resources: list[Object] = []
    for each in _served(group_name):
        entry: Object = {
            "name": each.plural, "singularName": each.singular, "namespaced": each.namespaced, "kind": each.kind,
            "verbs": _verbs(each),
        }  # fmt: skip
        if each.short_names:
            entry["shortNames"] = list(each.short_names)
        if each.categories:
            entry["categories"] = list(each.categories)
        resources.append(entry)
        for subresource in each.subresources:
            entry = {
                "name": f"{each.plural}/{subresource}", "singularName": "", "namespaced": each.namespaced,
                "verbs": list(_SUBRESOURCE_VERBS[subresource]), "kind": _kind(each, subresource)["kind"],
            }  # fmt: skip
            if own := _SUBRESOURCE_KINDS.get(subresource):
                entry.update(group=own["group"], version=own["version"])
            resources.append(entry)
    group_version = f"{group_name}/{version}" if group_name else version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": resources}


def _group_paths() -> dict[str, tuple[str, str]]:
    paths = {"api/v1": ("", "v1")}
    paths.update({f"apis/{name}/{version}": (name, version) for name, version in GROUP_VERSIONS.items()})
    return paths


def _openapi_index() -> Object:
    return {"paths": {path: {"serverRelativeURL": f"/openapi/v3/{path}"} for path in _group_paths()}}


def _openapi_document(path: str) -> Object | None:
    """Return the OpenAPI 3 document of one group. It declares that the server validates fields and has no schemas."""
    known = _group_paths().get(path)
    if known is None:
        return None
    paths: Object = {}
    for each in _served(known[0]):
        scope = "/namespaces/{namespace}" if each.namespaced else ""
        validation = {"name": "fieldValidation", "in": "query", "schema": {"type": "string", "uniqueItems": True}}
        operation = {
            "parameters": [validation], "responses": {"200": {"description": "OK"}},
            "x-kubernetes-group-version-kind": _kind(each),
        }  # fmt: skip
        paths[f"/{path}{scope}/{each.plural}"] = {"post": {**operation, "x-kubernetes-action": "post"}}
        paths[f"/{path}{scope}/{each.plural}/{{name}}"] = {"patch": {**operation, "x-kubernetes-action": "patch"}}
    return {
        "openapi": "3.0.0", "info": {"title": "Kubernetes", "version": "unversioned"}, "paths": paths,
        "components": {"schemas": {}},
    }  # fmt: skip


def described(path: str, address: str) -> Object | None:
    """Return the discovery document at a path; None for any other path. ``address`` is the server's own address."""
    match path.strip("/").split("/"):
        case ["api"]:
            return _core_versions(address)
        case ["apis"]:
            return _group_list()
        case ["api", version]:
            return _resource_list("", version)
        case ["apis", group]:
            return _group(group)
        case ["apis", group, version]:
            return _resource_list(group, version)
        case ["openapi", "v3"]:
            return _openapi_index()
        case ["openapi", "v3", *rest]:
            return _openapi_document("/".join(rest))
    return None
