"""The official Python client runs commands in pods and forwards their ports."""

from __future__ import annotations

import contextlib
import socket

import pytest
from kubernetes import client, config
from kubernetes.stream import portforward, stream

from tests.sandbox.estate.test_lifecycle import Up
from tests.sandbox.kubernetes_api.estate_runs import RABBITMQ, kubeconfig_of


@pytest.fixture
def core(up: Up) -> client.CoreV1Api:
    """A separate client for each test: stream() changes the one it gets."""
    return client.CoreV1Api(config.new_client_from_config(str(kubeconfig_of(up))))


@pytest.mark.parametrize(
    ("command", "exit_code", "stdout", "stderr"),
    [
        (["hostname"], 0, f"{RABBITMQ}\n", ""),
        (["sh", "-c", "echo out; echo err >&2; exit 3"], 3, "out\n", "err\n"),
        (["nope"], 127, "", 'exec: "nope": executable file not found in $PATH: unknown\n'),
    ],
)
def test_exec(core: client.CoreV1Api, command: list[str], exit_code: int, stdout: str, stderr: str) -> None:
    outputs = {"stderr": True, "stdin": False, "stdout": True, "tty": False}
    running = stream(
        core.connect_get_namespaced_pod_exec, RABBITMQ, "panda", command=command, _preload_content=False, **outputs
    )
    running.run_forever(timeout=60)
    assert running.returncode == exit_code
    assert running.read_stdout() == stdout
    assert running.read_stderr().endswith(stderr)


def test_exec_in_one_call(core: client.CoreV1Api) -> None:
    text = stream(
        core.connect_get_namespaced_pod_exec, RABBITMQ, "panda", command=["echo", "a", "b"], stderr=True, stdout=True
    )
    assert text == "a b\n"


def test_exec_refused(core: client.CoreV1Api) -> None:
    with pytest.raises(client.ApiException) as refused:
        stream(core.connect_get_namespaced_pod_exec, "nope", "panda", command=["true"], stdout=True)
    assert "404" in str(refused.value)


def test_port_forward(core: client.CoreV1Api) -> None:
    selector = "app.kubernetes.io/name=panda-panda-focus-server"
    (pod,) = core.list_namespaced_pod("panda", label_selector=selector).items
    assert pod.metadata is not None
    forward = portforward(core.connect_get_namespaced_pod_portforward, pod.metadata.name, "panda", ports="5000,81")
    with contextlib.closing(forward.socket(5000)) as connection:
        connection.settimeout(10)
        connection.sendall(b"plain words to a server that speaks TLS\r\n\r\n")
        assert connection.recv(1)[:1] in (b"", b"H", b"\x15")
    with contextlib.closing(forward.socket(81)) as connection:
        connection.settimeout(10)
        assert _rest(connection) == b""
    assert "connection refused" in forward.error(81)


def _rest(connection: socket.socket) -> bytes:
    try:
        return bytes(connection.recv(1))
    except ConnectionError:
        return b""
