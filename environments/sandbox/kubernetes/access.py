"""Who a request comes from, and what that user may do.

Every user with a token may do everything with the cluster's objects, as the administrator's kubeconfig of the real
system may; only the measurements are reserved to the node.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from environments.sandbox.kubernetes.errors import ApiError, bad_request

Object = dict[str, Any]

NODE_USER = "system:node"
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


def _may(user: str, spec: Mapping[str, Any]) -> bool:
    attributes = spec.get("nonResourceAttributes")
    return attributes is None or not str(attributes.get("path", "")).startswith("/sandbox/") or user == NODE_USER


def review(kind: str, user: str, body: Any) -> Object:
    """The answer to a SelfSubject*Review."""
    if not isinstance(body, dict) or not isinstance(body.get("spec", {}), dict):
        raise bad_request(f"the body of the request must be a {kind}")
    spec = body.get("spec", {})
    if kind == "SelfSubjectAccessReview":
        allowed = _may(user, spec)
        status: Object = {"allowed": allowed, "reason": "" if allowed else "only the node may do this"}
    elif kind == "SelfSubjectRulesReview":
        everything = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
        urls = ["/api*", "/healthz", "/livez", "/openapi/*", "/readyz", "/version/"]
        everywhere = {"verbs": ["get"], "nonResourceURLs": urls}
        status = {"resourceRules": [everything], "nonResourceRules": [everywhere], "incomplete": False}
    else:
        status = {"userInfo": {"username": user, "groups": ["system:authenticated"]}}
    group = "authentication.k8s.io" if kind == "SelfSubjectReview" else "authorization.k8s.io"
    return {"kind": kind, "apiVersion": f"{group}/v1", "metadata": {}, "spec": spec, "status": status}
