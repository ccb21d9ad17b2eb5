"""Kubeconfigs and credential plugins for tests, and clients that use them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from client_doubles import HttpServer, KubernetesAt

from support.clients.journal import Journal
from support.clients.kubernetes.client import KubernetesClient
from support.clients.safety import SafetyPolicy
from support.config import ConfigurationError

ALLOWED = SafetyPolicy("sandbox")
CREDENTIAL = """#!/bin/sh
echo '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": %s}'
"""


def kubeconfig(folder: Path, server: str, user: Any = None, **cluster: Any) -> Path:
    path = folder / "kubeconfig"
    content = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
        "clusters": [{"name": "k", "cluster": {"server": server, **cluster}}],
        "users": [{"name": "u", "user": {"token": "t"} if user is None else user}],
    }
    path.write_text(yaml.safe_dump(content))
    return path


def client(path: Path, journal: Journal | None = None, **more: Any) -> KubernetesClient:
    return KubernetesClient(KubernetesAt(None, kubeconfig=path, token=None, **more), journal or Journal(), ALLOWED)


def refusal(path: Path, **more: Any) -> str:
    with pytest.raises(ConfigurationError) as raised:
        client(path, **more)
    told = str(raised.value)
    assert "\n" not in told
    assert str(path) in told
    return told


def script(folder: Path, text: str) -> dict[str, Any]:
    path = folder / "plugin"
    path.write_text(text)
    path.chmod(0o700)
    return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(path), "interactiveMode": "Never"}}


def version(server: HttpServer) -> Any:
    return server.received[-1].headers.get("authorization")
