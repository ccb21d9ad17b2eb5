"""Real kubectl reads from the API server."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tests.sandbox.kubernetes_api.kubectl_runs import Kubectl, needs_kubectl, running_pod, succeeds, table
from tests.sandbox.kubernetes_api.serving import (
    NODE_TOKEN,
    ServedApi,
    job,
    owned_by,
    pod,
    running,
    service,
)

pytestmark = needs_kubectl


def test_version(kubectl: Kubectl) -> None:
    version = json.loads(succeeds(kubectl, "version", "-o", "json"))
    assert version["serverVersion"]["gitVersion"] == "v1.34.1+k3s1"


def test_get_pods_as_table(api: ServedApi, kubectl: Kubectl) -> None:
    running_pod(api, "grpc-job-1-1-abcde", app="grpc-job-1-1")
    head, row = table(succeeds(kubectl, "get", "pods"))
    assert head == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert row[:4] == ["grpc-job-1-1-abcde", "1/1", "Running", "0"]
    assert row[4].endswith("s")


def test_get_pods_wide_shows_address_and_node(api: ServedApi, kubectl: Kubectl) -> None:
    running_pod(api, "p")
    _, row = table(succeeds(kubectl, "get", "pods", "-o", "wide"))
    assert row[5:7] == ["127.0.1.1", "worker-node-1"]


def test_get_pods_selected_and_formatted(api: ServedApi, kubectl: Kubectl) -> None:
    running_pod(api, "a", app="a")
    running_pod(api, "b", app="b")
    api.call(api.store.create, "pods", {**pod("c"), "status": {"phase": "Succeeded"}}, "default")
    assert succeeds(kubectl, "get", "pods", "-l", "app=a", "-o", "name") == "pod/a\n"
    assert succeeds(kubectl, "get", "pods", "-l", "app in (a,b),app!=a", "-o", "name") == "pod/b\n"
    unfinished = ("--field-selector=status.phase!=Succeeded,status.phase!=Failed", "-o", "name", "-A")
    assert succeeds(kubectl, "get", "pods", *unfinished) == "pod/a\npod/b\n"
    items = json.loads(succeeds(kubectl, "get", "pods", "-A", "-o", "json"))["items"]
    assert [each["metadata"]["name"] for each in items] == ["c", "a", "b"]


def test_the_frameworks_pod_list(api: ServedApi, kubectl: Kubectl) -> None:
    api.call(api.store.create, "pods", pod("waiting"), "panda")
    running_pod(api, "works")
    columns = (
        "-o=custom-columns=NAME:.metadata.name,NAMESPACE:.metadata.namespace,STATUS:.status.phase,NODE:.spec.nodeName,"
        "RESTARTS:.status.containerStatuses[0].restartCount"
    )
    rows = table(succeeds(kubectl, "get", "pods", "--field-selector=status.phase!=Failed", columns, "--no-headers"))
    assert rows == [
        ["waiting", "panda", "Pending", "<none>", "<none>"],
        ["works", "panda", "Running", "worker-node-1", "0"],
    ]


def test_get_services(api: ServedApi, kubectl: Kubectl) -> None:
    api.call(api.store.create, "services", service("panda-panda-focus-server"), "panda")
    head, row = table(succeeds(kubectl, "get", "svc", "-o", "wide"))
    assert head == ["NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE", "SELECTOR"]
    assert (row[0], row[1], row[3], row[4]) == ("panda-panda-focus-server", "ClusterIP", "<none>", "5000/TCP")
    assert succeeds(kubectl, "get", "svc", "-o", "name") == "service/panda-panda-focus-server\n"
    assert succeeds(kubectl, "get", "svc", row[0], "-o", "jsonpath={.spec.ports[0].targetPort}") == "5000"


def test_get_all_and_every_known_kind(api: ServedApi, kubectl: Kubectl) -> None:
    running_pod(api, "p")
    assert "pod/p" in succeeds(kubectl, "get", "all")
    kinds = succeeds(kubectl, "api-resources", "-o", "name", "--verbs=list").split()
    for kind in kinds:
        assert kubectl("get", kind).returncode == 0, kind


def _event(involved: dict[str, Any], reason: str) -> dict[str, Any]:
    reference = {"kind": involved["kind"], "apiVersion": involved["apiVersion"]}
    reference.update({key: involved["metadata"][key] for key in ("name", "namespace", "uid")})
    stamp = involved["metadata"]["creationTimestamp"]
    return {
        "metadata": {"name": f"{reference['name']}.1"},
        "involvedObject": reference,
        "reason": reason,
        "type": "Normal",
        "message": "Successfully assigned",
        "count": 1,
        "firstTimestamp": stamp,
        "lastTimestamp": stamp,
        "source": {"component": "default-scheduler"},
    }


def test_describe_shows_events_and_owner(api: ServedApi, kubectl: Kubectl) -> None:
    parent = api.call(api.store.create, "jobs", job("j"), "panda")
    labels = {"batch.kubernetes.io/controller-uid": parent["metadata"]["uid"]}
    child = owned_by(parent, pod("j-abcde", "worker-node-1", **labels))
    created = api.call(api.store.create, "pods", {**child, "status": running()}, "panda")
    api.call(api.store.create, "events", _event(created, "Scheduled"), "panda")
    text = succeeds(kubectl, "describe", "pod", "j-abcde")
    assert re.search(r"Controlled By:\s+Job/j", text)
    assert "Scheduled" in text and "Successfully assigned" in text
    assert "Pods Statuses:" in succeeds(kubectl, "describe", "job", "j")
    head, row = table(succeeds(kubectl, "get", "events"))
    assert head == ["LAST", "SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]
    assert row[1:4] == ["Normal", "Scheduled", "pod/j-abcde"]
    assert "Scheduled" in succeeds(kubectl, "events")


def test_logs(api: ServedApi, kubectl: Kubectl) -> None:
    running_pod(api, "p")
    (api.log_folder / "panda_p_grpc-server.log").write_text("one\ntwo\nthree\n", encoding="utf-8")
    assert succeeds(kubectl, "logs", "p") == "one\ntwo\nthree\n"
    assert succeeds(kubectl, "logs", "p", "--tail=2", "-c", "grpc-server") == "two\nthree\n"
    refused = kubectl("logs", "p", "-c", "nope")
    assert "container nope is not valid for pod p" in refused.stderr
    api.call(api.store.create, "pods", pod("starting", "worker-node-1"), "panda")
    waiting = kubectl("logs", "starting")
    why = 'Error from server (BadRequest): container "grpc-server" in pod "starting" is waiting to start'
    assert why in waiting.stderr


def test_top(api: ServedApi, kubectl: Kubectl, http: Any) -> None:
    running_pod(api, "p")
    node = {"metadata": {"name": "worker-node-1"}, "status": {"capacity": {"cpu": "112", "memory": "1024Gi"}}}
    node["status"]["allocatable"] = node["status"]["capacity"]
    api.call(api.store.create, "nodes", node)
    measured = {
        "pods": {"panda/p": {"grpc-server": {"cpu": "250m", "memory": "40Mi"}}},
        "nodes": {"worker-node-1": {"cpu": "1120m", "memory": "512Gi"}},
    }
    refused = http.post(f"{api.url}/sandbox/metrics", json=measured)
    assert refused.status_code == 403
    node_token = {"Authorization": f"Bearer {NODE_TOKEN}"}
    assert http.post(f"{api.url}/sandbox/metrics", json=measured, headers=node_token).status_code == 200
    assert table(succeeds(kubectl, "top", "pods"))[1] == ["p", "250m", "40Mi"]
    assert table(succeeds(kubectl, "top", "nodes"))[1] == ["worker-node-1", "1120m", "1%", "524288Mi", "50%"]


def test_auth(api: ServedApi, kubectl: Kubectl, tmp_path: Path) -> None:
    assert succeeds(kubectl, "auth", "can-i", "delete", "pods") == "yes\n"
    assert "focus-acceptance" in succeeds(kubectl, "auth", "whoami")
    wrong = kubectl("get", "pods", kubeconfig=api.kubeconfig(tmp_path, "wrong"))
    assert wrong.returncode == 1
    assert "Unauthorized" in wrong.stderr


def test_unknown_objects_and_kinds(kubectl: Kubectl) -> None:
    missing = kubectl("get", "job", "nope")
    assert missing.returncode == 1
    assert missing.stderr == 'Error from server (NotFound): jobs.batch "nope" not found\n'
    unknown = kubectl("get", "unicorns")
    assert 'the server doesn\'t have a resource type "unicorns"' in unknown.stderr
    nowhere = kubectl("create", "-n", "nowhere", "-f", "-", stdin=job("j"))
    assert 'namespaces "nowhere" not found' in nowhere.stderr
    refused = kubectl("exec", "p", "--", "true")
    assert refused.returncode == 1
