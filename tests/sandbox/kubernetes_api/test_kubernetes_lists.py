"""Selectors, pages and watches over plain HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from tests.sandbox.kubernetes_api.serving import ServedApi, pod, running, service

JOBS = "/apis/batch/v1/namespaces/panda/jobs"
PODS = "/api/v1/namespaces/panda/pods"
SERVICES = "/api/v1/namespaces/panda/services"
MERGE = {"Content-Type": "application/merge-patch+json"}


def _problem(answer: requests.Response) -> tuple[int, str]:
    body = answer.json()
    assert (body["kind"], body["status"], body["code"]) == ("Status", "Failure", answer.status_code)
    return answer.status_code, body["message"]


def _watch(http: requests.Session, url: str, **query: Any) -> list[dict[str, Any]]:
    """The events of a watch of one second."""
    with http.get(url, params={"watch": "1", "timeoutSeconds": 1, **query}, stream=True, timeout=60) as answer:
        assert answer.status_code == 200
        return [json.loads(line) for line in answer.iter_lines()]


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("app=a", ["1"]), ("app==a", ["1"]), ("app!=a", ["2", "3"]), ("app in (a, b)", ["1", "2"]),
        ("app notin (a)", ["2", "3"]), ("app", ["1", "2"]), ("!app", ["3"]), ("app,tier=x", ["2"]),
        ("batch.kubernetes.io/job-name=j", []), ("", ["1", "2", "3"]),
    ],
)  # fmt: skip
def test_label_selectors(api: ServedApi, http: requests.Session, selector: str, names: list[str]) -> None:
    for name, labels in (("1", {"app": "a"}), ("2", {"app": "b", "tier": "x"}), ("3", {})):
        api.call(api.store.create, "pods", pod(f"p{name}", **labels), "panda")
    items = http.get(api.url + PODS, params={"labelSelector": selector}).json()["items"]
    assert [each["metadata"]["name"] for each in items] == [f"p{name}" for name in names]


def test_field_selectors(api: ServedApi, http: requests.Session) -> None:
    api.call(api.store.create, "pods", {**pod("a", "worker-node-1"), "status": running()}, "panda")
    api.call(api.store.create, "pods", pod("b"), "panda")
    wanted = {
        "spec.nodeName=worker-node-1": ["a"],
        "spec.nodeName=": ["b"],
        "status.phase!=Running": ["b"],
        "metadata.name=a,status.phase=Pending": [],
        "metadata.namespace=panda": ["a", "b"],
    }
    for selector, names in wanted.items():
        items = http.get(api.url + "/api/v1/pods", params={"fieldSelector": selector}).json()["items"]
        assert [each["metadata"]["name"] for each in items] == names, selector


def test_pages(api: ServedApi, http: requests.Session) -> None:
    for number in range(5):
        api.call(api.store.create, "services", service(f"s{number}"), "panda")
    seen, metadata = [], {}
    while True:
        query = {"limit": 2, "continue": metadata.get("continue", "")}
        page = http.get(api.url + SERVICES, params=query).json()
        seen += [each["metadata"]["name"] for each in page["items"]]
        metadata = page["metadata"]
        if "continue" not in metadata:
            break
        token = metadata["continue"]
    assert seen == [f"s{number}" for number in range(5)]
    api.clear()
    answer = http.get(api.url + SERVICES, params={"limit": 2, "continue": token})
    assert _problem(answer)[0] == 410
    assert _problem(http.get(api.url + SERVICES, params={"continue": "nonsense"}))[0] == 400


def test_watch_follows_objects_in_and_out_of_the_selection(api: ServedApi, http: requests.Session) -> None:
    start = http.get(api.url + PODS).json()["metadata"]["resourceVersion"]
    api.call(api.store.create, "pods", pod("p"), "panda")
    for phase in ("Running", "Running", "Failed"):
        label = {"labels": {"try": str(api.store.revision)}}

        def change(each: dict[str, Any], phase: str = phase, label: dict[str, Any] = label) -> None:
            each["status"]["phase"] = phase
            each["metadata"].update(label)

        api.call(api.store.mutate, "pods", "p", "panda", change)
    seen = _watch(http, api.url + PODS, resourceVersion=start, fieldSelector="status.phase=Running")
    assert [each["type"] for each in seen] == ["ADDED", "MODIFIED", "DELETED"]
    left = seen[-1]["object"]
    assert left["status"]["phase"] == "Running"  # the last state before it left the selection
    assert left["metadata"]["labels"] == seen[-2]["object"]["metadata"]["labels"]
    assert left["metadata"]["resourceVersion"] == http.get(f"{api.url}{PODS}/p").json()["metadata"]["resourceVersion"]


def test_watch_from_too_old_a_revision_is_told_in_the_stream(api: ServedApi, http: requests.Session) -> None:
    (error,) = _watch(http, api.url + PODS, resourceVersion="1")
    assert error["type"] == "ERROR"
    assert (error["object"]["code"], error["object"]["reason"]) == (410, "Expired")


def test_streaming_list_ends_with_a_bookmark(api: ServedApi, http: requests.Session) -> None:
    api.call(api.store.create, "pods", pod("p"), "panda")
    query = {"sendInitialEvents": "true", "allowWatchBookmarks": "true", "resourceVersionMatch": "NotOlderThan"}
    added, bookmark = _watch(http, api.url + PODS, **query)[:2]
    assert (added["type"], bookmark["type"]) == ("ADDED", "BOOKMARK")
    assert bookmark["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert bookmark["object"]["metadata"]["resourceVersion"] == str(api.store.revision)


def test_null_is_nothing(api: ServedApi, http: requests.Session) -> None:
    new = pod("p")
    new["metadata"].update(labels=None, annotations={"a": None})
    created = http.post(api.url + PODS, json=new).json()
    assert "labels" not in created["metadata"]
    assert created["metadata"]["annotations"] == {}
    assert http.get(api.url + PODS, params={"labelSelector": "!a"}).json()["items"]
