"""Each object of a running estate can be written back: replaced by itself, labelled, annotated."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from kubernetes import client, config, watch

from tests.sandbox.estate.test_lifecycle import Up
from tests.sandbox.kubernetes_api.estate_runs import kubeconfig_of
from tests.sandbox.kubernetes_api.kubectl_runs import needs_kubectl, runner, succeeds

VERSIONS = {"1.25": "v1.25.12+k3s1", "1.34": "v1.34.1+k3s1", "1.35": "v1.35.0+k3s1"}


@pytest.fixture(scope="module", params=VERSIONS)
def up(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A sandbox of each version with one running job."""
    with Up(tmp_path_factory.mktemp("up") / "run.json", "--set", f"kubernetes_version={request.param}") as started:
        started.version = request.param  # type: ignore[attr-defined]  # for this module only
        yield started


@pytest.fixture(scope="module")
def connection(up: Up) -> Iterator[client.ApiClient]:
    with config.new_client_from_config(str(kubeconfig_of(up))) as connected:
        yield connected


@contextlib.contextmanager
def raw_session(up: Up) -> Iterator[tuple[requests.Session, str]]:
    """A session with the estate's API server, and its URL."""
    content = json.loads(kubeconfig_of(up).read_text())
    cluster = content["clusters"][0]["cluster"]
    with requests.Session() as http:
        http.trust_env = False
        http.verify = cluster["certificate-authority"]
        http.headers["Authorization"] = f"Bearer {content['users'][0]['user']['token']}"
        yield http, cluster["server"]


def start_job(connection: client.ApiClient, name: str) -> None:
    container = {"name": "c", "image": "registry.sandbox/pzlinux:1", "command": ["python", "-m", "baby_analyzer"]}
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    body = {"metadata": {"name": name}, "spec": {"backoffLimit": 0, "template": template}}
    batch = client.BatchV1Api(connection)
    created = batch.create_namespaced_job("panda", body)
    selector = f"metadata.name={name}"
    for event in watch.Watch().stream(
        batch.list_namespaced_job, "panda", field_selector=selector, resource_version=created.metadata.resource_version,
        timeout_seconds=10,
    ):  # fmt: skip
        if event["object"].status.ready:
            return
    raise AssertionError(f"{name} does not run")


def test_the_version_is_told_everywhere(up: Up, connection: client.ApiClient) -> None:
    wanted = VERSIONS[up.version]  # type: ignore[attr-defined]  # set by the fixture
    assert client.VersionApi(connection).get_code().git_version == wanted
    nodes = client.CoreV1Api(connection).list_node().items  # the client cannot parse a node without its ids
    assert {node.status.node_info.kubelet_version for node in nodes} == {wanted}
    assert all(node.status.node_info.machine_id for node in nodes)


def test_a_running_job_is_labelled_annotated_and_replaced(up: Up, connection: client.ApiClient) -> None:
    start_job(connection, "writable")
    batch = client.BatchV1Api(connection)
    batch.patch_namespaced_job("writable", "panda", {"metadata": {"labels": {"a": "1"}, "annotations": {"b": "2"}}})
    job = batch.read_namespaced_job("writable", "panda")
    assert job.status.active == 1
    job.metadata.labels["c"] = "3"
    replaced = batch.replace_namespaced_job("writable", "panda", job)
    assert replaced.metadata.labels["c"] == "3"
    assert replaced.status.active == 1
    batch.replace_namespaced_job_status("writable", "panda", replaced)


@needs_kubectl
def test_kubectl_labels_annotates_and_patches_a_running_job(up: Up, connection: client.ApiClient, home: Path) -> None:
    start_job(connection, "by-kubectl")
    kubectl = runner(home, kubeconfig_of(up))
    succeeds(kubectl, "label", "job", "by-kubectl", "tier=test")
    succeeds(kubectl, "annotate", "job", "by-kubectl", "why=because")
    succeeds(kubectl, "patch", "job", "by-kubectl", "-p", '{"metadata": {"labels": {"more": "1"}}}')
    text = succeeds(
        kubectl, "get", "job", "by-kubectl", "-o", "jsonpath={.metadata.labels.tier}{.metadata.labels.more}"
    )
    assert text == "test1"
    assert succeeds(kubectl, "get", "pods", "-l", "job-name=by-kubectl", "-o", "name").startswith("pod/by-kubectl-")


def test_every_object_is_taken_back_as_it_was_given(up: Up, connection: client.ApiClient) -> None:
    start_job(connection, "one-of-all")
    taken: Counter[str] = Counter()
    with raw_session(up) as (http, url):
        for root in ("/api/v1", "/apis/apps/v1", "/apis/batch/v1", "/apis/discovery.k8s.io/v1"):
            kinds = [each["name"] for each in http.get(url + root).json()["resources"] if "update" in each["verbs"]]
            for kind in (each for each in kinds if "/" not in each):
                for item in http.get(f"{url}{root}/{kind}").json()["items"]:
                    metadata = item["metadata"]
                    del metadata["resourceVersion"]  # another client may write at the same time
                    scope = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
                    answer = http.put(f"{url}{root}{scope}/{kind}/{metadata['name']}", json=item)
                    assert answer.status_code in (200, 404), answer.text  # 404: the event has expired meanwhile
                    taken[kind] += answer.status_code == 200
    assert {"jobs", "pods", "services", "nodes", "deployments", "events", "endpointslices"} <= taken.keys()
