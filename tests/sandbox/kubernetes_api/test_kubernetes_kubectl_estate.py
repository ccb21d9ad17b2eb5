"""Real kubectl and a whole sandbox: commands that need controllers, nodes and the processes behind the pods."""

from __future__ import annotations

import json
import re
import select
import socket
import subprocess
from pathlib import Path
from typing import Any

import pymongo
import pytest
import requests

from tests.sandbox.estate.test_lifecycle import Up, wait_until
from tests.sandbox.kubernetes_api.estate_runs import RABBITMQ, Forward, environment, kubeconfig_of
from tests.sandbox.kubernetes_api.kubectl_runs import KUBECTL, Kubectl, needs_kubectl, runner, succeeds, table
from tests.sandbox.node.estate import grpc_job

pytestmark = needs_kubectl

MONGODB, FOCUS_SERVER = "deployment/mongodb", "deployment/panda-panda-focus-server"
WITHIN = "--timeout=60s"


@pytest.fixture
def kubectl(up: Up, home: Path) -> Kubectl:
    return runner(home, kubeconfig_of(up))


def _pid(up: Up, process: str) -> int | None:
    pid: int | None = up.control("GET", "/state")["processes"][process]["pid"]
    return pid


def _replaced(up: Up, process: str, old: int | None) -> bool:
    """Whether a new process serves. A Focus Server has completed its clean-up by then."""
    return _ended(old) and wait_until(lambda: len(up.control("GET", "/state")["processes"][process]) > 1, 15)


def _ended(pid: int | None) -> bool:
    return wait_until(lambda: not Path(f"/proc/{pid}").exists(), 10)


def _job(name: str, *words: str, **pod: Any) -> dict[str, Any]:
    body = {"apiVersion": "batch/v1", "kind": "Job", **grpc_job(name.removeprefix("grpc-job-"), *words)}
    body["spec"]["template"]["spec"].update(pod)
    return body


@pytest.mark.parametrize(
    ("command", "exit_code", "stdout", "stderr"),
    [
        (("hostname",), 0, f"{RABBITMQ}\n", ""),
        (("true",), 0, "", ""),
        (("false",), 1, "", ""),
        (("sleep", "0"), 0, "", ""),
        (("sh", "-c", "exit 3"), 3, "", ""),
        (("sh", "-c", "echo out; echo err >&2; exit 42"), 42, "out\n", "err\n"),
        (("ls", "/var/log"), 0, "rabbitmq.log\n", ""),
        (("cat", "/nope"), 1, "", "cat: /nope: No such file or directory\n"),
        (("nope", "-x"), 127, "", 'exec: "nope": executable file not found in $PATH'),
    ],
)
def test_exec_has_two_outputs_and_an_exit_code(
    kubectl: Kubectl, command: tuple[str, ...], exit_code: int, stdout: str, stderr: str
) -> None:
    done = kubectl("exec", RABBITMQ, "--", *command)
    assert (done.returncode, done.stdout) == (exit_code, stdout)
    assert stderr in done.stderr
    assert ("command terminated with exit code" in done.stderr) == (exit_code != 0)


def test_exec_sees_the_world_of_the_container(kubectl: Kubectl) -> None:
    assert f"HOSTNAME={RABBITMQ}" in succeeds(kubectl, "exec", RABBITMQ, "--", "env").splitlines()
    assert "rabbitmq" in succeeds(kubectl, "exec", f"pod/{RABBITMQ}", "--", "ps")
    log = succeeds(kubectl, "exec", RABBITMQ, "-c", "rabbitmq", "--", "cat", "/var/log/rabbitmq.log")
    assert log == succeeds(kubectl, "logs", RABBITMQ)
    assert succeeds(kubectl, "exec", MONGODB, "--", "hostname").startswith("mongodb-")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nope", "--", "true"), 'Error from server (NotFound): pods "nope" not found'),
        ((RABBITMQ, "-c", "nope", "--", "true"), f"container nope is not valid for pod {RABBITMQ}"),
        (("--context", "viewer", RABBITMQ, "--", "true"), 'User "viewer" cannot create resource "pods/exec"'),
    ],
)
def test_exec_refused(kubectl: Kubectl, arguments: tuple[str, ...], message: str) -> None:
    refused = kubectl("exec", *arguments)
    assert refused.returncode == 1
    assert message in refused.stderr


def test_port_forward_to_a_service_leads_to_its_process(up: Up, home: Path) -> None:
    with Forward(up, home, "svc/panda-panda-focus-server", 5000) as forward, requests.Session() as http:
        http.trust_env = False
        http.verify = up.endpoints["focus_server"]["ca_file"]
        for _ in range(3):
            url = f"https://127.0.0.1:{forward.port}/focus-server/openapi.json"
            assert http.get(url, headers={"Connection": "close"}, timeout=60).status_code == 200
    with Forward(up, home, "svc/mongodb", 27017) as forward:
        uri = re.sub(r"127\.0\.0\.1:\d+", f"127.0.0.1:{forward.port}", up.endpoints["mongodb"]["uri"])
        with pymongo.MongoClient[dict[str, Any]](uri, serverSelectionTimeoutMS=10_000) as client:
            assert "base_paths" in client[up.endpoints["mongodb"]["database"]].list_collection_names()


def test_port_forward_to_a_job(up: Up, home: Path, kubectl: Kubectl) -> None:
    succeeds(kubectl, "create", "-f", "-", stdin=_job("grpc-job-1-1"))
    selector = ("-l", "app=grpc-job-1-1")
    succeeds(kubectl, "wait", "--for=condition=Ready", "pod", *selector, WITHIN)
    pod = succeeds(kubectl, "get", "pod", *selector, "-o", "name").strip()

    def logged(text: str) -> bool:
        return wait_until(lambda: text in succeeds(kubectl, "logs", pod), 10)

    assert logged("listens on port 5000")
    with Forward(up, home, pod, 5000) as forward:
        with socket.create_connection(("127.0.0.1", forward.port), timeout=60) as client:
            client.sendall(b"x" * 200_000)
            assert logged("client connected (1 now)")
        assert logged("client disconnected (0 now)")
    assert "baby_analyzer --roi 1 50" in succeeds(kubectl, "exec", pod, "--", "ps")
    succeeds(kubectl, "delete", "job", "grpc-job-1-1")


def test_port_forward_to_a_port_nobody_listens_on(up: Up, home: Path, kubectl: Kubectl) -> None:
    with Forward(up, home, f"pod/{RABBITMQ}", 81) as forward:
        with socket.create_connection(("127.0.0.1", forward.port), timeout=60) as client:
            assert client.recv(1) == b""
        assert "connection refused" in forward.last_words()
    refused = kubectl("port-forward", "pod/nope", ":1")
    assert 'pods "nope" not found' in refused.stderr


def test_describe_service_shows_its_endpoints(kubectl: Kubectl) -> None:
    address = succeeds(kubectl, "get", "pod", RABBITMQ, "-o", "jsonpath={.status.podIP}")
    assert re.search(rf"Endpoints:\s+{address}:5672", succeeds(kubectl, "describe", "svc", "rabbitmq-panda"))
    slices = ("get", "endpointslices", "-l", "kubernetes.io/service-name=rabbitmq-panda")
    assert table(succeeds(kubectl, *slices, "--no-headers"))[0][-2:-1] == [address]


def test_rollout_restart_replaces_pod_and_process(up: Up, kubectl: Kubectl) -> None:
    old_pods, old = succeeds(kubectl, "get", "pods", "-o", "name"), _pid(up, "mongodb")
    assert "restarted" in succeeds(kubectl, "rollout", "restart", MONGODB)
    assert "successfully rolled out" in succeeds(kubectl, "rollout", "status", MONGODB, WITHIN)
    assert _replaced(up, "mongodb", old)
    assert wait_until(lambda: len(set(_mongodb_pods(kubectl)) - set(old_pods.split())) == 1, 10)
    assert [row[0] for row in table(succeeds(kubectl, "rollout", "history", MONGODB))[2:4]] == ["1", "2"]
    restarted = _pid(up, "mongodb")
    assert "rolled back" in succeeds(kubectl, "rollout", "undo", MONGODB)
    assert "successfully rolled out" in succeeds(kubectl, "rollout", "status", MONGODB, WITHIN)
    assert _replaced(up, "mongodb", restarted)


def _mongodb_pods(kubectl: Kubectl) -> list[str]:
    return [pod for pod in succeeds(kubectl, "get", "pods", "-o", "name").split() if "/mongodb-" in pod]


def test_rollout_restart_of_a_stateful_set_keeps_the_name(kubectl: Kubectl) -> None:
    uid = ("get", "pod", RABBITMQ, "-o", "jsonpath={.metadata.uid}")
    old = succeeds(kubectl, *uid)
    succeeds(kubectl, "rollout", "restart", "statefulset/rabbitmq-panda")
    status = succeeds(kubectl, "rollout", "status", "statefulset/rabbitmq-panda", WITHIN)
    assert "roll out complete: 1 new pods have been updated" in status
    assert succeeds(kubectl, *uid) != old


def test_scale_to_nothing_and_back(up: Up, kubectl: Kubectl) -> None:
    old = _pid(up, "focus_server")
    assert "scaled" in succeeds(kubectl, "scale", FOCUS_SERVER, "--replicas=0")
    assert _ended(old)
    assert _pid(up, "focus_server") is None
    assert table(succeeds(kubectl, "get", FOCUS_SERVER, "--no-headers"))[0][1] == "0/0"
    nobody = kubectl("exec", FOCUS_SERVER, "--pod-running-timeout=100ms", "--", "true")
    assert "timed out waiting for the condition" in nobody.stderr
    succeeds(kubectl, "scale", FOCUS_SERVER, "--replicas=1")
    assert "condition met" in succeeds(kubectl, "wait", "--for=condition=Available", FOCUS_SERVER, WITHIN)
    assert _replaced(up, "focus_server", old)


def test_wait_for_a_job_to_complete(kubectl: Kubectl) -> None:
    window = ("--time-start", "2026-01-01:10:00:00", "--time-end", "2026-01-01:10:00:20")
    job = _job("grpc-job-2-2", *window)
    job["spec"]["ttlSecondsAfterFinished"] = 3600  # it must still exist when kubectl has started and looks for it
    succeeds(kubectl, "create", "-f", "-", stdin=job)
    assert "condition met" in succeeds(kubectl, "wait", "--for=condition=Complete", "job/grpc-job-2-2", WITHIN)
    in_vain = kubectl("wait", "--for=condition=Failed", "job/grpc-job-2-2", "--timeout=100ms")
    assert "timed out waiting for the condition" in in_vain.stderr
    selector = ("-l", "app=grpc-job-2-2", "-o", "name")
    pod = succeeds(kubectl, "get", "pod", *selector).strip()
    completed = kubectl("exec", pod, "--", "true")
    assert "cannot exec into a container in a completed pod" in completed.stderr


def test_logs_of_the_earlier_life_of_a_container(up: Up, kubectl: Kubectl) -> None:
    refused = kubectl("logs", "--previous", RABBITMQ)
    assert f'previous terminated container "rabbitmq" in pod "{RABBITMQ}" not found' in refused.stderr
    up.control("PUT", "/faults/job-crashes")
    job = _job("grpc-job-3-3", restartPolicy="OnFailure")
    job["spec"]["backoffLimit"] = 50
    succeeds(kubectl, "create", "-f", "-", stdin=job)
    selector = ("pod", "-l", "app=grpc-job-3-3")
    again = re.compile(r'"restartCount": [1-9]')
    assert wait_until(lambda: bool(again.search(succeeds(kubectl, "get", *selector, "-o", "json"))), 10)
    pod = succeeds(kubectl, "get", *selector, "-o", "name").strip()
    up.control("DELETE", "/faults/job-crashes")
    assert "cannot initialise the GPU" in succeeds(kubectl, "logs", "--previous", pod)
    assert wait_until(lambda: "processing live data" in kubectl("logs", pod).stdout, 10)
    assert "cannot initialise the GPU" in succeeds(kubectl, "logs", "-p", pod)
    succeeds(kubectl, "delete", "job", "grpc-job-3-3")


def test_cluster_info(up: Up, kubectl: Kubectl) -> None:
    server = json.loads(kubeconfig_of(up).read_text())["clusters"][0]["cluster"]["server"]
    assert f"is running at {server}" in re.sub(r"\x1b\[[\d;]*m", "", succeeds(kubectl, "cluster-info"))


def test_the_viewer_reads_and_nothing_else(kubectl: Kubectl) -> None:
    viewer = ("--context", "viewer")
    assert f"pod/{RABBITMQ}" in succeeds(kubectl, *viewer, "get", "pods", "-o", "name")
    deleting = kubectl(*viewer, "delete", "pod", RABBITMQ)
    refusal = 'User "viewer" cannot delete resource "pods" in API group "" in the namespace "panda"'
    assert deleting.stderr == f'Error from server (Forbidden): pods "{RABBITMQ}" is forbidden: {refusal}\n'
    assert "secrets is forbidden" in kubectl(*viewer, "get", "secrets").stderr
    assert kubectl(*viewer, "auth", "can-i", "delete", "pods").returncode == 1
    assert succeeds(kubectl, *viewer, "auth", "can-i", "list", "pods") == "yes\n"


def test_a_command_ends_with_its_pod(up: Up, home: Path, kubectl: Kubectl) -> None:
    succeeds(kubectl, "create", "-f", "-", stdin=_job("grpc-job-4-4"))
    selector = ("-l", "app=grpc-job-4-4")
    succeeds(kubectl, "wait", "--for=condition=Ready", "pod", *selector, WITHIN)
    pod = succeeds(kubectl, "get", "pod", *selector, "-o", "name").strip()
    command = [str(KUBECTL), "exec", pod, "--", "sh", "-c", "echo begun; sleep 600"]
    with subprocess.Popen(command, env=environment(home, kubeconfig_of(up)), stdout=subprocess.PIPE) as running:
        try:
            assert running.stdout is not None
            assert select.select([running.stdout], [], [], 30)[0], "kubectl exec has told nothing"
            assert running.stdout.readline() == b"begun\n"
            succeeds(kubectl, "delete", "job", "grpc-job-4-4")
            assert running.wait(60) == 137
        finally:
            running.kill()  # a command that waits for ever would block the run
