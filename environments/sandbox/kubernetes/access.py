"""Who a request comes from, and what that user may do.

Every user with a token may do everything with the cluster's objects, as the administrator's kubeconfig of the real
system may, except the viewer, who reads everything but secrets. The measurements are reserved to the node.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from environments.sandbox.kubernetes.errors import ApiError, bad_request
from environments.sandbox.kubernetes.target import Target

Object = dict[str, Any]

NODE_USER = "system:node"
VIEWER = "viewer"
_READING = ("get", "list", "watch")
_NOT_FOR_VIEWERS = ("secrets", "pods/exec", "pods/portforward")
_BEARER = "Bearer "


def authenticated(request: web.Request, tokens: Mapping[str, str]) -> str:
    """The user of the bearer token; 401 without a known one."""
    header = request.headers.get("Authorization", "")
    user = tokens.get(header.removeprefix(_BEARER)) if header.startswith(_BEARER) else None
    if user is None:
        raise ApiError(401, "Unauthorized", "Unauthorized")
    return user


def only_node(user: str, path: str) -> None:
    if user != NODE_USER:
        raise ApiError(403, "Forbidden", f'forbidden: User "{user}" cannot post path "{path}"', {})


def authorize(user: str, method: str, watch: bool, target: Target) -> None:
    """403 for what this user may not do, in the words of the real server."""
    verb = _verb(method, watch, target.name)
    resource, name = target.resource, target.name
    plural = f"{resource.plural}/{target.subresource}" if target.subresource else resource.plural
    if user != VIEWER or (verb in _READING and plural not in _NOT_FOR_VIEWERS):
        return
    where = f'in the namespace "{target.namespace}"' if target.namespace else "at the cluster scope"
    what = f'{resource.qualified} "{name}"' if name else resource.qualified
    message = f'User "{user}" cannot {verb} resource "{plural}" in API group "{resource.group}" {where}'
    raise ApiError(403, "Forbidden", f"{what} is forbidden: {message}", {"name": name or "", "kind": resource.plural})


def _verb(method: str, watch: bool, name: str | None) -> str:
    if method == "GET":
        return "watch" if watch else "get" if name else "list"
    if method == "DELETE":
        return "delete" if name else "deletecollection"
    return {"POST": "create", "PUT": "update", "PATCH": "patch"}.get(method, method.lower())


def _may(user: str, spec: Mapping[str, Any]) -> bool:
    wanted = spec.get("resourceAttributes")
    if user == VIEWER and isinstance(wanted, dict):
        subresource = f"/{wanted['subresource']}" if wanted.get("subresource") else ""
        return wanted.get("verb") in _READING and f"{wanted.get('resource')}{subresource}" not in _NOT_FOR_VIEWERS
    attributes = spec.get("nonResourceAttributes")
    return attributes is None or not str(attributes.get("path", "")).startswith("/sandbox/") or user == NODE_USER


def _why_not(user: str) -> str:
    return "the viewer only reads" if user == VIEWER else "only the node may do this"


def review(kind: str, user: str, body: Any) -> Object:
    """The answer to a SelfSubject*Review."""
    if not isinstance(body, dict) or not isinstance(body.get("spec", {}), dict):
        raise bad_request(f"the body of the request must be a {kind}")
    spec = body.get("spec", {})
    if kind == "SelfSubjectAccessReview":
        allowed = _may(user, spec)
        status: Object = {"allowed": allowed, "reason": "" if allowed else _why_not(user)}
    elif kind == "SelfSubjectRulesReview":
        verbs = list(_READING) if user == VIEWER else ["*"]
        everything = {"verbs": verbs, "apiGroups": ["*"], "resources": ["*"]}
        urls = ["/api*", "/healthz", "/livez", "/openapi/*", "/readyz", "/version/"]
        everywhere = {"verbs": ["get"], "nonResourceURLs": urls}
        status = {"resourceRules": [everything], "nonResourceRules": [everywhere], "incomplete": False}
    else:
        status = {"userInfo": {"username": user, "groups": ["system:authenticated"]}}
    group = "authentication.k8s.io" if kind == "SelfSubjectReview" else "authorization.k8s.io"
    return {"kind": kind, "apiVersion": f"{group}/v1", "metadata": {}, "spec": spec, "status": status}
