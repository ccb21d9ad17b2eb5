"""Bulk reports that only nodes send to the API server, and the delivery of such a burst to watchers."""

from __future__ import annotations

import json
from typing import Any

import requests

from tests.sandbox.kubernetes_api.serving import NODE_TOKEN, ServedApi, pod

PODS = "/api/v1/namespaces/panda/pods"
REPORTS = "/sandbox/pods"
AS_NODE = {"Authorization": f"Bearer {NODE_TOKEN}"}


def _told(name: str, uid: str, status: dict[str, Any] | None) -> dict[str, Any]:
    return {"namespace": "panda", "name": name, "uid": uid, "status": status}


def _uid(api: ServedApi, name: str) -> str:
    return str(api.call(api.store.get, "pods", name, "panda")["metadata"]["uid"])


def test_many_pods_are_written_by_one_request(api: ServedApi, http: requests.Session) -> None:
    for name in ("runs", "ended", "replaced"):
        api.call(api.store.create, "pods", pod(name, "worker-node-1"), "panda")
    running = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True", "lastProbeTime": None}]}
    told = [
        _told("runs", _uid(api, "runs"), running),
        _told("ended", _uid(api, "ended"), None),
        _told("replaced", "of-another", running),
        _told("forgotten", "of-nobody", None),
    ]
    answer = http.post(api.url + REPORTS, json=told, headers=AS_NODE)
    assert (answer.status_code, answer.json()) == (
        200, ["pod replaced is another one by now", "pod forgotten is gone"],
    )  # fmt: skip
    left = {each["metadata"]["name"]: each for each in http.get(api.url + PODS).json()["items"]}
    assert left.keys() == {"runs", "replaced"}
    assert left["runs"]["status"]["conditions"] == [{"type": "Ready", "status": "True"}]
    assert left["runs"]["status"]["qosClass"] == "BestEffort"  # fields that the node does not report stay
    assert left["replaced"]["status"]["phase"] == "Pending"


def test_nobody_but_a_node_may(api: ServedApi, http: requests.Session) -> None:
    api.call(api.store.create, "pods", pod("p"), "panda")
    told = [_told("p", _uid(api, "p"), None)]
    assert http.post(api.url + REPORTS, json=told).status_code == 403
    assert http.get(api.url + REPORTS, headers=AS_NODE).status_code == 405
    assert _uid(api, "p")


def test_a_burst_reaches_a_watcher_whole_and_in_order(api: ServedApi, http: requests.Session) -> None:
    start = http.get(api.url + PODS).json()["metadata"]["resourceVersion"]
    begun = api.call(api.next_watch)
    query = {"watch": "1", "timeoutSeconds": "2", "resourceVersion": start}
    with http.get(api.url + PODS, params=query, stream=True, timeout=60) as answer:
        api.start(begun.wait()).result(60)
        for number in range(100):
            api.call(api.store.create, "pods", pod(f"p{number}"), "panda")
        lines = answer.iter_lines()
        seen = [json.loads(next(lines)) for _ in range(100)]
    assert [each["object"]["metadata"]["name"] for each in seen] == [f"p{number}" for number in range(100)]


def test_a_namespace_that_ends_takes_in_no_event_and_ends(api: ServedApi, http: requests.Session) -> None:
    """Regression: a late event about its last pod kept the namespace from becoming empty, so it stayed."""
    api.call(api.store.create, "namespaces", {"metadata": {"name": "short-lived"}})
    api.call(api.store.create, "pods", pod("last", "worker-node-1"), "short-lived")
    uid = str(api.call(api.store.get, "pods", "last", "short-lived")["metadata"]["uid"])
    place = api.url + "/api/v1/namespaces/short-lived"
    assert http.delete(place).status_code == 200
    event = {
        "apiVersion": "v1", "kind": "Event", "metadata": {"name": "last.1", "namespace": "short-lived"},
        "involvedObject": {"kind": "Pod", "name": "last", "namespace": "short-lived"}, "reason": "Killing",
    }  # fmt: skip
    assert http.post(api.url + "/sandbox/events", json=[event], headers=AS_NODE).status_code == 200
    ended = {"namespace": "short-lived", "name": "last", "uid": uid, "status": None}
    assert http.post(api.url + REPORTS, json=[ended], headers=AS_NODE).json() == []
    assert http.get(place).status_code == 404
