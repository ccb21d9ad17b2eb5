"""The official Python client with an API server that refuses requests, and with long lists."""

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
    configuration.api_key["authorization"] = f"Bearer {TOKEN}"  # a form that client versions 36 and 37 both accept
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


def test_the_newer_form_of_events_is_not_served(connection: client.ApiClient) -> None:
    with pytest.raises(client.ApiException) as refused:
        client.EventsV1Api(connection).list_namespaced_event("panda")
    assert refused.value.status == 404
