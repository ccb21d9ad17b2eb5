"""The official Python client against the API server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import client, watch
from kubernetes.dynamic import DynamicClient

from tests.sandbox.kubernetes_api.serving import TOKEN, ServedApi, deployment, job, owned_by, pod, running, service


@pytest.fixture
def connection(api: ServedApi) -> Iterator[client.ApiClient]:
    configuration = client.Configuration(host=api.url)
    configuration.ssl_ca_cert = str(api.ca_file)
    configuration.api_key["authorization"] = f"Bearer {TOKEN}"  # a form that client versions 36 and 37 both accept
    with client.ApiClient(configuration) as connected:
        yield connected


@pytest.fixture
def batch(connection: client.ApiClient) -> client.BatchV1Api:
    return client.BatchV1Api(connection)


@pytest.fixture
def core(connection: client.ApiClient) -> client.CoreV1Api:
    return client.CoreV1Api(connection)


def _refusal(error: pytest.ExceptionInfo[client.ApiException]) -> tuple[int, str]:
    return error.value.status, client.ApiClient().deserialize(error.value.body, "object", "application/json")["reason"]


def _with_pod(api: ServedApi, name: str, node: str | None = None) -> None:
    parent = api.call(api.store.create, "jobs", job(name), "panda")
    api.call(api.store.create, "pods", owned_by(parent, pod(f"{name}-abcde", node, app=name)), "panda")


def test_version(connection: client.ApiClient) -> None:
    assert client.VersionApi(connection).get_code().git_version == "v1.34.1+k3s1"


def test_job_is_created_listed_read_and_patched(batch: client.BatchV1Api) -> None:
    created = batch.create_namespaced_job("panda", job("grpc-job-1-1"))
    assert created.metadata.uid
    assert created.spec.selector.match_labels == {"batch.kubernetes.io/controller-uid": created.metadata.uid}
    assert created.spec.template.metadata.labels["job-name"] == "grpc-job-1-1"
    listed = batch.list_namespaced_job("panda", label_selector="app=grpc-job-1-1").items
    assert [each.metadata.name for each in listed] == ["grpc-job-1-1"]
    batch.patch_namespaced_job("grpc-job-1-1", "panda", {"spec": {"suspend": True}})
    assert batch.read_namespaced_job("grpc-job-1-1", "panda").spec.suspend is True


def test_same_name_twice_is_a_conflict(batch: client.BatchV1Api) -> None:
    batch.create_namespaced_job("panda", job("j"))
    with pytest.raises(client.ApiException) as refused:
        batch.create_namespaced_job("panda", job("j"))
    assert _refusal(refused) == (409, "AlreadyExists")


def test_missing_job_is_not_found(batch: client.BatchV1Api) -> None:
    with pytest.raises(client.ApiException) as refused:
        batch.read_namespaced_job("nope", "panda")
    assert _refusal(refused) == (404, "NotFound")
    with pytest.raises(client.ApiException) as refused:
        batch.delete_namespaced_job("nope", "panda")
    assert _refusal(refused) == (404, "NotFound")


@pytest.mark.parametrize(("propagation", "left"), [(None, 1), ("Orphan", 1), ("Background", 0), ("Foreground", 0)])
def test_deleting_a_job_with_propagation(
    api: ServedApi, batch: client.BatchV1Api, core: client.CoreV1Api, propagation: str | None, left: int
) -> None:
    _with_pod(api, "j")
    policy = {"propagation_policy": propagation} if propagation else {}
    batch.delete_namespaced_job("j", "panda", **policy)
    assert batch.list_namespaced_job("panda").items == []
    pods = core.list_namespaced_pod("panda").items
    assert len(pods) == left
    assert all(each.metadata.owner_references is None for each in pods)


def test_pod_on_a_node_stays_until_the_node_lets_it_go(api: ServedApi, core: client.CoreV1Api) -> None:
    api.call(api.store.create, "pods", {**pod("p", "worker-node-1"), "status": running()}, "panda")
    core.delete_namespaced_pod("p", "panda")
    assert core.read_namespaced_pod("p", "panda").metadata.deletion_timestamp is not None
    core.delete_namespaced_pod("p", "panda", grace_period_seconds=0)
    with pytest.raises(client.ApiException) as refused:
        core.read_namespaced_pod("p", "panda")
    assert _refusal(refused) == (404, "NotFound")


def test_watch_tells_what_happens(api: ServedApi, core: client.CoreV1Api) -> None:
    watcher, seen = watch.Watch(), []
    started = threading.Event()

    def change() -> None:
        assert started.wait(60)
        api.call(api.store.create, "pods", pod("other", app="b"), "panda")
        api.call(api.store.create, "pods", pod("p", app="a"), "panda")
        api.call(api.store.mutate, "pods", "p", "panda", lambda each: each["status"].update(phase="Running"))
        api.call(api.store.delete, "pods", "p", "panda")

    api.call(api.store.create, "pods", pod("first", app="a"), "panda")
    thread = threading.Thread(target=change)
    thread.start()
    for event in watcher.stream(core.list_namespaced_pod, "panda", label_selector="app=a", timeout_seconds=5):
        seen.append((event["type"], event["object"].metadata.name, event["object"].status.phase))
        started.set()
        if event["type"] == "DELETED":
            watcher.stop()
    thread.join()
    assert seen == [
        ("ADDED", "first", "Pending"),
        ("ADDED", "p", "Pending"),
        ("MODIFIED", "p", "Running"),
        ("DELETED", "p", "Running"),
    ]


def test_watch_ends_after_its_timeout(core: client.CoreV1Api) -> None:
    assert list(watch.Watch().stream(core.list_namespaced_pod, "panda", timeout_seconds=1)) == []


def test_watch_from_a_forgotten_revision_is_gone(api: ServedApi, core: client.CoreV1Api) -> None:
    api.clear()
    with pytest.raises(client.ApiException) as refused:
        list(watch.Watch().stream(core.list_namespaced_pod, "panda", resource_version="1", timeout_seconds=2))
    assert refused.value.status == 410


def test_log(api: ServedApi, core: client.CoreV1Api) -> None:
    api.call(api.store.create, "pods", {**pod("p", "worker-node-1"), "status": running()}, "panda")
    (api.log_folder / "panda_p_grpc-server.log").write_text("one\ntwo\nthree\n", encoding="utf-8")
    assert core.read_namespaced_pod_log("p", "panda") == "one\ntwo\nthree\n"
    assert core.read_namespaced_pod_log("p", "panda", tail_lines=1) == "three\n"
    api.call(api.store.create, "pods", pod("starting", "worker-node-1"), "panda")
    with pytest.raises(client.ApiException) as refused:
        core.read_namespaced_pod_log("starting", "panda")
    assert _refusal(refused) == (400, "BadRequest")


def test_following_a_log_ends_with_its_container(api: ServedApi, core: client.CoreV1Api) -> None:
    api.call(api.store.create, "pods", {**pod("p", "worker-node-1"), "status": running()}, "panda")
    log = api.log_folder / "panda_p_grpc-server.log"
    log.write_text("one\n", encoding="utf-8")
    lines: list[str] = []
    for line in watch.Watch().stream(core.read_namespaced_pod_log, "p", "panda"):
        lines.append(line)
        if line == "one":
            with log.open("a", encoding="utf-8") as more:
                more.write("two\n")
            api.call(api.store.delete, "pods", "p", "panda", grace_s=0)
    assert lines == ["one", "two"]


def test_deployment_is_scaled(connection: client.ApiClient, api: ServedApi) -> None:
    apps = client.AppsV1Api(connection)
    apps.create_namespaced_deployment("panda", deployment("d"))
    apps.patch_namespaced_deployment_scale("d", "panda", {"spec": {"replicas": 0}})
    scale = apps.read_namespaced_deployment_scale("d", "panda")
    assert (scale.spec.replicas, scale.status.selector) == (0, "app=d")
    assert apps.read_namespaced_deployment("d", "panda").spec.replicas == 0
    apps.delete_namespaced_deployment("d", "panda")
    assert apps.list_namespaced_deployment("panda").items == []


def test_status_is_written_apart_from_the_rest(core: client.CoreV1Api) -> None:
    core.create_namespaced_pod("panda", {**pod("p"), "status": {"phase": "Running"}})
    assert core.read_namespaced_pod("p", "panda").status.phase == "Pending"
    core.patch_namespaced_pod("p", "panda", {"status": {"phase": "Running"}, "metadata": {"labels": {"a": "b"}}})
    assert core.read_namespaced_pod("p", "panda").status.phase == "Pending"
    core.patch_namespaced_pod_status("p", "panda", {"status": {"phase": "Running"}, "metadata": {"labels": {"a": "c"}}})
    now = core.read_namespaced_pod("p", "panda")
    assert (now.status.phase, now.metadata.labels) == ("Running", {"a": "b"})


def test_old_revision_is_a_conflict(core: client.CoreV1Api) -> None:
    seen = core.create_namespaced_service("panda", service("s"))
    core.patch_namespaced_service("s", "panda", {"metadata": {"labels": {"a": "b"}}})
    with pytest.raises(client.ApiException) as refused:
        core.replace_namespaced_service("s", "panda", seen)
    assert _refusal(refused) == (409, "Conflict")


def test_wrong_token(api: ServedApi) -> None:
    configuration = client.Configuration(host=api.url)
    configuration.ssl_ca_cert = str(api.ca_file)
    configuration.api_key["authorization"] = "Bearer wrong"
    with client.ApiClient(configuration) as connected, pytest.raises(client.ApiException) as refused:
        client.CoreV1Api(connected).list_node()
    assert _refusal(refused) == (401, "Unauthorized")


def test_reviews_metrics_and_namespaces(connection: client.ApiClient, core: client.CoreV1Api) -> None:
    attributes = {"verb": "delete", "resource": "pods", "namespace": "panda"}
    body: Any = {"spec": {"resourceAttributes": attributes}}
    assert client.AuthorizationV1Api(connection).create_self_subject_access_review(body).status.allowed is True
    metrics = client.CustomObjectsApi(connection)
    assert metrics.list_namespaced_custom_object("metrics.k8s.io", "v1beta1", "panda", "pods")["items"] == []
    assert [each.metadata.name for each in core.list_namespace().items] == ["default", "panda"]


def test_dynamic_client(api: ServedApi, connection: client.ApiClient) -> None:
    dynamic = DynamicClient(connection)
    jobs = dynamic.resources.get(api_version="batch/v1", kind="Job")
    jobs.create(body=job("j"), namespace="panda")
    assert [each.metadata.name for each in jobs.get(namespace="panda").items] == ["j"]
    jobs.delete(name="j", namespace="panda", propagation_policy="Background")
    assert jobs.get(namespace="panda").items == []
