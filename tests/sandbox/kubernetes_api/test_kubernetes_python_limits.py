"""The official Python client against an API server that refuses, and against long lists."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kubernetes import client, watch

from environments.sandbox.kubernetes.controllers.quotas import QuotaAdmission
from environments.sandbox.kubernetes.http import flow_control
from tests.sandbox.kubernetes_api.serving import TOKEN, ServedApi, job, pod, service


@pytest.fixture
def connection(api: ServedApi) -> Iterator[client.ApiClient]:
    configuration = client.Configuration(host=api.url)
    configuration.ssl_ca_cert = str(api.ca_file)
    configuration.api_key["authorization"] = f"Bearer {TOKEN}"  # as the clients 36 and 37 both take it
    configuration.retries = False
    with client.ApiClient(configuration) as connected:
        yield connected


@pytest.fixture
def core(connection: client.ApiClient) -> client.CoreV1Api:
    return client.CoreV1Api(connection)


def test_too_many_requests_are_told_when_to_come_back(
    api: ServedApi, core: client.CoreV1Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow_control, "LIMITED_USER", "focus-acceptance")
    monkeypatch.setattr(flow_control, "CREATIONS_PER_S", 0.0)
    monkeypatch.setattr(api._server, "_limit", flow_control.FlowControl().check)
    for number in range(flow_control.BURST):
        core.create_namespaced_config_map("panda", {"metadata": {"name": f"map-{number}"}})
    with pytest.raises(client.ApiException) as refused:
        core.create_namespaced_config_map("panda", {"metadata": {"name": "one-too-many"}})
    assert refused.value.status == 429 and refused.value.headers["Retry-After"] == "1"
    assert "the server has received too many requests and has asked us to try again later" in refused.value.body
    assert len(core.list_namespaced_config_map("panda").items) == flow_control.BURST
    core.delete_namespaced_config_map("map-0", "panda")


def test_a_quota_forbids(api: ServedApi, core: client.CoreV1Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.store, "admission", [QuotaAdmission(api.store).admit])
    core.create_namespaced_resource_quota("panda", {"metadata": {"name": "small"}, "spec": {"hard": {"pods": "1"}}})
    core.create_namespaced_pod("panda", pod("first"))
    with pytest.raises(client.ApiException) as refused:
        core.create_namespaced_pod("panda", pod("second"))
    assert refused.value.status == 403
    wanted = "is forbidden: exceeded quota: small, requested: pods=1, used: pods=1, limited: pods=1"
    assert wanted in refused.value.body


def test_an_invalid_object_names_its_fields(connection: client.ApiClient, core: client.CoreV1Api) -> None:
    bad = job("grpc-job-1-1")
    bad["spec"]["template"]["spec"]["restartPolicy"] = "Always"
    with pytest.raises(client.ApiException) as refused:
        client.BatchV1Api(connection).create_namespaced_job("panda", bad)
    assert refused.value.status == 422 and "spec.template.spec.restartPolicy" in refused.value.body
    with pytest.raises(client.ApiException) as refused:
        core.create_namespaced_service("panda", service("wrong", port=70000))
    assert refused.value.status == 422 and "spec.ports[0].port" in refused.value.body


def test_long_lists_come_in_pages(api: ServedApi, core: client.CoreV1Api) -> None:
    for number in range(25):
        api.call(api.store.create, "configmaps", {"metadata": {"name": f"map-{number:02}"}}, "panda")
    names, page, pages = [], core.list_namespaced_config_map("panda", limit=10), 1
    first = page.metadata.resource_version
    assert page.metadata.remaining_item_count == 15
    names += [each.metadata.name for each in page.items]
    while page.metadata._continue:
        page = core.list_namespaced_config_map("panda", limit=10, _continue=page.metadata._continue)
        assert page.metadata.resource_version == first
        names += [each.metadata.name for each in page.items]
        pages += 1
    assert (names, pages) == ([f"map-{number:02}" for number in range(25)], 3)


def test_a_watch_can_begin_with_what_is_there_and_a_bookmark(api: ServedApi, core: client.CoreV1Api) -> None:
    for number in range(3):
        api.call(api.store.create, "configmaps", {"metadata": {"name": f"map-{number}"}}, "panda")
    events = watch.Watch().stream(
        core.list_namespaced_config_map, "panda", send_initial_events=True, allow_watch_bookmarks=True,
        resource_version_match="NotOlderThan", timeout_seconds=5,
    )  # fmt: skip
    seen = []
    for event in events:
        seen.append(event["type"])
        if event["type"] == "BOOKMARK":
            break
    assert seen == ["ADDED"] * 3 + ["BOOKMARK"]
    annotations = event["raw_object"]["metadata"]["annotations"]
    assert annotations == {"k8s.io/initial-events-end": "true"}


def _event(name: str, about: str) -> dict[str, object]:
    time = "2026-01-01T00:00:00Z"
    return {
        "metadata": {"name": name}, "involvedObject": {"kind": "Pod", "namespace": "panda", "name": about},
        "reason": "Started", "message": "Started container c", "type": "Normal", "count": 2, "firstTimestamp": time,
        "lastTimestamp": time, "eventTime": "2026-01-01T00:00:00.000000Z", "source": {"component": "kubelet"},
        "reportingComponent": "kubelet",
    }  # fmt: skip


def test_events_are_served_in_their_newer_form_too(
    api: ServedApi, connection: client.ApiClient, core: client.CoreV1Api
) -> None:
    newer = client.EventsV1Api(connection)
    for number in (1, 2):
        core.create_namespaced_event("panda", _event(f"event-{number}", f"pod-{number}"))
    assert len(newer.list_namespaced_event("panda").items) == len(newer.list_event_for_all_namespaces().items) == 2
    (found,) = newer.list_namespaced_event("panda", field_selector="regarding.name=pod-2").items
    assert (found.regarding.name, found.note, found.reporting_controller) == ("pod-2", "Started container c", "kubelet")
    read = newer.read_namespaced_event("event-1", "panda")
    assert (read.api_version, read.deprecated_count, read.deprecated_source.component) == (
        "events.k8s.io/v1", 2, "kubelet",
    )  # fmt: skip
    version = newer.list_namespaced_event("panda").metadata.resource_version
    core.create_namespaced_event("panda", _event("event-3", "pod-3"))
    seen = next(watch.Watch().stream(newer.list_namespaced_event, "panda", resource_version=version, timeout_seconds=5))
    assert (seen["type"], seen["object"].regarding.name) == ("ADDED", "pod-3")


def test_events_are_written_in_their_older_form_only(connection: client.ApiClient) -> None:
    newer = client.EventsV1Api(connection)
    with pytest.raises(client.ApiException) as refused:
        newer.delete_namespaced_event("event-1", "panda")
    assert refused.value.status == 405
    with pytest.raises(client.ApiException) as refused:
        newer.list_namespaced_event("panda", field_selector="involvedObject.name=pod-1")
    assert refused.value.status == 400 and "field label not supported: involvedObject.name" in refused.value.body
