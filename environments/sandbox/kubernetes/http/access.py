"""Who a request comes from, and what that user may do.

Every user with a token may do everything with the cluster's objects, as the administrator's kubeconfig of the real
system may, except the viewer, who reads everything but secrets. The measurements are reserved to the node. Whoever may
do everything may also act as somebody else (``kubectl --as``); a user without a token may then do nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from environments.sandbox.kubernetes.http.target import Target
from environments.sandbox.kubernetes.store.errors import ApiError, bad_request

Object = dict[str, Any]

NODE_USER = "system:node"
VIEWER = "viewer"
_READING = ("get", "list", "watch")
_NOT_FOR_VIEWERS = ("secrets", "pods/exec", "pods/portforward")
_BEARER = "Bearer "
_AS, _AS_USER = "impersonate-", "impersonate-user"


@dataclass(frozen=True)
class User:
    """Whom a request counts for; a user without a token is known only because somebody acts as that user."""

    name: str
    has_token: bool = True

    def may(self, verb: str, plural: str) -> bool:
        """Whether ``verb`` of ``plural`` (``pods``, ``pods/exec``) is allowed."""
        if self.name == VIEWER:
            return verb in _READING and plural not in _NOT_FOR_VIEWERS
        return self.has_token


def authenticated(request: web.Request, tokens: Mapping[str, str]) -> User:
    """The user of the bearer token, or the one that user acts as; 401 without a known token."""
    header = request.headers.get("Authorization", "")
    name = tokens.get(header.removeprefix(_BEARER)) if header.startswith(_BEARER) else None
    if name is None:
        raise ApiError(401, "Unauthorized", "Unauthorized")
    unknown = [each for each in request.headers if each.lower().startswith(_AS) and each.lower() != _AS_USER]
    if unknown:
        raise bad_request(f"the sandbox does not know the header {unknown[0]}")
    other = request.headers.get(_AS_USER)
    if other is None:
        return User(name)
    if not User(name).may("impersonate", "users"):
        message = f'User "{name}" cannot impersonate resource "users" in API group "" at the cluster scope'
        raise ApiError(403, "Forbidden", f'users "{other}" is forbidden: {message}', {"name": other, "kind": "users"})
    return User(other, other in tokens.values())


def only_node(user: User, path: str) -> None:
    if user.name != NODE_USER:
        raise ApiError(403, "Forbidden", f'forbidden: User "{user.name}" cannot post path "{path}"', {})


def authorize(user: User, method: str, watch: bool, target: Target) -> None:
    """403 for what this user may not do, in the words of the real server."""
    verb = _verb(method, watch, target.name)
    resource, name = target.resource, target.name
    plural = f"{resource.plural}/{target.subresource}" if target.subresource else resource.plural
    if user.may(verb, plural):
        return
    where = f'in the namespace "{target.namespace}"' if target.namespace else "at the cluster scope"
    what = f'{resource.qualified} "{name}"' if name else resource.qualified
    message = f'User "{user.name}" cannot {verb} resource "{plural}" in API group "{resource.group}" {where}'
    raise ApiError(403, "Forbidden", f"{what} is forbidden: {message}", {"name": name or "", "kind": resource.plural})


def _verb(method: str, watch: bool, name: str | None) -> str:
    if method == "GET":
        return "watch" if watch else "get" if name else "list"
    if method == "DELETE":
        return "delete" if name else "deletecollection"
    return {"POST": "create", "PUT": "update", "PATCH": "patch"}.get(method, method.lower())


def _may(user: User, spec: Mapping[str, Any]) -> bool:
    wanted = spec.get("resourceAttributes")
    if isinstance(wanted, dict):
        subresource = f"/{wanted['subresource']}" if wanted.get("subresource") else ""
        return user.may(str(wanted.get("verb")), f"{wanted.get('resource')}{subresource}")
    attributes = spec.get("nonResourceAttributes")
    return attributes is None or not str(attributes.get("path", "")).startswith("/sandbox/") or user.name == NODE_USER


def _why_not(user: User) -> str:
    if user.name == VIEWER:
        return "the viewer only reads"
    return "only the node may do this" if user.has_token else f"nobody has given rights to {user.name}"


def _rules(user: User) -> list[Object]:
    if user.name != VIEWER and not user.has_token:
        return []
    return [{"verbs": list(_READING) if user.name == VIEWER else ["*"], "apiGroups": ["*"], "resources": ["*"]}]


def review(kind: str, user: User, body: Any) -> Object:
    """The answer to a SelfSubject*Review."""
    if not isinstance(body, dict) or not isinstance(body.get("spec", {}), dict):
        raise bad_request(f"the body of the request must be a {kind}")
    spec = body.get("spec", {})
    if kind == "SelfSubjectAccessReview":
        allowed = _may(user, spec)
        status: Object = {"allowed": allowed, "reason": "" if allowed else _why_not(user)}
    elif kind == "SelfSubjectRulesReview":
        urls = ["/api*", "/healthz", "/livez", "/openapi/*", "/readyz", "/version/"]
        everywhere = {"verbs": ["get"], "nonResourceURLs": urls}
        status = {"resourceRules": _rules(user), "nonResourceRules": [everywhere], "incomplete": False}
    else:
        status = {"userInfo": {"username": user.name, "groups": ["system:authenticated"]}}
    group = "authentication.k8s.io" if kind == "SelfSubjectReview" else "authorization.k8s.io"
    return {"kind": kind, "apiVersion": f"{group}/v1", "metadata": {}, "spec": spec, "status": status}
