"""``kubectl create KIND`` sends protobuf: the stored object is the one that the same kubectl would send as JSON."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.sandbox.kubernetes_api.kubectl_runs import Kubectl, needs_kubectl, succeeds
from tests.sandbox.kubernetes_api.serving import ServedApi

IMAGE = "registry.sandbox/pzlinux:11.0.0"


def _without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {key: _without_empty(inner) for key, inner in value.items()}
        return {key: inner for key, inner in kept.items() if inner not in (None, {}, [])}
    return [_without_empty(each) for each in value] if isinstance(value, list) else value


def _missing(wanted: Any, stored: Any, path: str = "") -> list[str]:
    """Paths at which ``stored`` lacks a value of ``wanted``; defaults added by the server are allowed."""
    if isinstance(wanted, dict) and isinstance(stored, dict):
        return [text for key, value in wanted.items() for text in _missing(value, stored.get(key), f"{path}.{key}")]
    if isinstance(wanted, list) and isinstance(stored, list) and len(wanted) == len(stored):
        pairs = enumerate(zip(wanted, stored, strict=True))
        return [text for index, (one, other) in pairs for text in _missing(one, other, f"{path}[{index}]")]
    return [] if wanted == stored else [f"{path}: {wanted!r} became {stored!r}"]


@needs_kubectl
@pytest.mark.parametrize(
    "command",
    [
        "configmap made --from-literal=k=v --from-literal=empty= --from-file=binary",
        "secret generic made --from-literal=k=v --from-file=binary --type=a/b",
        "secret docker-registry made --docker-username=a --docker-password=b",
        "namespace made",
        "serviceaccount made",
        "quota made --hard=pods=100,requests.cpu=3500m",
        f"job made --image={IMAGE}",
        f"job made --image={IMAGE} -- sleep 60",
        f"deployment made --image={IMAGE} --replicas=0 --port=80",
        f"deployment made --image={IMAGE} --replicas=3",
        "service clusterip made --tcp=80:5000 --tcp=81:http",
        "service clusterip made --clusterip=None",
        "service nodeport made --tcp=80:5000 --node-port=30001",
        "service externalname made --external-name=example.invalid",
    ],
)
def test_what_is_created_is_what_was_meant(
    kubectl: Kubectl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("binary").write_bytes(bytes(range(256)))
    words, _, pod_command = command.partition(" -- ")
    create = ("create", *shlex.split(words))
    rest = ("--", *shlex.split(pod_command)) if pod_command else ()
    meant = json.loads(succeeds(kubectl, *create, "--dry-run=client", "-o", "json", *rest))
    stored = json.loads(succeeds(kubectl, *create, "-o", "json", *rest))
    for changing in ("status", "creationTimestamp"):
        meant.pop(changing, None)
        meant["metadata"].pop(changing, None)
    assert _missing(_without_empty(meant), stored) == []


@needs_kubectl
def test_what_is_not_understood_is_refused(kubectl: Kubectl) -> None:
    refused = kubectl("create", "cronjob", "made", "--image=x", "--schedule=* * * * *")
    assert refused.returncode == 1
    assert "CronJob must be sent as application/json" in refused.stderr


def _envelope(kind: str, raw: bytes) -> bytes:
    """A protobuf body in the framing of Kubernetes; all lengths here are below 128."""
    version, name = b"v1", kind.encode()
    meta = b"\x0a" + bytes([len(version)]) + version + b"\x12" + bytes([len(name)]) + name
    return b"k8s\x00\x0a" + bytes([len(meta)]) + meta + b"\x12" + bytes([len(raw)]) + raw


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (_envelope("ConfigMap", b"\x0a\x03\x0a\x01a" + b"\x20\x01"), 415, "field 4 of ConfigMap must be sent as"),
        (_envelope("ConfigMap", b"\x0a\x05\x0a\x01a\x3a\x00"), 201, ""),
        (_envelope("ConfigMap", b"\x0a\x7f\x0a\x01a"), 400, "ends too early"),
        (_envelope("ConfigMap", b"\x0d\x00\x00\x00\x00"), 400, "unexpected protobuf wire type 5"),
        (b"nonsense", 400, "is not a Kubernetes protobuf message"),
    ],
)
def test_protobuf_bodies(api: ServedApi, http: requests.Session, body: bytes, status: int, message: str) -> None:
    headers = {"Content-Type": "application/vnd.kubernetes.protobuf"}
    answer = http.post(f"{api.url}/api/v1/namespaces/panda/configmaps", data=body, headers=headers)
    assert (answer.status_code, message in answer.text) == (status, True), answer.text


def test_a_dry_run_answers_and_changes_nothing(api: ServedApi, http: requests.Session) -> None:
    url, dry = f"{api.url}/api/v1/namespaces/panda/configmaps", {"dryRun": "All"}
    notes = {"metadata": {"name": "notes"}, "data": {"a": "1"}}
    assert http.post(url, params=dry, json=notes).status_code == 201
    assert http.get(f"{url}/notes").status_code == 404
    http.post(url, json=notes)
    revision = api.store.revision
    merge = {"Content-Type": "application/merge-patch+json"}
    changed = http.patch(f"{url}/notes", params=dry, data='{"data": {"a": "2"}}', headers=merge)
    assert changed.json()["data"] == {"a": "2"}
    assert http.delete(f"{url}/notes", json={"dryRun": ["All"]}).json()["kind"] == "ConfigMap"
    assert len(http.delete(url, params=dry).json()["items"]) == 1
    assert (api.store.revision, http.get(f"{url}/notes").json()["data"]) == (revision, {"a": "1"})
    assert http.post(url, params=dry, json=notes).status_code == 409
