"""``SANDBOX_KUBECONFIG``: the estate on a cluster that belongs to someone else.

The machines that run these tests have no real control plane. A second sandbox therefore plays the other cluster, with
its own API server, scheduler, controllers and nodes, and a namespace with an estate that the tested sandbox must leave
alone.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from kubernetes import client, config

from environments.sandbox.kubernetes.elsewhere.access import read_access
from environments.sandbox.kubernetes.elsewhere.claim import claim
from environments.sandbox.kubernetes.elsewhere.slices import may_offer
from environments.sandbox.rabbitmq.installed import is_installed
from environments.sandbox.shared.errors import StartError, UsageError
from environments.sandbox.shared.kubernetes_client import KubernetesClient
from tests import warm
from tests.sandbox.estate.test_lifecycle import ROOT, Up, wait_until
from tests.sandbox.focus_server.estate import payload

VARIABLE, PREFIX = "SANDBOX_KUBECONFIG", "focus-acceptance-"
MARK = "focus-acceptance/may-be-used"
SLICES = "nvidia.com/gpu.shared"
IMAGES = {"JOB_IMAGE": "registry.sandbox/pzlinux:11.0.0", "CLEANUP_IMAGE": "registry.sandbox/cleanup-grpc:1.1"}
PACE = {"LIMITS__TIME_SCALE": "0.02", "SANDBOX__SETTINGS__TIME_SCALE": "0.02", "LIMITS__START_OVERHEAD_S": "3"}
A_FEW = "@JL-01a or @JL-05c or @JL-07c or @JL-10a or @JL-11a or @PV-04b or @CF-04a"
SET = [f"--set={name.lower()}={image}" for name, image in IMAGES.items()]


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with Up(tmp_path_factory.mktemp("theirs") / "run.json") as started:
        yield started


@pytest.fixture(scope="module")
def core(theirs: Up) -> Iterator[client.CoreV1Api]:
    with config.new_client_from_config(theirs.endpoints["kubernetes"]["kubeconfig"]) as connection:
        yield client.CoreV1Api(connection)


@pytest.fixture
def kubeconfig(theirs: Up, monkeypatch: pytest.MonkeyPatch) -> str:
    """The other cluster's kubeconfig, with the variable set to it."""
    path = str(theirs.endpoints["kubernetes"]["kubeconfig"])
    monkeypatch.setenv(VARIABLE, path)
    return path


@pytest.fixture
def marked(kubeconfig: str, core: client.CoreV1Api) -> Iterator[None]:
    core.patch_namespace("default", {"metadata": {"annotations": {MARK: "true"}}})
    yield
    core.patch_namespace("default", {"metadata": {"annotations": {MARK: None}}})


def ours(core: client.CoreV1Api) -> list[str]:
    """The namespaces, and the volumes with their names, that sandboxes created on the other cluster."""
    found = {
        each.metadata.name for listed in (core.list_namespace, core.list_persistent_volume) for each in listed().items
    }
    return sorted(name for name in found if name.startswith(PREFIX))


def refusal(*arguments: str) -> tuple[int, str]:
    """Exit code and the only output line of a sandbox that does not start."""
    done = warm.run("environments.sandbox", "up", *arguments, timeout_s=120)
    assert "ready" not in done.stdout and len(done.stderr.splitlines()) == 1, done.stderr
    return done.returncode, done.stderr


def broken(folder: Path, kubeconfig: str, change: str) -> Path:
    """A copy of the kubeconfig with one error."""
    content = yaml.safe_load(Path(kubeconfig).read_text(encoding="utf-8"))
    cluster, user = content["clusters"][0]["cluster"], content["users"][0]["user"]
    if change == "no authority":
        del cluster["certificate-authority"]
    elif change == "nobody":
        user.clear()
    elif change == "wrong token":
        user["token"] = "secret-word"
    elif change == "no server":
        cluster["server"] = "https://127.0.0.1:1"
    else:
        content = change
    path = folder / "kubeconfig.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("change", "kind", "sentence"),
    [
        ("no kubeconfig at all", UsageError, "cannot be used as a kubeconfig"),
        ("no authority", UsageError, "must name an https server and the authority of its certificate"),
        ("nobody", UsageError, "must hold a token, or a client certificate with its key"),
        ("wrong token", StartError, "refuses: Unauthorized"),
        ("no server", StartError, "https://127.0.0.1:1: Kubernetes is not reachable"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_sentence(
    kubeconfig: str, tmp_path: Path, change: str, kind: type[Exception], sentence: str
) -> None:
    """A UsageError has exit code 2, a StartError 1."""
    with pytest.raises(kind) as refused:
        asyncio.run(claim(read_access(broken(tmp_path, kubeconfig, change), tmp_path), permitted=True))
    said = str(refused.value)
    assert said.startswith(VARIABLE) and sentence in said and "\n" not in said and "secret-word" not in said


def test_a_file_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "/nowhere/kubeconfig")
    assert refusal() == (2, f"sandbox: {VARIABLE}: there is no file /nowhere/kubeconfig\n")


def test_a_cluster_that_nobody_marked_is_left_alone(kubeconfig: str, core: client.CoreV1Api) -> None:
    exit_code, said = refusal()
    assert exit_code == 1 and "is not marked for this" in said and "--yes-this-cluster" in said
    assert ours(core) == []


def test_faults_of_its_own_cluster_are_refused(marked: None, core: client.CoreV1Api) -> None:
    exit_code, said = refusal("--fault", "no-events")
    assert exit_code == 1 and "belongs to the sandbox's own cluster" in said and VARIABLE in said
    assert ours(core) == []


@pytest.mark.nightly
def test_the_suite_passes_on_it_and_leaves_nothing(marked: None, core: client.CoreV1Api, tmp_path: Path) -> None:
    """The unchanged features, in the environment ``cluster``, at the pace of the other sandbox."""
    before = {pod.metadata.name for pod in core.list_namespaced_pod("panda").items}
    settings = {f"FOCUS__SANDBOX__SETTINGS__{name}": image for name, image in IMAGES.items()}
    settings |= {f"FOCUS__{name}": value for name, value in PACE.items()} | {"FOCUS__LIMITS__OVERHEAD_S": "1"}
    command = [sys.executable, "-m", "behave", "-D", "env=cluster", "-D", f"reports={tmp_path}", f"--tags={A_FEW}"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=120, env={**os.environ, **settings}
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    run = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert {scenario["status"] for scenario in run["scenarios"]} == {"passed"} and len(run["scenarios"]) >= 6
    assert wait_until(lambda: ours(core) == [], 20)
    assert {pod.metadata.name for pod in core.list_namespaced_pod("panda").items} == before


@pytest.fixture
def unreachable(core: client.CoreV1Api) -> Iterator[None]:
    """Give the nodes an address that does not answer."""
    before = {node.metadata.name: node.status.addresses for node in core.list_node().items}
    nowhere = [{"type": "InternalIP", "address": "127.255.0.9"}]
    for name in before:
        core.patch_node_status(name, [{"op": "replace", "path": "/status/addresses", "value": nowhere}])
    yield
    for name, addresses in before.items():
        told = [each.to_dict() for each in addresses]
        core.patch_node_status(name, [{"op": "replace", "path": "/status/addresses", "value": told}])


@pytest.mark.nightly
def test_where_node_ports_are_not_reached_the_streams_are_forwarded(
    marked: None, unreachable: None, core: client.CoreV1Api, tmp_path: Path
) -> None:
    """Streams are forwarded on addresses of this sandbox, through the other's API server; a port opens only after its
    pod's."""
    exit_code, said = refusal(*SET)
    assert exit_code == 1 and "of 127.255.0.9 cannot be reached from this machine: --set stream_access=port_fo" in said
    up = Up(tmp_path / "run.json", *SET, "--set=stream_access=port_forward")
    try:
        answer = requests.post(
            f"{up.endpoints['focus_server']['base_url']}/configure", json=payload(),
            verify=up.endpoints["focus_server"]["ca_file"], timeout=60,
        ).json()  # fmt: skip
        host, port = answer["stream_url"].removeprefix("http://"), int(answer["stream_port"])
        namespace, job_id = up.endpoints["kubernetes"]["namespace"], answer["job_id"]
        assert wait_until(lambda: connects(host, port), 20)
        (pod,) = core.list_namespaced_pod(namespace, label_selector=f"app=grpc-job-{job_id}").items

        def log() -> str:
            return str(core.read_namespaced_pod_log(pod.metadata.name, namespace))

        with socket.create_connection((host, port), 5):
            assert wait_until(lambda: "client connected" in log(), 10), log()
        core.delete_namespaced_service(f"grpc-service-{job_id}", namespace)
        assert wait_until(lambda: not connects(host, port), 10)
    finally:
        up.process.terminate()
        up.process.wait(60)


def connects(host: str, port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((host, port)) == 0


def test_it_lives_in_a_namespace_of_its_own_with_slices_it_gives_and_takes(
    marked: None, core: client.CoreV1Api, tmp_path: Path
) -> None:
    workers = [node.metadata.name for node in core.list_node().items if node.metadata.name.startswith("worker")]
    had = core.read_node(workers[0]).status.allocatable[SLICES]
    for name in workers:
        core.patch_node_status(name, {"status": {"capacity": {SLICES: None}, "allocatable": {SLICES: None}}})
    up = Up(tmp_path / "run.json", *SET, "--set=gpu_slices=60")
    try:
        (namespace,) = ours(core)
        assert up.endpoints["kubernetes"]["namespace"] == namespace and "missing" not in up.endpoints
        assert {core.read_node(name).status.allocatable[SLICES] for name in workers} == {"30"}
        assert up.control("GET", "/state")["processes"].keys() == {
            "kubernetes",
            "mongodb",
            "focus_server",
            "ssh",
            "links",
        } | ({"rabbitmq"} if is_installed() else set())
        core.create_namespaced_config_map(namespace, {"metadata": {"name": "left-alone"}})
        service = {"metadata": {"name": "grpc-service-1-1"}, "spec": {"type": "NodePort", "ports": [{"port": 1}]}}
        core.create_namespaced_service(namespace, service)
        core.patch_namespaced_config_map("prisma-config", namespace, {"data": {"focus_view_url": "nonsense"}})
        up.control("POST", "/reset")
        assert "grpc-service-1-1" not in [each.metadata.name for each in core.list_namespaced_service(namespace).items]
        assert (
            core.read_namespaced_config_map("prisma-config", namespace).data["focus_view_url"].startswith("http://127.")
        )
        with pytest.raises(urllib.error.HTTPError) as refused:
            up.control("PUT", "/faults/job-crashes")
        assert refused.value.code == 409
    finally:
        up.process.kill()  # the namespace's process notices the end of its supervisor
        up.process.wait()
        gone = wait_until(lambda: ours(core) == [], 20)
        given = [(core.read_node(name).status.allocatable or {}).get(SLICES) for name in workers]
        for name in workers:
            core.patch_node_status(name, {"status": {"capacity": {SLICES: had}, "allocatable": {SLICES: had}}})
    assert gone and given == [None, None]


def test_what_a_killed_one_left_goes_with_the_next_and_with_down(
    marked: None, core: client.CoreV1Api, tmp_path: Path
) -> None:
    def killed(name: str) -> str:
        up = Up(tmp_path / name, *SET)
        namespace: str = up.endpoints["kubernetes"]["namespace"]
        keeper = up.control("GET", "/state")["processes"]["kubernetes"]["pid"]
        os.kill(keeper, signal.SIGSTOP)  # it would otherwise remove the namespace as soon as its supervisor has ended
        up.process.kill()
        up.process.wait()
        os.kill(keeper, signal.SIGKILL)
        assert namespace in ours(core)
        return namespace

    first = killed("first.json")
    second = killed("second.json")
    assert ours(core) == [second] != [first]
    down = [sys.executable, "-m", "environments.sandbox", "down", "--run-file", str(tmp_path / "second.json")]
    done = subprocess.run(down, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, f"removed the namespace {second} of a sandbox that is gone\n")
    assert ours(core) == []


def test_whoever_may_not_patch_nodes_is_told_so(kubeconfig: str, theirs: Up) -> None:
    """With the read-only viewer account: no slices, and the reason for the scenarios that need them."""
    content = yaml.safe_load(Path(kubeconfig).read_text(encoding="utf-8"))
    cluster, users = content["clusters"][0]["cluster"], {each["name"]: each["user"] for each in content["users"]}

    async def asked(user: dict[str, Any]) -> str:
        access = {"url": cluster["server"], "ca_file": cluster["certificate-authority"], **user}
        connection = KubernetesClient(access)
        try:
            return await may_offer(connection)
        finally:
            await connection.close()

    assert asyncio.run(asked(users["focus-acceptance"])) == ""
    assert "may not patch nodes/status" in asyncio.run(asked(users["viewer"]))
