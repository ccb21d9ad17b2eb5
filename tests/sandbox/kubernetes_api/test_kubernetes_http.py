"""The API server over plain HTTP: behaviour that the two real clients do not show."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from statistics import median
from typing import Any

import pytest
import requests

from tests.sandbox.kubernetes_api.serving import ServedApi, deployment, job, owned_by, pod, service

JOBS = "/apis/batch/v1/namespaces/panda/jobs"
PODS = "/api/v1/namespaces/panda/pods"
SERVICES = "/api/v1/namespaces/panda/services"
MERGE = {"Content-Type": "application/merge-patch+json"}


def _problem(answer: requests.Response) -> tuple[int, str]:
    body = answer.json()
    assert (body["kind"], body["status"], body["code"]) == ("Status", "Failure", answer.status_code)
    return answer.status_code, body["message"]


@pytest.mark.parametrize("token", [None, "wrong"])
def test_without_a_known_token_nothing_is_told(api: ServedApi, http: requests.Session, token: str | None) -> None:
    http.headers["Authorization"] = f"Bearer {token}" if token else ""
    for path in ("/version", "/api", PODS):
        assert _problem(http.get(api.url + path)) == (401, "Unauthorized")


def test_every_group_lists_its_resources(api: ServedApi, http: requests.Session) -> None:
    aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"  # answered in the older form
    answer = http.get(api.url + "/apis", headers={"Accept": f"{aggregated},application/json"})
    assert answer.headers["Content-Type"] == "application/json"
    for group in answer.json()["groups"]:
        listed = http.get(f"{api.url}/apis/{group['preferredVersion']['groupVersion']}")
        assert listed.json()["kind"] == "APIResourceList"
    assert http.get(api.url + "/apis/unknown.io/v1").status_code == 404


@pytest.mark.parametrize("path", ["/version", "/version/", "/healthz", "/livez", "/readyz", "/openapi/v3"])
def test_about_the_server(api: ServedApi, http: requests.Session, path: str) -> None:
    assert http.get(api.url + path).status_code == 200


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"metadata": {}}, 'Job.batch "" is invalid: metadata.name: Required value: name or generateName is required'),
        ({"metadata": {"name": "Bad"}}, 'Job.batch "Bad" is invalid: metadata.name: Invalid value: "Bad": a lowercase'),
        (
            {"spec": {}},
            'Job.batch "j" is invalid: [spec.template.spec.containers: Required value, '
            'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"]',
        ),
    ],
)
def test_invalid_job(api: ServedApi, http: requests.Session, change: dict[str, Any], message: str) -> None:
    answer = http.post(api.url + JOBS, json={**job("j"), **change})
    code, text = _problem(answer)
    assert code == 422
    assert text.startswith(message)
    causes = answer.json()["details"]["causes"]
    assert all(each["field"] and each["reason"].startswith("FieldValue") for each in causes)


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        (PODS, job("j"), 'Job in version "v1" cannot be handled as a Pod'),
        (JOBS, job("j", backoffLimit="none"), "cannot unmarshal string into Go struct field Job.spec.backoffLimit"),
        (JOBS, [], "must be a JSON object"),
        (JOBS, job("j", template={"spec": {"containers": ["c"]}}), "Job.spec.template.spec.containers of type object"),
        (JOBS, {**job("j"), "metadata": {"name": 1}}, "cannot unmarshal number into Go struct field Job.metadata.name"),
        (PODS, {**pod("p"), "spec": "none"}, "cannot unmarshal string into Go struct field Pod.spec of type object"),
    ],
)
def test_not_such_an_object_at_all(api: ServedApi, http: requests.Session, path: str, body: Any, message: str) -> None:
    code, text = _problem(http.post(api.url + path, json=body))
    assert code == 400
    assert message in text


def test_service_name_must_begin_with_a_letter(api: ServedApi, http: requests.Session) -> None:
    code, text = _problem(http.post(api.url + SERVICES, json=service("1-a", 70000)))
    assert code == 422
    assert "a DNS-1035 label must consist of" in text
    assert "spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive" in text


def test_template_of_a_job_cannot_change(api: ServedApi, http: requests.Session) -> None:
    http.post(api.url + JOBS, json=job("j"))
    change = {"spec": {"template": {"metadata": {"labels": {"new": "label"}}}}}
    code, text = _problem(http.patch(f"{api.url}{JOBS}/j", data=json.dumps(change), headers=MERGE))
    assert (code, text) == (422, 'Job.batch "j" is invalid: spec.template: Invalid value: field is immutable')


def test_unknown_paths_methods_and_selectors(api: ServedApi, http: requests.Session) -> None:
    assert http.get(api.url + "/apis/unknown.io/v1/things").text == "404 page not found\n"
    assert _problem(http.get(api.url + "/api/v1/unicorns")) == (404, "the server could not find the requested resource")
    assert _problem(http.post(api.url + "/api/v1/pods", json=pod("p")))[0] == 405
    assert _problem(http.get(api.url + PODS, params={"fieldSelector": "spec.colour=red"})) == (
        400,
        "field label not supported: spec.colour",
    )
    assert _problem(http.get(api.url + PODS, params={"labelSelector": "a in b"}))[0] == 400


def test_strategic_merge_knows_containers_by_name(api: ServedApi, http: requests.Session) -> None:
    api.call(api.store.create, "deployments", deployment("d"), "panda")
    container = {"name": "main", "env": [{"name": "B", "value": "2"}], "image": "registry.sandbox/main:2"}
    change = {"spec": {"template": {"spec": {"containers": [container]}}}}
    headers = {"Content-Type": "application/strategic-merge-patch+json"}
    url = f"{api.url}/apis/apps/v1/namespaces/panda/deployments/d"
    changed = http.patch(url, data=json.dumps(change), headers=headers).json()
    (result,) = changed["spec"]["template"]["spec"]["containers"]
    assert result["image"] == "registry.sandbox/main:2"
    assert [each["name"] for each in result["env"]] == ["A", "B"]
    merged = http.patch(url, data=json.dumps(change), headers=MERGE).json()
    assert [each["name"] for each in merged["spec"]["template"]["spec"]["containers"][0]["env"]] == ["B"]
    assert _problem(http.patch(url, data="{}", headers={"Content-Type": "application/apply-patch+yaml"}))[0] == 415


def test_json_patch(api: ServedApi, http: requests.Session) -> None:
    api.call(api.store.create, "services", service("s"), "panda")
    headers = {"Content-Type": "application/json-patch+json"}
    change = [
        {"op": "test", "path": "/spec/ports/0/port", "value": 5000},
        {"op": "replace", "path": "/spec/ports/0/port", "value": 5001},
        {"op": "add", "path": "/metadata/annotations", "value": {"a/b": "c"}},
        {"op": "copy", "from": "/metadata/annotations/a~1b", "path": "/metadata/annotations/d"},
    ]
    url = f"{api.url}{SERVICES}/s"
    changed = http.patch(url, data=json.dumps(change), headers=headers).json()
    assert changed["spec"]["ports"][0]["port"] == 5001
    assert changed["metadata"]["annotations"] == {"a/b": "c", "d": "c"}
    code, text = _problem(http.patch(url, data=json.dumps(change[:1]), headers=headers))
    assert code == 422
    assert "test failed" in text


def test_delete_collection_and_preconditions(api: ServedApi, http: requests.Session) -> None:
    for name in ("a", "b"):
        parent = api.call(api.store.create, "jobs", job(name), "panda")
        api.call(api.store.create, "pods", owned_by(parent, pod(f"{name}-1")), "panda")
    assert _problem(http.delete(f"{api.url}{JOBS}/a", json={"preconditions": {"uid": "other"}}))[0] == 409
    query = {"labelSelector": "app=a", "propagationPolicy": "Background"}
    assert http.delete(api.url + JOBS, params=query).status_code == 200
    left = [each["metadata"]["name"] for each in http.get(api.url + PODS).json()["items"]]
    assert left == ["b-1"]


def test_raw_deletion_of_a_job_warns_that_its_pods_stay(api: ServedApi, http: requests.Session) -> None:
    for policy, warned in ((None, True), ("Orphan", False)):
        http.post(api.url + JOBS, json=job("j"))
        answer = http.delete(f"{api.url}{JOBS}/j", params={"propagationPolicy": policy} if policy else {})
        assert ("child pods are preserved" in answer.headers.get("Warning", "")) == warned


def test_namespace_must_exist_and_agree(api: ServedApi, http: requests.Session) -> None:
    assert _problem(http.post(f"{api.url}/api/v1/namespaces/nowhere/pods", json=pod("p"))) == (
        404,
        'namespaces "nowhere" not found',
    )
    other = pod("p")
    other["metadata"]["namespace"] = "default"
    assert _problem(http.post(api.url + PODS, json=other))[0] == 400


def test_cluster_addresses_differ(api: ServedApi, http: requests.Session) -> None:
    services = [http.post(api.url + SERVICES, json=service(f"s{number}")).json() for number in range(50)]
    assert len({each["spec"]["clusterIP"] for each in services}) == 50


def test_secret_text_is_encoded(api: ServedApi, http: requests.Session) -> None:
    secret = {"metadata": {"name": "s"}, "stringData": {"word": "open"}}
    created = http.post(f"{api.url}/api/v1/namespaces/panda/secrets", json=secret).json()
    assert created["data"] == {"word": "b3Blbg=="}
    assert "stringData" not in created


def _paths(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of each place in a JSON value."""
    if at:
        yield at
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield from _paths(each, (*at, key))


def _with(value: Any, at: tuple[Any, ...], new: Any) -> Any:
    """A copy of ``value`` with the value at one path replaced."""
    if not at:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[at[0]] = _with(copy[at[0]], at[1:], new)
    return copy


@pytest.mark.parametrize(("path", "body"), [(JOBS, job("j")), (PODS, pod("j", "n")), (SERVICES, service("j"))])
def test_nonsense_anywhere_is_refused_or_taken_but_breaks_nothing(
    api: ServedApi, http: requests.Session, path: str, body: dict[str, Any]
) -> None:
    for at in _paths(body):
        for nonsense in (None, 1, "x", [], ["x"], [{}], {}, {"a": 1}):
            answer = http.post(api.url + path, json=_with(body, at, nonsense))
            assert answer.status_code in (201, 400, 404, 422), (at, nonsense, answer.text)
            listed = http.get(api.url + path, headers={"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"})
            assert listed.status_code == 200, (at, nonsense)
            assert http.delete(api.url + path, params={"gracePeriodSeconds": 0}).status_code == 200


def test_a_full_house_is_quick(api: ServedApi, http: requests.Session) -> None:
    """Creates 200 investigations (800 objects) and lists them.

    The last ones may take only a few times as long as the first, on any machine. Work that grows with the number of
    objects would take ten times as long for the last tenth.
    """
    taken_s = []
    for number in range(200):
        started_s = time.monotonic()
        for kind in ("grpc-job", "cleanup-job"):
            assert http.post(api.url + JOBS, json=job(f"{kind}-{number}-{number}")).status_code == 201
        answer = http.post(api.url + SERVICES, json=service(f"grpc-service-{number}-{number}"))
        assert answer.status_code == 201
        taken_s.append(time.monotonic() - started_s)
    assert len(http.get(api.url + JOBS).json()["items"]) == 400
    assert median(taken_s[-40:]) < 4 * median(taken_s[:40]) + 0.01
