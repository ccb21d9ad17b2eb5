"""Refusals of the API server, with the code and the words of the real one."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests

from tests.sandbox.kubernetes_api.serving import ServedApi, deployment, job, pod, service

CORE, BATCH, APPS = "/api/v1/namespaces/panda", "/apis/batch/v1/namespaces/panda", "/apis/apps/v1/namespaces/panda"
PODS, SERVICES, JOBS, DEPLOYMENTS = f"{CORE}/pods", f"{CORE}/services", f"{BATCH}/jobs", f"{APPS}/deployments"
Object = dict[str, Any]


def problem(answer: requests.Response) -> tuple[int, str, str]:
    body = answer.json()
    return answer.status_code, body["reason"], body["message"]


def with_resources(obj: Object, **resources: Object) -> Object:
    spec = obj["spec"] if obj["kind"] == "Pod" else obj["spec"]["template"]["spec"]
    spec["containers"][0]["resources"] = resources
    return obj


@pytest.mark.parametrize(
    ("path", "make", "at"), [(PODS, pod, "spec"), (JOBS, job, "spec.template.spec")], ids=["pod", "job"]
)
@pytest.mark.parametrize(
    ("requests_", "limits", "why"),
    [
        ({"nvidia.com/gpu.shared": "1"}, {"nvidia.com/gpu.shared": "2"},
         'requests: Invalid value: "1": must be equal to nvidia.com/gpu.shared limit of 2'),
        ({"nvidia.com/gpu.shared": "1"}, {},
         "limits: Required value: Limit must be set for non overcommitable resources"),
        ({"cpu": "2"}, {"cpu": "1"}, 'requests: Invalid value: "2": must be less than or equal to cpu limit of 1'),
    ],
)  # fmt: skip
def test_a_request_that_does_not_fit_its_limit(
    api: ServedApi, http: requests.Session, path: str, make: Callable[[str], Object], at: str, requests_: Object,
    limits: Object, why: str,
) -> None:  # fmt: skip
    code, reason, said = problem(
        http.post(api.url + path, json=with_resources(make("x"), requests=requests_, limits=limits))
    )
    assert (code, reason) == (422, "Invalid")
    assert f"{at}.containers[0].resources.{why}" in said


def test_a_number_is_said_as_it_was_sent(api: ServedApi, http: requests.Session) -> None:
    """Some readers of JSON turn an integer beyond 64 bits into the nearest number with a point (orjson 3.13)."""
    huge = job("x")
    huge["spec"]["parallelism"] = 2**64
    code, _, said = problem(http.post(api.url + JOBS, json=huge))
    assert code == 400
    assert f"number {2**64} into Go struct field Job.spec.parallelism of type int32" in said


def test_a_request_that_fits_its_limit_is_taken(api: ServedApi, http: requests.Session) -> None:
    gpu = {"nvidia.com/gpu.shared": "1"}
    fits = with_resources(pod("x"), requests={**gpu, "cpu": "500m"}, limits={**gpu, "cpu": "1"})
    assert http.post(api.url + PODS, json=fits).status_code == 201


def test_a_bad_selector_or_label_anywhere(api: ServedApi, http: requests.Session) -> None:
    bad_service, bad_pod, bad_job, bad_deployment = service("s"), pod("p"), job("j"), deployment("d")
    bad_service["spec"]["selector"] = {"app": "not a label!"}
    bad_pod["spec"]["nodeSelector"] = {"zone": "not a label!"}
    bad_job["spec"]["template"]["metadata"]["labels"] = {"app": "not a label!"}
    bad_deployment["spec"]["selector"]["matchLabels"] = {"app": "not a label!"}
    for path, obj, field in (
        (SERVICES, bad_service, "spec.selector"),
        (PODS, bad_pod, "spec.nodeSelector"),
        (JOBS, bad_job, "spec.template.labels"),
        (DEPLOYMENTS, bad_deployment, "spec.selector.matchLabels"),
    ):
        code, _, said = problem(http.post(api.url + path, json=obj))
        assert code == 422
        assert f'{field}: Invalid value: "not a label!": a valid label must be an empty string or consist of' in said


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ({"operator": "In", "values": ["a"]}, 'key: Invalid value: "": name part must consist of'),
        ({"key": "app", "operator": "Near", "values": ["a"]}, 'operator: Invalid value: "Near": not a valid selector'),
        ({"key": "app"}, 'operator: Invalid value: "": not a valid selector operator'),
        ({"key": "app", "operator": "In"}, "values: Invalid value: must be specified when"),
        ({"key": "app", "operator": "Exists", "values": ["a"]}, "values: Invalid value: may not be specified when"),
    ],
)
def test_a_selector_that_cannot_be_evaluated(
    api: ServedApi, http: requests.Session, expression: Object, why: str
) -> None:
    workload = deployment("d")
    workload["spec"]["selector"]["matchExpressions"] = [expression]
    policy = {"metadata": {"name": "n"}, "spec": {"podSelector": {"matchExpressions": [expression]}}}
    policies = f"{api.url}/apis/networking.k8s.io/v1/namespaces/panda/networkpolicies"
    for url, obj, at in ((api.url + DEPLOYMENTS, workload, "spec.selector"), (policies, policy, "spec.podSelector")):
        code, _, said = problem(http.post(url, json=obj))
        assert code == 422
        assert f"{at}.matchExpressions[0].{why}" in said


@pytest.mark.parametrize("media_type", ["text/plain", "application/yaml", "application/x-www-form-urlencoded"])
def test_a_body_that_does_not_say_it_is_json(api: ServedApi, http: requests.Session, media_type: str) -> None:
    http.post(api.url + PODS, json=pod("p"))
    headers, body = {"Content-Type": media_type}, json.dumps(pod("q"))
    for answer in (
        http.post(api.url + PODS, data=body, headers=headers),
        http.put(f"{api.url}{PODS}/p", data=body, headers=headers),
        http.delete(f"{api.url}{PODS}/p", data="{}", headers=headers),
    ):
        code, reason, said = problem(answer)
        assert (code, reason) == (415, "UnsupportedMediaType")
        assert said.startswith("the body of the request was in an unknown format - accepted media types include: ")
    assert [each["metadata"]["name"] for each in http.get(api.url + PODS).json()["items"]] == ["p"]


@pytest.mark.parametrize(
    ("method", "parameter", "kind", "allowed"),
    [
        ("POST", "dryRun", "CreateOptions", '"All"'),
        ("PUT", "dryRun", "UpdateOptions", '"All"'),
        ("PATCH", "dryRun", "PatchOptions", '"All"'),
        ("DELETE", "dryRun", "DeleteOptions", '"All"'),
        ("DELETE", "propagationPolicy", "DeleteOptions", '"Background", "Foreground", "Orphan", "nil"'),
        ("POST", "fieldValidation", "CreateOptions", '"", "Ignore", "Warn", "Strict"'),
    ],
)
def test_nonsense_in_a_parameter(
    api: ServedApi, http: requests.Session, method: str, parameter: str, kind: str, allowed: str
) -> None:
    if method != "POST":
        http.post(api.url + PODS, json=pod("p"))
    headers = {"Content-Type": "application/merge-patch+json" if method == "PATCH" else "application/json"}
    url = api.url + PODS + ("" if method == "POST" else "/p")
    body = None if method == "DELETE" else json.dumps(pod("p"))
    answer = http.request(method, url, params={parameter: "nonsense"}, data=body, headers=headers)
    assert problem(answer) == (
        422, "Invalid",
        f'{kind}.meta.k8s.io "" is invalid: {parameter}: Unsupported value: "nonsense": supported values: {allowed}',
    )  # fmt: skip


def test_what_is_nested_without_end_and_what_is_compressed_and_is_not(api: ServedApi, http: requests.Session) -> None:
    json_type = {"Content-Type": "application/json"}
    for body, headers in (
        ("[" * 100_000, json_type),
        (json.dumps(pod("p")), {**json_type, "Content-Encoding": "gzip"}),
    ):
        answer = http.post(api.url + PODS, data=body, headers=headers)
        assert (answer.status_code, answer.json()["reason"]) == (400, "BadRequest")
