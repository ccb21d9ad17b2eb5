"""The fields of the API server's kinds are those of the official client."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

from environments.sandbox.kubernetes.http.shape import check_fields, check_shape
from environments.sandbox.kubernetes.store.errors import ApiError
from environments.sandbox.kubernetes.store.resources import RESOURCES
from environments.sandbox.shared import quantities
from tests.sandbox.kubernetes_api.serving import job, pod

ROOT = Path(__file__).resolve().parents[3]
HUGE = "1e99999999"


def test_the_schema_is_that_of_the_installed_client() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "kubernetes_schema.py"), run_name="kubernetes_schema")
    assert script["SCHEMA"].read_text(encoding="utf-8") == script["text"]()


@pytest.mark.parametrize(
    ("plural", "obj", "words"),
    [
        ("jobs", {"status": {"active": []}}, "array into Go struct field Job.status.active of type int32"),
        ("cronjobs", {"status": {"active": 1}}, "number into Go struct field CronJob.status.active of type array"),
        ("jobs", {"spec": {"parallelism": 2**31}}, "number 2147483648 into Go struct field Job.spec.parallelism"),
        ("jobs", {"spec": {"parallelism": True}}, "bool into Go struct field Job.spec.parallelism of type int32"),
        ("jobs", {"spec": {"parallelism": 1.5}}, "number into Go struct field Job.spec.parallelism of type int32"),
        ("pods", {"spec": {"hostNetwork": "yes"}}, "string into Go struct field Pod.spec.hostNetwork of type bool"),
        ("pods", {"spec": {"containers": [1]}}, "number into Go struct field Pod.spec.containers of type object"),
        ("pods", {"metadata": {"labels": {"a": 1}}}, "Go struct field Pod.metadata.labels.a of type string"),
        ("pods", {"metadata": {"finalizers": [{}]}}, "Go struct field Pod.metadata.finalizers of type string"),
        ("resourcequotas", {"spec": {"hard": {"pods": [1]}}}, "Go struct field ResourceQuota.spec.hard.pods"),
        ("resourcequotas", {"spec": {"hard": {"pods": "many"}}}, "quantities must match the regular expression"),
        ("nodes", {"status": {"capacity": {"cpu": ""}}}, "quantities must match the regular expression"),
        ("secrets", {"data": {"a": "no base64!"}}, "illegal base64 data in Secret.data.a"),
        ("leases", {"spec": {"renewTime": "today"}}, 'parsing time "today" as'),
        ("events", {"eventTime": "2026-01-01T00:00:00"}, "cannot parse"),
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_refused(plural: str, obj: dict[str, Any], words: str) -> None:
    with pytest.raises(ApiError) as refused:
        check_shape(RESOURCES[plural], obj)
    assert refused.value.code == 400
    assert words in refused.value.message


@pytest.mark.parametrize(
    ("obj", "path"),
    [
        ({"spec": {"template": {"spec": {"containers": [{"immage": "a"}]}}}}, "template.spec.containers[0].immage"),
        ({"metadata": {"lables": {}}}, "metadata.lables"),
        ({"colour": "red"}, "colour"),
        ({"spec": {"template": {"spec": {"volumes": [{"emptyDir": {"size": 1}}]}}}}, "volumes[0].emptyDir.size"),
    ],
)  # fmt: skip
def test_an_unknown_field_is_told_to_whoever_asks(obj: dict[str, Any], path: str) -> None:
    check_fields(RESOURCES["jobs"], obj, "Ignore", "CreateOptions")
    with pytest.raises(ApiError) as refused:
        check_fields(RESOURCES["jobs"], obj, "Strict", "CreateOptions")
    assert 'unknown field "' in refused.value.message and f'{path}"' in refused.value.message


def test_what_is_right_is_taken() -> None:
    for plural, obj in (("jobs", job("j")), ("pods", pod("p", "node"))):
        check_shape(RESOURCES[plural], obj)
        check_fields(RESOURCES[plural], obj, "Strict", "CreateOptions")


@pytest.mark.parametrize(("text", "amount"), [(HUGE, 2**63 - 1), (f"-{HUGE}", 1 - 2**63), ("1e-9", 1), ("1E", 10**18)])
def test_no_quantity_takes_for_ever(text: str, amount: int) -> None:
    assert quantities.amount("memory", text) == amount


def test_what_an_object_cannot_be_without_is_there_with_its_zero_value() -> None:
    node = {"spec": {"taints": [{}]}, "status": {"conditions": [{"type": "Ready"}]}}
    check_shape(RESOURCES["nodes"], node)
    assert node["spec"]["taints"] == [{"key": "", "effect": ""}]
    assert node["status"]["conditions"] == [{"type": "Ready", "status": ""}]
