"""kubectl on the target host."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from environments.sandbox.ssh.kubectl_errors import KubectlError
from environments.sandbox.ssh.kubectl_output import aligned, find, jsonpath
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


def test_the_custom_columns_of_the_earlier_suite(target: Client, hosts: Hosts) -> None:
    command = (
        "kubectl -n panda get pods --field-selector=status.phase!=Succeeded,status.phase!=Failed "
        "-o=custom-columns=NAME:.metadata.name,NAMESPACE:.metadata.namespace,STATUS:.status.phase,NODE:.spec.nodeName,"
        "RESTARTS:.status.containerStatuses[0].restartCount --no-headers"
    )
    rows = [line.split() for line in target.run(command).stdout.splitlines()]
    assert rows == [
        [POD, "panda", "Running", "worker-node-1", "0"],
        ["grpc-job-1-2-abcde", "panda", "Pending", "<none>", "<none>"],
    ]
    assert "fieldSelector=status.phase!" in hosts.cluster.requests[-1]


def test_json_name_and_jsonpath(target: Client) -> None:
    listed = json.loads(target.run("kubectl get pods -n panda --output=json").stdout)
    assert listed["kind"] == "List"
    assert {(item["kind"], item["apiVersion"]) for item in listed["items"]} == {("Pod", "v1")}
    assert json.loads(target.run(f"kubectl -n panda get pod {POD} -ojson").stdout)["metadata"]["name"] == POD
    assert target.run("kubectl get jobs -n panda -o name").stdout == "job.batch/grpc-job-1-2\n"
    port = target.run("kubectl get svc mongodb -n panda -o jsonpath='{.spec.ports[0].port}'")
    assert port.stdout == "27017"


@pytest.mark.parametrize(
    ("command", "stderr"),
    [
        ("get pod x", 'Error from server (NotFound): pods "x" not found'),
        ("logs x --tail=3", 'error: error from server (NotFound): pods "x" not found in namespace "panda"'),
        ("delete job x", 'Error from server (NotFound): jobs "x" not found'),
        ("scale deployment x --replicas=1", 'error: no objects passed to scale deployments "x" not found'),
        ("get secrets", 'error: resource type "secrets" is not supported here'),
        ("get pods -w", "error: unknown flag: -w"),
        ("get pods -o yaml", 'error: unable to match a printer suitable for the output format "yaml"'),
        ("get", "error: You must specify the type of resource"),
        ("get pods -l", "error: flag needs an argument: -l"),
        ("apply -f x.yaml", 'error: unknown command "apply" for "kubectl"'),
        ("delete service mongodb", "error: deleting services is not supported here"),
        ("delete pod", "error: resource(s) were provided, but no name was specified"),
        ("scale deployment mongodb --replicas=two", 'error: invalid argument "two" for "--replicas" flag'),
        ("scale pod x --replicas=1", "error: scaling pods is not supported here"),
        ("logs deployment/mongodb", "error: logs of deployment are not supported here"),
    ],
)
def test_errors_go_to_stderr_with_exit_code_1(target: Client, command: str, stderr: str) -> None:
    answer = target.run(f"kubectl -n panda {command}")
    assert (answer.exit_code, answer.stdout) == (1, "")
    assert answer.stderr.startswith(stderr)


def test_logs(target: Client) -> None:
    assert target.run(f"kubectl -n panda logs {POD} --tail=2").stdout == "line 4\nline 5\n"
    assert target.run(f"kubectl logs {POD} -n panda").stdout.count("\n") == 5


def test_a_client_that_leaves_takes_its_command_with_it(hosts: Hosts) -> None:
    with hosts.target() as target:
        target.paramiko.exec_command("kubectl -n panda logs grpc-job-1-2-abcde")
        assert hosts.cluster.log_asked.wait(5)
    assert hosts.cluster.log_abandoned.wait(5)


def test_a_stopped_api_server_is_a_refused_connection(target: Client, hosts: Hosts) -> None:
    hosts.cluster.pause()
    try:
        answer = target.run("kubectl -n panda get pods")
    finally:
        hosts.cluster.resume()
    assert answer.exit_code == 1
    refused = "was refused - did you specify the right host or port?"
    assert answer.stderr == f"The connection to the server 127.0.0.1:{hosts.cluster.port} {refused}\n"


def test_delete_and_scale_act_on_the_cluster(target: Client, hosts: Hosts) -> None:
    assert target.run(f"kubectl -n panda delete pod {POD}").stdout == f'pod "{POD}" deleted from panda namespace\n'
    assert POD not in hosts.cluster.objects["pods"]
    assert target.run("kubectl -n panda delete job grpc-job-1-2 --wait=false").exit_code == 0
    assert hosts.cluster.objects["jobs"] == {}
    scaled = target.run("kubectl -n panda scale deployment mongodb --replicas=0")
    assert scaled.stdout == "deployment.apps/mongodb scaled\n"
    assert hosts.cluster.objects["deployments"]["mongodb"]["spec"]["replicas"] == 0


def test_columns_are_aligned_as_kubectl_does() -> None:
    assert aligned([["A", "B"], ["xyzxyz", "1"]]) == "A        B\nxyzxyz   1\n"
    assert aligned([["A", "B"]]) == "A     B\n"


def test_paths() -> None:
    value = {"items": [{"a": {"b.c": 1}}, {"a": {"b.c": 2}}], "empty": []}
    assert find(".items[*].a.b\\.c", value) == [1, 2]
    assert find("items[-1].a['b.c']", value) == [2]
    assert find(".nothing[0].x", value) == []
    assert jsonpath('{.items[*].a}{"\\n"}', value) == '{"b.c":1} {"b.c":2}\n'
    with pytest.raises(KubectlError, match="index 0, length 0"):
        jsonpath("{.empty[0]}", value)
    with pytest.raises(KubectlError, match="not supported"):
        jsonpath("{range .items[*]}x{end}", value)
