"""Reviews of a user's own rights and identity: the SelfSubject*Review kinds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from environments.sandbox.kubernetes.http.access import NODE_USER, READING, VIEWER, Access, User
from environments.sandbox.kubernetes.http.roles import Asked
from environments.sandbox.kubernetes.store.errors import bad_request

Object = dict[str, Any]


def review(kind: str, user: User, access: Access, body: Any) -> Object:
    """Return the answer to a SelfSubject*Review."""
    if not isinstance(body, dict) or not isinstance(body.get("spec", {}), dict):
        raise bad_request(f"the body of the request must be a {kind}")
    spec = body.get("spec", {})
    if kind == "SelfSubjectAccessReview":
        allowed = _may(user, access, spec)
        status: Object = {"allowed": allowed, "reason": "" if allowed else _why_not(user)}
    elif kind == "SelfSubjectRulesReview":
        urls = ["/api*", "/healthz", "/livez", "/openapi/*", "/readyz", "/version/"]
        everywhere = {"verbs": ["get"], "nonResourceURLs": urls}
        rules = _rules(user, access, spec.get("namespace"))
        status = {"resourceRules": rules, "nonResourceRules": [everywhere], "incomplete": False}
    else:
        status = {"userInfo": {"username": user.name, "groups": ["system:authenticated"]}}
    group = "authentication.k8s.io" if kind == "SelfSubjectReview" else "authorization.k8s.io"
    return {"kind": kind, "apiVersion": f"{group}/v1", "metadata": {}, "spec": spec, "status": status}


def _may(user: User, access: Access, spec: Mapping[str, Any]) -> bool:
    wanted = spec.get("resourceAttributes")
    if isinstance(wanted, dict):
        subresource = f"/{wanted['subresource']}" if wanted.get("subresource") else ""
        asked = Asked(
            str(wanted.get("verb")),
            str(wanted.get("group") or ""),
            f"{wanted.get('resource')}{subresource}",
            wanted.get("namespace"),
            str(wanted.get("name") or ""),
        )
        return access.may(user, asked)
    attributes = spec.get("nonResourceAttributes")
    return attributes is None or not str(attributes.get("path", "")).startswith("/sandbox/") or user.name == NODE_USER


def _why_not(user: User) -> str:
    if user.name == VIEWER:
        return "the viewer only reads"
    return "only the node may do this" if user.is_given else ""  # denied by roles: no reason, as in the real server


def _rules(user: User, access: Access, namespace: str | None) -> list[Object]:
    if not user.is_given:
        return list(access.roles.rules(user.name, namespace))
    return [{"verbs": list(READING) if user.name == VIEWER else ["*"], "apiGroups": ["*"], "resources": ["*"]}]
