from __future__ import annotations

import json
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml
from client_doubles import (
    Cluster,
    HttpServer,
    KubernetesAt,
    Received,
    Reply,
    http_server,
    named,
    port_that_refuses,
    status,
)

from support.clients.journal import Journal
from support.clients.kubernetes.client import (
    ClusterError,
    Deployment,
    Job,
    KubernetesClient,
    Pod,
    Service,
    kubernetes_address,
)
from support.clients.safety import SafetyError, SafetyPolicy

ALLOWED = SafetyPolicy("sandbox", True, True, True)
FORBIDDEN = SafetyPolicy("production")


def client_of(server: HttpServer, safety: SafetyPolicy = ALLOWED, journal: Journal | None = None) -> KubernetesClient:
    return KubernetesClient(KubernetesAt(server.url), journal or Journal(), safety)


@pytest.mark.parametrize(
    ("name", "job_id", "role"),
    [
        ("grpc-job-1-16", "1-16", "grpc"),
        ("grpc-job-1-160", "1-160", "grpc"),
        ("cleanup-job-12-70788", "12-70788", "cleanup"),
        ("grpc-job-1-16-abcde", None, None),
        ("xgrpc-job-1-16", None, None),
        ("grpc-job-1-16\n", None, None),
        ("grpc-job-1-", None, None),
        ("grpc-job-1-1٣", None, None),
    ],
)
def test_job_names_are_matched_as_a_whole(name: str, job_id: str | None, role: str | None) -> None:
    job = Job.parse(named(name))
    assert (job.job_id, job.role) == (job_id, role)


@pytest.mark.parametrize(
    ("name", "job_id"),
    [
        ("grpc-job-1-16-x4rtz", "1-16"),
        ("grpc-job-1-160-12345", "1-160"),
        ("cleanup-job-29-32-2fwhn", "29-32"),
        ("grpc-job-1-16", None),
        ("grpc-job-1-16-x4rtzz", None),
        ("grpc-job-1-16-X4RTZ", None),
        ("panda-panda-focus-server-78dbcfd9d9-kjj77", None),
    ],
)
def test_pod_names_are_matched_as_a_whole(name: str, job_id: str | None) -> None:
    assert Pod.parse(named(name)).job_id == job_id


@pytest.mark.parametrize(
    ("name", "job_id"), [("grpc-service-1-16", "1-16"), ("grpc-service-1-16x", None), ("mongodb", None)]
)
def test_service_names_are_matched_as_a_whole(name: str, job_id: str | None) -> None:
    assert Service.parse(named(name)).job_id == job_id


@pytest.mark.parametrize(
    ("status_part", "state"),
    [
        ({}, "Unknown"),
        ({"active": 1}, "Active"),
        ({"conditions": [{"type": "Complete", "status": "True"}]}, "Complete"),
        (
            {"active": 1, "conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]},
            "Failed",
        ),
        ({"active": 1, "conditions": [{"type": "Failed", "status": "False"}]}, "Active"),
        ({"conditions": [{"type": "FailureTarget", "status": "True"}]}, "Failing"),
        ({"conditions": [{"type": "SuccessCriteriaMet", "status": "True"}]}, "Completing"),
        ({"conditions": [{"type": kind, "status": "True"} for kind in ("FailureTarget", "Failed")]}, "Failed"),
        ({"conditions": [{"type": kind, "status": "True"} for kind in ("SuccessCriteriaMet", "Complete")]}, "Complete"),
    ],
)
def test_the_state_of_a_job(status_part: dict[str, Any], state: str) -> None:
    assert Job.parse(named("grpc-job-1-16", status=status_part)).state == state


def test_a_pod_in_full() -> None:
    raw = named(
        "grpc-job-1-16-abcde",
        labels={"app": "grpc-job-1-16"},
        spec={
            "nodeName": "worker-node-1",
            "containers": [
                {
                    "name": "grpc-server",
                    "image": "registry.sandbox/pzlinux:11.0.0",
                    "command": ["python", "-m", "baby_analyzer"],
                    "resources": {"requests": {"nvidia.com/gpu.shared": "1"}, "limits": {"memory": "1Gi"}},
                    "volumeMounts": [{"name": "certs", "mountPath": "/etc/ssl/certs"}],
                }
            ],
            "volumes": [
                {"name": "certs", "hostPath": {"path": "/etc/ssl/certs"}},
                {"name": "config", "configMap": {"name": "prisma-config"}},
                {"name": "storage", "persistentVolumeClaim": {"claimName": "storage-san"}},
                {"name": "scratch", "emptyDir": {}},
            ],
        },
        status={
            "phase": "Pending",
            "podIP": "127.9.1.1",
            "conditions": [
                {"type": "Ready", "status": "False"},
                {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "Insufficient gpu"},
            ],
            "containerStatuses": [
                {"restartCount": 2, "state": {"running": {}}},
                {"restartCount": 1, "state": {"waiting": {"reason": "ContainerCreating"}}},
            ],
        },
    )
    raw["metadata"] |= {
        "ownerReferences": [{"kind": "Job", "name": "grpc-job-1-16"}],
        "deletionTimestamp": "2026-01-01T00:00:00Z",
    }
    pod = Pod.parse(raw)
    assert (pod.phase, pod.ready, pod.restarts, pod.node, pod.ip) == ("Pending", False, 3, "worker-node-1", "127.9.1.1")
    assert pod.conditions["PodScheduled"].message == "Insufficient gpu"
    assert (pod.waiting_reason, pod.owner_job, pod.deleting) == ("ContainerCreating", "grpc-job-1-16", True)
    (container,) = pod.containers
    assert container.requests == {"nvidia.com/gpu.shared": "1"}
    assert container.limits == {"memory": "1Gi"}
    assert container.mounts == {"/etc/ssl/certs": "certs"}
    assert {name: (volume.kind, volume.ref) for name, volume in pod.volumes.items()} == {
        "certs": ("hostPath", "/etc/ssl/certs"),
        "config": ("configMap", "prisma-config"),
        "storage": ("persistentVolumeClaim", "storage-san"),
        "scratch": ("emptyDir", ""),
    }


def test_a_service_in_full() -> None:
    ports = [
        {"port": 12301, "targetPort": 5000, "nodePort": 12301},
        {"port": 80, "targetPort": "http", "protocol": "UDP"},
    ]
    spec = {"type": "NodePort", "clusterIP": "10.43.0.9", "selector": {"app": "grpc-job-1-16"}, "ports": ports}
    service = Service.parse(named("grpc-service-1-16", spec=spec))
    assert [(p.port, p.target_port, p.node_port, p.protocol) for p in service.ports] == [
        (12301, 5000, 12301, "TCP"),
        (80, "http", None, "UDP"),
    ]
    assert (service.type, service.cluster_ip, service.selector) == ("NodePort", "10.43.0.9", {"app": "grpc-job-1-16"})


ANSWERS: dict[str, Any] = {
    "/version/": {"gitVersion": "v1.34.1"},
    "/api/v1/nodes": {
        "items": [
            named(
                "master-node",
                labels={"node-role.kubernetes.io/control-plane": ""},
                spec={"taints": [{"effect": "NoSchedule"}]},
                status={
                    "addresses": [{"type": "InternalIP", "address": "127.9.0.10"}],
                    "allocatable": {"pods": 250},
                    "conditions": [{"type": "Ready", "status": "True"}],
                },
            ),
            named("worker-node-1", status={"conditions": [{"type": "Ready", "status": "Unknown"}]}),
        ]
    },
    "/api/v1/namespaces": {"items": [named("panda", status={"phase": "Active"})]},
    "/api/v1/namespaces/panda": named("panda", status={"phase": "Active"}),
    "/apis/apps/v1/namespaces/panda/deployments": {
        "items": [
            named("mongodb", spec={"replicas": 0}),
            named("other", spec={"replicas": 2}, status={"readyReplicas": 1}),
        ]
    },
    "/apis/apps/v1/namespaces/panda/statefulsets": {"items": [named("rabbitmq-panda", spec={})]},
    "/api/v1/namespaces/panda/persistentvolumeclaims": {"items": [named("storage-san", status={"phase": "Bound"})]},
    "/api/v1/namespaces/panda/configmaps/prisma-config": named("prisma-config", data={"storage_mount_path": "/prisma"}),
    "/api/v1/namespaces/panda/events?fieldSelector=involvedObject.name%3Dgrpc-job-1-16": {
        "items": [
            named("b", type="Normal", reason="Started", message="m", eventTime="2026-01-01T00:00:02.000001Z",
                  involvedObject={"kind": "Pod", "name": "p"}),
            named("a", type="Warning", reason="FailedScheduling", lastTimestamp="2026-01-01T00:00:01Z"),
        ]
    },
    "/apis/metrics.k8s.io/v1beta1/namespaces/panda/pods": {
        "items": [
            named("p", containers=[
                {"usage": {"cpu": "250m", "memory": "512Mi"}}, {"usage": {"cpu": "1500000n", "memory": "1Ki"}},
            ])
        ]
    },
}  # fmt: skip


def estate(received: Received) -> Reply:
    if received.path == "/api/v1/namespaces/panda/pods/p%2Fq/log?tailLines=10":
        return Reply(200, "zeile ä\nzwei\n".encode(), {"Content-Type": "text/plain"})
    if received.path not in ANSWERS:
        return status(404, f"{received.path} not found")
    return Reply.json(ANSWERS[received.path])


def test_the_estate_is_read() -> None:
    with http_server(estate) as server:
        client = client_of(server)
        assert client.version() == "v1.34.1"
        master, worker = client.nodes()
        assert (master.ready, master.schedulable, master.roles) == (True, False, frozenset({"control-plane"}))
        assert (master.addresses, master.allocatable) == (("127.9.0.10",), {"pods": "250"})
        assert (worker.ready, worker.schedulable) == (False, True)
        assert [namespace.phase for namespace in client.namespaces()] == ["Active"]
        assert client.namespace().name == "panda"
        assert [(d.name, d.replicas, d.ready) for d in client.deployments()] == [("mongodb", 0, 0), ("other", 2, 1)]
        assert [(d.kind, d.replicas) for d in client.stateful_sets()] == [("StatefulSet", 1)]
        assert client.claims()[0].phase == "Bound"
        assert client.config_map("prisma-config").data == {"storage_mount_path": "/prisma"}
        assert [event.reason for event in client.events("grpc-job-1-16")] == ["FailedScheduling", "Started"]
        assert client.pod_log("p/q", tail_lines=10) == "zeile ä\nzwei\n"
        usage = client.pod_metrics()["p"]
        assert (usage.cpu_millicores, usage.memory_bytes) == (251.5, 512 * 1024 * 1024 + 1024)
        with pytest.raises(ClusterError, match="404: .* not found") as raised:
            client.service("nope")
    assert raised.value.not_found
    assert {received.headers["authorization"] for received in server.received} == {"Bearer cluster-t0ken"}


def test_an_object_of_unexpected_shape_is_an_error_of_the_cluster() -> None:
    with (
        http_server(lambda _: Reply.json({"items": [{"metadata": {}}]})) as server,
        pytest.raises(ClusterError, match="unexpected shape"),
    ):
        client_of(server).pods()
    with http_server(lambda _: Reply(200, b"<html>")) as server, pytest.raises(ClusterError, match="not a JSON object"):
        client_of(server).pods()


@pytest.mark.parametrize("reply", [status(500, "no"), status(503, "no"), status(429, "no"), Reply(drop=True)])
def test_nothing_is_tried_twice(reply: Reply) -> None:
    with http_server(lambda _: reply) as server:
        client = client_of(server)
        with pytest.raises(ClusterError):
            client.pods()
        with pytest.raises(ClusterError):
            client.create_pod(named("p"))
    assert [received.method for received in server.received] == ["GET", "POST"]


def test_no_answer_is_told_in_one_sentence() -> None:
    with port_that_refuses() as port:
        client = KubernetesClient(KubernetesAt(f"http://127.0.0.1:{port}"), Journal(), ALLOWED)
        with pytest.raises(ClusterError, match="GET /api/v1/nodes: no answer: .*refused") as raised:
            client.nodes()
    assert raised.value.status == 0
    assert "\n" not in str(raised.value)


def test_release_deletes_exactly_three_objects_and_tells_what_was_gone() -> None:
    def answer(received: Received) -> Reply:
        return status(404, "gone") if "cleanup" in received.path else Reply.json({"status": "Success"})

    with http_server(answer) as server:
        release = client_of(server, FORBIDDEN).release("1-16")
    assert release.deleted == ("grpc-service-1-16", "grpc-job-1-16")
    assert release.already_gone == ("cleanup-job-1-16",)
    assert [f"{received.method} {received.path}" for received in server.received] == [
        "DELETE /api/v1/namespaces/panda/services/grpc-service-1-16",
        "DELETE /apis/batch/v1/namespaces/panda/jobs/grpc-job-1-16",
        "DELETE /apis/batch/v1/namespaces/panda/jobs/cleanup-job-1-16",
    ]
    options = json.loads(server.received[1].body)
    assert (options["propagationPolicy"], options["gracePeriodSeconds"]) == ("Background", 0)


def test_job_pod_is_taken_away_at_once() -> None:
    with http_server(lambda received: Reply.json({"status": "Success"})) as server:
        client_of(server, FORBIDDEN).delete_job_pod("grpc-job-1-16-abcde")
    (received,) = server.received
    assert received.path == "/api/v1/namespaces/panda/pods/grpc-job-1-16-abcde"
    assert json.loads(received.body)["gracePeriodSeconds"] == 0


@pytest.mark.parametrize("name", ["mongodb-79b869cc7c-vsjd9", "grpc-job-1-16", "rabbitmq-panda-0", ""])
def test_pod_that_is_not_of_an_investigation_is_not_taken_away(name: str) -> None:
    with http_server(lambda received: Reply.json({"status": "Success"})) as server:
        with pytest.raises(ClusterError, match="nothing was deleted"):
            client_of(server, FORBIDDEN).delete_job_pod(name)
        assert server.received == []


def test_one_job_of_an_investigation_is_removed_with_its_pod_at_once() -> None:
    with http_server(lambda received: Reply.json({"status": "Success"})) as server:
        client_of(server, FORBIDDEN).delete_job("cleanup-job-1-16")
    (received,) = server.received
    assert received.path == "/apis/batch/v1/namespaces/panda/jobs/cleanup-job-1-16"
    asked = json.loads(received.body)
    assert (asked["gracePeriodSeconds"], asked["propagationPolicy"]) == (0, "Background")


@pytest.mark.parametrize("name", ["grpc-job-1-16-abcde", "backup", "grpc-job-1", ""])
def test_job_that_is_not_of_an_investigation_is_not_removed(name: str) -> None:
    with http_server(lambda received: Reply.json({"status": "Success"})) as server:
        with pytest.raises(ClusterError, match="nothing was deleted"):
            client_of(server, FORBIDDEN).delete_job(name)
        assert server.received == []


def test_release_tries_everything_and_raises_what_is_not_a_404() -> None:
    def answer(received: Received) -> Reply:
        return status(403, "not allowed") if "services" in received.path else Reply.json({})

    with http_server(answer) as server, pytest.raises(ClusterError, match="403: not allowed"):
        client_of(server).release("1-16")
    assert len(server.received) == 3


@pytest.mark.parametrize("job_id", ["", "1", "1-16/../x", "1-16 "])
def test_release_sends_nothing_for_what_is_no_job_id(job_id: str) -> None:
    with http_server(lambda _: Reply.json({})) as server:
        with pytest.raises(ClusterError, match="nothing was deleted"):
            client_of(server).release(job_id)
        assert server.received == []


def test_what_is_dangerous_is_refused_before_anything_is_sent() -> None:
    workload = Deployment("Deployment", "mongodb", 1, 1, 1, {}, {})
    with http_server(lambda _: Reply.json({})) as server:
        client = client_of(server, FORBIDDEN)
        for call in (
            lambda: client.delete_pod("mongodb-0"),
            lambda: client.delete_service("mongodb"),
            lambda: client.patch_config_map("prisma-config", {"a": "b"}),
            lambda: client.scale(workload, 0),
            lambda: client.create_network_policy(named("cut")),
            lambda: client.delete_network_policy("cut"),
            lambda: client.create_pod(named("p")),
            lambda: client.create_service(named("s")),
        ):
            with pytest.raises(SafetyError, match="'production' does not permit"):
                call()
        assert server.received == []


def test_changes_are_sent_as_the_api_wants_them() -> None:
    with http_server(lambda received: Reply.json(json.loads(received.body) | {"metadata": {"name": "x"}})) as server:
        client = client_of(server)
        client.patch_config_map("prisma-config", {"a": "b", "gone": None})
        client.scale(Deployment("StatefulSet", "rabbitmq-panda", 1, 1, 1, {}, {}), 0)
        client.create_network_policy(named("cut"))
        client.delete_network_policy("x")
    patched, scaled, created, deleted = server.received
    assert (patched.method, patched.headers["Content-Type"]) == ("PATCH", "application/merge-patch+json")
    assert json.loads(patched.body) == {"data": {"a": "b", "gone": None}}
    assert scaled.path == "/apis/apps/v1/namespaces/panda/statefulsets/rabbitmq-panda/scale"
    assert json.loads(scaled.body) == {"spec": {"replicas": 0}}
    assert (created.method, created.path) == ("POST", "/apis/networking.k8s.io/v1/namespaces/panda/networkpolicies")
    assert (deleted.method, deleted.path) == ("DELETE", created.path + "/x")


def test_a_snapshot_knows_what_is_new_and_whose_it_is() -> None:
    cluster = Cluster()
    cluster.objects["jobs"] = [named("grpc-job-1-16")]
    with http_server(cluster.answer) as server:
        client = client_of(server)
        before = client.snapshot()
        cluster.objects["jobs"] += [named("grpc-job-1-160")]
        cluster.objects["pods"] = [named("grpc-job-1-160-abcde"), named("mongodb-0")]
        cluster.objects["services"] = [named("grpc-service-1-160"), named("mongodb")]
        after = client.snapshot()
    assert before.job_ids == {"1-16"}
    assert after.job_ids == {"1-16", "1-160"}
    assert after.of("1-16").names == ("job grpc-job-1-16",)
    assert after.of("1-160").names == ("job grpc-job-1-160", "pod grpc-job-1-160-abcde", "service grpc-service-1-160")


def test_the_token_never_reaches_the_journal_and_lists_are_summed_up() -> None:
    journal = Journal()
    with http_server(
        lambda r: Reply.json({"items": [named("p1"), named("p2")]} if r.method == "GET" else named("p"))
    ) as server:
        client = client_of(server, journal=journal)
        client.pods()
        client.create_pod(named("p", spec={"env": "cluster-t0ken"}))
    text = journal.text()
    assert "cluster-t0ken" not in text
    assert "2 items: p1, p2" in text
    assert "POST /api/v1/namespaces/panda/pods" in text


def kubeconfig(folder: Path, server: str, ca_pem: bytes | None = None) -> Path:
    authority = folder / "ca.pem"
    if ca_pem is not None:
        authority.write_bytes(ca_pem)
    cluster = {"server": server, **({"certificate-authority": str(authority)} if ca_pem else {})}
    path = folder / "kubeconfig"
    path.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "default",
                "clusters": [{"name": "default", "cluster": cluster}],
                "users": [{"name": "default", "user": {"token": "file-t0ken"}}],
                "contexts": [{"name": "default", "context": {"cluster": "default", "user": "default"}}],
            }
        )
    )
    return path


def test_a_kubeconfig_names_server_and_token(tmp_path: Path) -> None:
    journal = Journal()
    with http_server(lambda _: Reply.json({"gitVersion": "v1 file-t0ken"})) as server:
        settings = KubernetesAt(None, kubeconfig=kubeconfig(tmp_path, server.url), token=None)
        assert kubernetes_address(settings) == ("127.0.0.1", server.port)
        KubernetesClient(settings, journal, ALLOWED).version()
    assert server.received[0].headers["authorization"] == "Bearer file-t0ken"
    assert "file-t0ken" not in journal.text()


@pytest.mark.parametrize("settings", [KubernetesAt(None), KubernetesAt("http://127.0.0.1:1", access="ssh_tunnel")])
def test_what_cannot_be_reached_at_all_is_said_at_once(settings: KubernetesAt) -> None:
    with pytest.raises(ClusterError, match="reach the cluster"):
        KubernetesClient(settings, Journal(), ALLOWED)


@pytest.mark.parametrize(
    ("name_in_certificate", "trusted"), [("kubernetes.example", True), ("somebody.example", False)]
)
def test_a_tunnel_keeps_the_name_of_the_server(tmp_path: Path, name_in_certificate: str, trusted: bool) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name_in_certificate).configure_cert(context)
    with http_server(lambda _: Reply.json({"gitVersion": "v1"})) as server:
        listener: socket.socket = server._server.socket
        server._server.socket = context.wrap_socket(listener, server_side=True)

        class Tunnel:
            local_port, failure = server.port, None

        path = kubeconfig(tmp_path, "https://kubernetes.example:6443", authority.cert_pem.bytes())
        settings = KubernetesAt(None, access="ssh_tunnel", kubeconfig=path, token=None)
        client = KubernetesClient(settings, Journal(), ALLOWED, Tunnel())
        if trusted:
            assert client.version() == "v1"
            assert client.version() == "v1", "renewing the token must not leave the tunnel"
        else:
            with pytest.raises(ClusterError, match="(?i)hostname mismatch"):
                client.version()
