"""Service accounts may do only what their roles permit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import requests

from environments.sandbox.kubernetes.http.audit import FILE, AuditLog
from environments.sandbox.kubernetes.http.roles import Asked
from tests.sandbox.kubernetes_api.kubectl_runs import Kubectl, needs_kubectl, succeeds
from tests.sandbox.kubernetes_api.serving import ServedApi, job, pod

RBAC = "/apis/rbac.authorization.k8s.io/v1"
ACCOUNT = "system:serviceaccount:panda:tester"
SUBJECT = {"kind": "ServiceAccount", "name": "tester", "namespace": "panda"}
PODS = "/api/v1/namespaces/panda/pods"


def rule(verbs: str, resources: str, group: str = "", **more: Any) -> dict[str, Any]:
    return {"apiGroups": [group], "resources": resources.split(), "verbs": verbs.split(), **more}


class Site:
    """Grants rights to the account ``tester``, and sends requests as that account."""

    def __init__(self, api: ServedApi, http: requests.Session) -> None:
        self._api, self._http = api, http
        self.post("/api/v1/namespaces/panda/serviceaccounts", metadata={"name": "tester"})
        body = {"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "spec": {}}
        issued = http.post(f"{api.url}/api/v1/namespaces/panda/serviceaccounts/tester/token", json=body)
        assert issued.status_code == 201
        self.token = issued.json()["status"]["token"]

    def post(self, path: str, **body: Any) -> requests.Response:
        answer = self._http.post(self._api.url + path, json=body)
        assert answer.status_code == 201, answer.text
        return answer

    def grant(self, *rules: dict[str, Any], namespace: str | None = "panda", subject: Any = SUBJECT) -> None:
        """Grant rules with a role of a namespace, or of the cluster."""
        where, kind = (f"/namespaces/{namespace}/", "Role") if namespace else ("/cluster", "ClusterRole")
        self.post(f"{RBAC}{where}roles", metadata={"name": "r"}, rules=list(rules))
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": "r"}
        self.post(f"{RBAC}{where}rolebindings", metadata={"name": "b"}, roleRef=reference, subjects=[subject])

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:
        return self._http.request(
            method, self._api.url + path, headers={"Authorization": f"Bearer {self.token}"}, **more
        )


@pytest.fixture
def site(api: ServedApi, http: requests.Session) -> Site:
    return Site(api, http)


def test_who_has_no_role_may_nothing(site: Site) -> None:
    refused = site.ask("GET", PODS)
    assert refused.status_code == 403
    assert refused.json()["message"] == (
        f'pods is forbidden: User "{ACCOUNT}" cannot list resource "pods" in API group "" in the namespace "panda"'
    )
    assert site.ask("GET", "/version").status_code == 200  # as system:public-info-viewer permits to everyone


@pytest.mark.parametrize(
    ("given", "method", "path", "message"),
    [
        ("get watch", "GET", PODS, 'pods is forbidden: User "{}" cannot list resource "pods" in API group "" in'),
        ("list get", "GET", f"{PODS}?watch=true", 'pods is forbidden: User "{}" cannot watch resource "pods"'),
        ("list", "GET", f"{PODS}/p", 'pods "p" is forbidden: User "{}" cannot get resource "pods"'),
        ("get", "GET", f"{PODS}/p/log", 'pods "p" is forbidden: User "{}" cannot get resource "pods/log" in API'),
        ("get", "DELETE", f"{PODS}/p", 'pods "p" is forbidden: User "{}" cannot delete resource "pods"'),
        ("delete", "DELETE", PODS, 'pods is forbidden: User "{}" cannot deletecollection resource "pods"'),
        ("list", "GET", "/api/v1/pods",
         'pods is forbidden: User "{}" cannot list resource "pods" in API group "" at the cluster scope'),
        ("list", "GET", "/api/v1/namespaces/default/pods",
         'cannot list resource "pods" in API group "" in the namespace "default"'),
        ("get", "PATCH", "/apis/apps/v1/namespaces/panda/deployments/d/scale",
         'deployments.apps "d" is forbidden: User "{}" cannot patch resource "deployments/scale" in API group "apps"'),
        ("get", "GET", "/apis/metrics.k8s.io/v1beta1/namespaces/panda/pods",
         'pods.metrics.k8s.io is forbidden: User "{}" cannot list resource "pods" in API group "metrics.k8s.io"'),
        ("get", "GET", "/api/v1/namespaces/panda",
         'namespaces "panda" is forbidden: User "{}" cannot get resource "namespaces" in API group "" in the'),
    ],
)  # fmt: skip
def test_another_verb_resource_or_place_is_refused(
    site: Site, given: str, method: str, path: str, message: str
) -> None:
    site.grant(rule(given, "pods"))
    refused = site.ask(method, path, json={} if method == "PATCH" else None)
    assert refused.status_code == 403, refused.text
    assert message.format(ACCOUNT) in refused.json()["message"]
    assert refused.json()["reason"] == "Forbidden"


@pytest.mark.parametrize(
    ("granted", "namespace", "method", "path"),
    [
        (rule("list", "pods"), "panda", "GET", PODS),
        (rule("list", "pods"), None, "GET", PODS),
        (rule("list", "pods"), None, "GET", "/api/v1/pods"),
        (rule("*", "*", "*"), "panda", "GET", "/apis/batch/v1/namespaces/panda/jobs"),
        (rule("get", "namespaces"), "panda", "GET", "/api/v1/namespaces/panda"),
        (rule("list", "pods", "metrics.k8s.io"), "panda", "GET", "/apis/metrics.k8s.io/v1beta1/namespaces/panda/pods"),
    ],
)
def test_what_a_role_gives_is_permitted(
    site: Site, granted: dict[str, Any], namespace: str | None, method: str, path: str
) -> None:
    site.grant(granted, namespace=namespace)
    assert site.ask(method, path).status_code == 200


def test_names_and_subresources_are_those_of_the_rule(api: ServedApi, site: Site) -> None:
    for name in ("mine", "other"):
        api.call(api.store.create, "jobs", job(name), "panda")
    site.grant(rule("get", "jobs", "batch", resourceNames=["mine"]), rule("get", "*/scale", "apps"))
    jobs = "/apis/batch/v1/namespaces/panda/jobs"
    assert [site.ask("GET", f"{jobs}/{name}").status_code for name in ("mine", "other")] == [200, 403]
    deployment = "/apis/apps/v1/namespaces/panda/deployments/d"
    assert [site.ask("GET", path).status_code for path in (f"{deployment}/scale", deployment)] == [404, 403]


@pytest.mark.parametrize(
    "subject",
    [{"kind": "User", "name": ACCOUNT}, *({"kind": "Group", "name": name} for name in (
        "system:authenticated", "system:serviceaccounts", "system:serviceaccounts:panda"))],
)  # fmt: skip
def test_a_binding_names_users_and_groups_too(site: Site, subject: dict[str, str]) -> None:
    site.grant(rule("list", "pods"), subject=subject)
    assert site.ask("GET", PODS).status_code == 200


@pytest.mark.parametrize(
    "subject", [{**SUBJECT, "namespace": "default"}, {**SUBJECT, "name": "teste"}, {"kind": "Group", "name": ACCOUNT}]
)
def test_a_binding_for_somebody_else_gives_nothing(site: Site, subject: dict[str, str]) -> None:
    site.grant(rule("list", "pods"), subject=subject)
    assert site.ask("GET", PODS).status_code == 403


def test_a_token_ends_with_its_account(site: Site, http: requests.Session, api: ServedApi) -> None:
    site.grant(rule("list", "pods"))
    account = f"{api.url}/api/v1/namespaces/panda/serviceaccounts/tester"
    assert http.delete(account).status_code == 200
    assert site.ask("GET", PODS).status_code == 401
    site.post("/api/v1/namespaces/panda/serviceaccounts", metadata={"name": "tester"})
    assert site.ask("GET", PODS).status_code == 401  # another account of the same name
    assert http.post(f"{account}-x/token", json={}).status_code == 404


def test_a_role_without_verbs_is_refused(site: Site, http: requests.Session, api: ServedApi) -> None:
    body = {"metadata": {"name": "r"}, "rules": [{"resources": ["pods"]}]}
    refused = http.post(f"{api.url}{RBAC}/namespaces/panda/roles", json=body)
    assert refused.status_code == 422
    assert refused.json()["message"] == (
        'Role.rbac.authorization.k8s.io "r" is invalid: [rules[0].verbs: Required value: verbs must contain at least '
        "one value, rules[0].apiGroups: Required value: resource rules must supply at least one api group]"
    )


@needs_kubectl
def test_kubectl_makes_roles_and_asks_what_they_give(api: ServedApi, kubectl: Kubectl) -> None:
    succeeds(kubectl, "create", "serviceaccount", "tester")
    succeeds(kubectl, "create", "role", "r", "--verb=get,list", "--resource=pods")
    succeeds(kubectl, "create", "rolebinding", "b", "--role=r", "--serviceaccount=panda:tester")
    assert api.call(api.store.get, "roles", "r", "panda")["rules"] == [rule("get list", "pods")]
    (subject,) = api.call(api.store.get, "rolebindings", "b", "panda")["subjects"]
    assert subject == SUBJECT
    succeeds(kubectl, "create", "clusterrole", "c", "--verb=list", "--resource=nodes", "--resource-name=n")
    succeeds(kubectl, "create", "clusterrolebinding", "d", "--clusterrole=c", "--group=system:authenticated")
    assert "c" in succeeds(kubectl, "get", "clusterroles")
    assert succeeds(kubectl, "get", "rolebindings").split()[:5] == ["NAME", "ROLE", "AGE", "b", "Role/r"]
    as_tester = ("--as", ACCOUNT)
    assert succeeds(kubectl, "auth", "can-i", "list", "pods", *as_tester) == "yes\n"
    assert kubectl("auth", "can-i", "delete", "pods", *as_tester).stdout == "no\n"
    listed = succeeds(kubectl, "auth", "can-i", "--list", *as_tester)
    assert any(line.split()[0] == "pods" and "[get list]" in line for line in listed.splitlines())
    token = succeeds(kubectl, "create", "token", "tester").strip()
    api.call(api.store.create, "pods", pod("p"), "panda")
    assert "pod/p" in succeeds(kubectl, "get", "pods", "-o", "name", "--token", token)
    refused = kubectl("delete", "pod", "p", "--token", token)
    assert f'User "{ACCOUNT}" cannot delete resource "pods"' in refused.stderr


def test_the_audit_log_tells_a_kind_of_request_once_in_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr("time.time", lambda: now[0])
    log = AuditLog(tmp_path / FILE)
    logs = Asked("get", "", "pods/log", "panda", "p")
    for passed_s in (0, 0.5, 0.6):
        now[0] += passed_s
        log.note("focus-acceptance", logs, "/api/v1/namespaces/panda/pods/p/log", True)
    log.note("focus-acceptance", Asked("delete", "batch", "jobs", "panda", "j"), "/apis/batch/v1", False)
    events = [json.loads(line) for line in (tmp_path / FILE).read_text().splitlines()]
    assert [event["verb"] for event in events] == ["get", "get", "delete"]
    assert events[0]["objectRef"] == {"resource": "pods", "namespace": "panda", "name": "p", "subresource": "log"}
    assert events[2]["annotations"] == {"authorization.k8s.io/decision": "forbid"}
    assert events[0]["requestReceivedTimestamp"] == "1970-01-01T00:16:40.000000+00:00"
