"""``metadata.managedFields``: which client wrote what."""

from __future__ import annotations

import json
from typing import Any

import requests

from tests.sandbox.kubernetes_api.serving import ServedApi, deployment, job

JOBS = "/apis/batch/v1/namespaces/panda/jobs"
DEPLOYMENTS = "/apis/apps/v1/namespaces/panda/deployments"
MERGE = {"Content-Type": "application/merge-patch+json"}
Object = dict[str, Any]


def managers(obj: Object) -> dict[tuple[str, str], Object]:
    """Fields by manager and subresource."""
    entries = obj["metadata"]["managedFields"]
    for entry in entries:
        assert (entry["operation"], entry["fieldsType"], entry["apiVersion"]) == (
            "Update", "FieldsV1", obj["apiVersion"],
        )  # fmt: skip
        assert entry["time"].endswith("Z")
    return {(entry["manager"], entry.get("subresource", "")): entry["fieldsV1"] for entry in entries}


def patched(http: requests.Session, url: str, change: Object, manager: str) -> Object:
    answer = http.patch(url, params={"fieldManager": manager}, data=json.dumps(change), headers=MERGE)
    assert answer.status_code == 200
    found: Object = answer.json()
    return found


def test_who_creates_an_object_owns_its_fields(api: ServedApi, http: requests.Session) -> None:
    answer = http.post(api.url + JOBS, params={"fieldManager": "a-client"}, json=job("j"))
    fields = managers(answer.json())[("a-client", "")]
    assert fields["f:metadata"] == {"f:labels": {"f:app": {}}}
    assert set(fields) == {"f:metadata", "f:spec"}
    template = fields["f:spec"]["f:template"]["f:spec"]
    assert template["f:containers"]['k:{"name":"grpc-server"}']["."] == {}
    assert "f:restartPolicy" in template and "f:dnsPolicy" in template  # defaults are the creator's, too


def test_a_field_belongs_to_who_changed_it_last(api: ServedApi, http: requests.Session) -> None:
    url = f"{api.url}{JOBS}/j"
    http.post(api.url + JOBS, params={"fieldManager": "first"}, json=job("j"))
    after = patched(http, url, {"metadata": {"labels": {"app": "other", "new": "1"}}}, "second")
    owned = managers(after)
    assert owned[("second", "")] == {"f:metadata": {"f:labels": {"f:app": {}, "f:new": {}}}}
    assert "f:metadata" not in owned[("first", "")]
    again = patched(http, url, {"metadata": {"labels": {"new": None}}}, "first")
    assert managers(again)[("second", "")] == {"f:metadata": {"f:labels": {"f:app": {}}}}


def test_who_changes_nothing_owns_nothing(api: ServedApi, http: requests.Session) -> None:
    url = f"{api.url}{JOBS}/j"
    created = http.post(api.url + JOBS, params={"fieldManager": "first"}, json=job("j")).json()
    after = patched(http, url, {"metadata": {"labels": {"app": "j"}}}, "second")
    assert after["metadata"]["managedFields"] == created["metadata"]["managedFields"]
    assert after["metadata"]["resourceVersion"] == created["metadata"]["resourceVersion"]


def test_status_and_scale_are_entries_of_their_own(api: ServedApi, http: requests.Session) -> None:
    url = f"{api.url}{DEPLOYMENTS}/d"
    http.post(api.url + DEPLOYMENTS, params={"fieldManager": "m"}, json=deployment("d"))
    patched(http, f"{url}/status", {"status": {"replicas": 1}}, "m")
    patched(http, f"{url}/scale", {"spec": {"replicas": 3}}, "m")
    owned = managers(http.get(url).json())
    assert owned[("m", "status")] == {"f:status": {"f:replicas": {}}}
    assert owned[("m", "scale")] == {"f:spec": {"f:replicas": {}}}
    assert "f:replicas" not in owned[("m", "")]["f:spec"]


def test_what_a_client_sends_of_them_does_not_count(api: ServedApi, http: requests.Session) -> None:
    url = f"{api.url}{JOBS}/j"
    created = http.post(api.url + JOBS, params={"fieldManager": "first"}, json=job("j")).json()
    created["metadata"]["managedFields"] = []
    created["metadata"]["labels"]["more"] = "1"
    replaced = http.put(url, params={"fieldManager": "second"}, json=created).json()
    assert set(managers(replaced)) == {("first", ""), ("second", "")}


def test_controllers_keep_them(api: ServedApi, http: requests.Session) -> None:
    created = http.post(api.url + JOBS, params={"fieldManager": "first"}, json=job("j")).json()
    api.call(api.store.mutate, "jobs", "j", "panda", lambda new: new["status"].update(active=1))
    found = http.get(f"{api.url}{JOBS}/j").json()
    assert found["metadata"]["managedFields"] == created["metadata"]["managedFields"]
