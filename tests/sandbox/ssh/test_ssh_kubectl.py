"""kubectl on the target host."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.sandbox.ssh.cluster_stub import NEVER_TOLD
from tests.sandbox.ssh.ssh_harness import Client, Hosts

POD = "mongodb-79b869cc7c-vsjd9"


@pytest.fixture(scope="module")
def session(running: Hosts) -> Iterator[Client]:
    with running.target() as target:
        yield target


@pytest.fixture
def target(session: Client, hosts: Hosts) -> Client:
    return session


def test_version(target: Client) -> None:
    assert target.run("kubectl version --client").stdout.startswith("Client Version: v1.34.1+k3s1\n")
    answer = json.loads(target.run("kubectl version -o json --client").stdout)
    assert answer["clientVersion"]["gitVersion"] == "v1.34.1+k3s1"
    assert "Server Version: v1.34.1+k3s1\n" in target.run("kubectl version").stdout


def test_get_as_table(target: Client) -> None:
    assert target.run("kubectl -n panda get pods").stdout == (
        "NAME                       STATUS\nmongodb-79b869cc7c-vsjd9   Running\ngrpc-job-1-2-abcde         Pending\n"
    )
    wide = target.run("kubectl get pods -n panda -o wide --no-headers -l app=mongodb").stdout
    assert wide == f"{POD}   Running   worker-node-1\n"
    everywhere = target.run("kubectl get po -A --no-headers").stdout.splitlines()[0]
    assert everywhere == f"panda   {POD}   Running"
    assert target.run("kubectl get nodes --no-headers").stdout.startswith("worker-node-1   ")


def test_nothing_found_is_said_on_stderr(target: Client) -> None:
    answer = target.run("kubectl -n panda get sts")
    assert (answer.exit_code, answer.stdout, answer.stderr) == (0, "", "No resources found in panda namespace.\n")


def test_json_and_names(target: Client) -> None:
    listed = json.loads(target.run("kubectl get pods -n panda --output=json").stdout)
    assert listed["kind"] == "List"
    assert {(item["kind"], item["apiVersion"]) for item in listed["items"]} == {("Pod", "v1")}
    assert json.loads(target.run(f"kubectl -n panda get pod {POD} -ojson").stdout)["metadata"]["name"] == POD
    assert target.run("kubectl get jobs -n panda -o name").stdout == "job.batch/grpc-job-1-2\n"
    assert target.run(f"kubectl get po/{POD} -n panda -o name").stdout == f"pod/{POD}\n"


@pytest.mark.parametrize(
    ("command", "stderr"),
    [
        ("get pod x", 'Error from server (NotFound): pods "x" not found'),
        ("get nonsense", 'error: the server doesn\'t have a resource type "nonsense"'),
        ("get pods -w", "error: unrecognized arguments: -w"),
        ("get pods -o yaml", 'error: the output format "yaml" is not supported here, only wide, json, name'),
        ("get", "error: You must specify the type of resource"),
        ("get pods -l", "error: argument -l/--selector: expected one argument"),
        ("apply -f x.yaml", "error: unrecognized arguments: -f"),
        ("delete pod x", 'error: unknown command "delete" for "kubectl": the sandbox knows version and get'),
        ("", 'error: unknown command "" for "kubectl"'),
    ],
)
def test_errors_go_to_stderr_with_exit_code_1(target: Client, command: str, stderr: str) -> None:
    answer = target.run(f"kubectl -n panda {command}")
    assert (answer.exit_code, answer.stdout) == (1, "")
    assert answer.stderr.startswith(stderr)


def test_a_client_that_leaves_takes_its_command_with_it(hosts: Hosts) -> None:
    with hosts.target() as target:
        target.paramiko.exec_command(f"kubectl -n panda get pod {NEVER_TOLD} -o json")
        assert hosts.cluster.asked.wait(60)
    assert hosts.cluster.abandoned.wait(60)


def test_a_stopped_api_server_is_a_refused_connection(target: Client, hosts: Hosts) -> None:
    hosts.cluster.pause()
    try:
        answer = target.run("kubectl -n panda get pods")
    finally:
        hosts.cluster.resume()
    assert answer.exit_code == 1
    refused = "was refused - did you specify the right host or port?"
    assert answer.stderr == f"The connection to the server 127.0.0.1:{hosts.cluster.port} {refused}\n"
