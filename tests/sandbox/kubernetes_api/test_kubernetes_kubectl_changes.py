"""Real kubectl changes, deletes, waits and follows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.sandbox.kubernetes_api.kubectl_runs import Kubectl, needs_kubectl, running_pod, succeeds, table
from tests.sandbox.kubernetes_api.serving import (
    ServedApi,
    deployment,
    job,
    owned_by,
    pod,
    running,
    service,
)

pytestmark = needs_kubectl


def test_create_and_get_job(kubectl: Kubectl) -> None:
    assert succeeds(kubectl, "create", "-f", "-", stdin=job("grpc-job-1-1")) == "job.batch/grpc-job-1-1 created\n"
    head, row = table(succeeds(kubectl, "get", "jobs"))
    assert head == ["NAME", "STATUS", "COMPLETIONS", "DURATION", "AGE"]
    assert row[:3] == ["grpc-job-1-1", "Running", "0/1"]
    again = kubectl("create", "-f", "-", stdin=job("grpc-job-1-1"))
    assert again.returncode == 1
    assert "Error from server (AlreadyExists)" in again.stderr
    assert 'jobs.batch "grpc-job-1-1" already exists' in again.stderr


def test_unknown_fields_are_refused(kubectl: Kubectl) -> None:
    refused = kubectl("create", "-f", "-", stdin=job("j", backofLimit=0))
    assert refused.returncode == 1
    assert 'unknown field "spec.backofLimit"' in refused.stderr


def test_apply_creates_then_changes_then_leaves_alone(kubectl: Kubectl) -> None:
    manifest = deployment("d")
    assert succeeds(kubectl, "apply", "-f", "-", stdin=manifest) == "deployment.apps/d created\n"
    assert succeeds(kubectl, "apply", "-f", "-", stdin=manifest) == "deployment.apps/d unchanged\n"
    manifest["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "B", "value": "2"}]
    assert succeeds(kubectl, "apply", "-f", "-", stdin=manifest) == "deployment.apps/d configured\n"
    now = json.loads(succeeds(kubectl, "get", "deployment", "d", "-o", "json"))
    assert now["spec"]["template"]["spec"]["containers"][0]["env"] == [{"name": "B", "value": "2"}]
    assert now["metadata"]["generation"] == 2


@pytest.mark.parametrize("kind", ["merge", "strategic", "json"])
def test_patch(api: ServedApi, kubectl: Kubectl, kind: str) -> None:
    api.call(api.store.create, "services", service("s"), "panda")
    patches: dict[str, Any] = {
        "merge": {"metadata": {"labels": {"x": "y"}}},
        "strategic": {"metadata": {"labels": {"x": "y"}}},
        "json": [{"op": "add", "path": "/metadata/labels", "value": {"x": "y"}}],
    }
    out = succeeds(kubectl, "patch", "service", "s", "--type", kind, "-p", json.dumps(patches[kind]))
    assert out == "service/s patched\n"
    assert api.store.find("services", "s", "panda")["metadata"]["labels"] == {"x": "y"}


def test_label_scale_and_nodes(api: ServedApi, kubectl: Kubectl) -> None:
    api.call(api.store.create, "deployments", deployment("d"), "panda")
    assert succeeds(kubectl, "scale", "deployment", "d", "--replicas=3") == "deployment.apps/d scaled\n"
    assert api.store.find("deployments", "d", "panda")["spec"]["replicas"] == 3
    assert "labeled" in succeeds(kubectl, "label", "deployment", "d", "owner=suite")
    node = {
        "metadata": {"name": "master-node", "labels": {"node-role.kubernetes.io/control-plane": ""}},
        "spec": {"unschedulable": True},
        "status": {
            "conditions": [{"type": "Ready", "status": "True"}],
            "nodeInfo": {"kubeletVersion": "v1.34.1+k3s1"},
            "addresses": [{"type": "InternalIP", "address": "127.0.0.10"}],
        },
    }
    api.call(api.store.create, "nodes", node)
    _, row = table(succeeds(kubectl, "get", "nodes", "-o", "wide"))
    assert row[:3] == ["master-node", "Ready,SchedulingDisabled", "control-plane"]
    assert row[4:6] == ["v1.34.1+k3s1", "127.0.0.10"]


def test_delete_job_takes_its_pods_with_it(api: ServedApi, kubectl: Kubectl) -> None:
    parent = api.call(api.store.create, "jobs", job("j"), "panda")
    api.call(api.store.create, "pods", owned_by(parent, pod("j-abcde")), "panda")
    assert succeeds(kubectl, "delete", "job", "j").startswith('job.batch "j" deleted')
    assert api.store.list("pods") == []


def test_delete_foreground_and_by_selector(api: ServedApi, kubectl: Kubectl) -> None:
    parent = api.call(api.store.create, "jobs", job("j"), "panda")
    api.call(api.store.create, "pods", owned_by(parent, pod("j-abcde")), "panda")
    succeeds(kubectl, "delete", "job", "-l", "app=j", "--cascade=foreground")
    assert api.store.list("jobs") == []
    running_pod(api, "p")
    forced = kubectl("delete", "pod", "p", "--force", "--grace-period=0")
    assert forced.returncode == 0, forced.stderr
    assert api.store.list("pods") == []


def test_wait(api: ServedApi, kubectl: Kubectl) -> None:
    running_pod(api, "p")
    assert "condition met" in succeeds(kubectl, "wait", "--for=condition=Ready", "pod/p", "--timeout=60s")
    phase = "--for=jsonpath={.status.phase}=Running"
    assert "condition met" in succeeds(kubectl, "wait", phase, "pod/p", "--timeout=60s")


def test_deletion_of_a_pod_waits_for_its_node(api: ServedApi, kubectl: Kubectl) -> None:
    running_pod(api, "p")
    queue = api.call(api.store.subscribe, "pods")

    async def node() -> None:
        marked = await queue.get()
        api.store.unsubscribe(queue)
        assert marked.object["metadata"]["deletionGracePeriodSeconds"] == 30
        api.store.delete("pods", "p", "panda", grace_s=0)

    ending = api.start(node())
    assert succeeds(kubectl, "delete", "pod", "p").startswith('pod "p" deleted')
    ending.result(60)
    assert api.store.list("pods") == []


def test_watching_and_following(api: ServedApi, kubectl: Kubectl) -> None:
    running_pod(api, "p")
    log = api.log_folder / "panda_p_grpc-server.log"
    log.write_text("one\n", encoding="utf-8")

    begun = api.call(api.next_watch)

    async def life() -> None:
        await begun.wait()
        api.store.mutate("pods", "p", "panda", lambda each: each["metadata"].update(labels={"seen": "yes"}))

    change = api.start(life())
    shown = kubectl("get", "pods", "-w", "--request-timeout=2s", "--no-headers").stdout.splitlines()
    change.result(60)
    assert [line.split()[:3] for line in shown] == [["p", "1/1", "Running"]] * 2

    ended = running()
    ended["containerStatuses"][0]["state"] = {"terminated": {"exitCode": 0}}
    api.call(api.store.mutate, "pods", "p", "panda", lambda each: each.update(status=ended))
    assert succeeds(kubectl, "logs", "-f", "p") == "one\n"
