"""Streams into pods while the node is unreachable, and stream requests in forms that the server does not serve."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests

from tests.sandbox.kubernetes_api.kubectl_runs import needs_kubectl, runner, running_pod
from tests.sandbox.kubernetes_api.serving import TOKEN, ServedApi, pod

PODS = "/api/v1/namespaces/panda/pods"
SPDY = {"Connection": "Upgrade", "Upgrade": "SPDY/3.1"}
WEBSOCKET = {
    "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol": "v9.channel.k8s.io",
}  # fmt: skip


@needs_kubectl
def test_exec_says_that_the_node_is_away(api: ServedApi, kubeconfig: Path, home: Path) -> None:
    running_pod(api, "p")
    refused = runner(home, kubeconfig)("exec", "p", "--", "true")
    assert refused.returncode == 1
    assert "error dialing backend: dial tcp 127.0.0.1:" in refused.stderr


@pytest.mark.parametrize(
    ("path", "headers", "status", "message"),
    [
        ("p/exec?command=true", {}, 400, "Upgrade request required"),
        ("p/exec?command=true", SPDY, 501, "over WebSocket only"),
        ("p/exec?command=true", WEBSOCKET, 400, "unable to negotiate protocol"),
        ("p/exec", SPDY, 400, "you must specify at least 1 command for the container"),
        ("p/exec?command=true&container=nope", SPDY, 400, "container nope is not valid for pod p"),
        ("p/portforward?ports=0", SPDY, 400, 'unable to parse "0" as a port'),
        ("p/portforward", {}, 400, "Upgrade request required"),
        ("p/attach", SPDY, 501, "do not serve attach"),
        ("waits/exec?command=true", SPDY, 400, "pod waits does not have a host assigned"),
        ("starts/exec?command=true", SPDY, 404, 'container not found ("grpc-server")'),
        ("nope/exec?command=true", SPDY, 404, "not found"),
    ],
)
def test_refused_before_the_upgrade(
    api: ServedApi, http: requests.Session, path: str, headers: dict[str, str], status: int, message: str
) -> None:
    running_pod(api, "p")
    api.call(api.store.create, "pods", pod("waits"), "panda")
    api.call(api.store.create, "pods", pod("starts", "worker-node-1"), "panda")
    answer = http.get(f"{api.url}{PODS}/{path}", headers={"Authorization": f"Bearer {TOKEN}", **headers})
    assert answer.status_code == status
    assert message in answer.text.replace('\\"', '"')
