"""The run file: all that a client needs to know about a sandbox, and the kubeconfig that it names."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from environments.sandbox.supervisor.addresses import LOOPBACK
from environments.sandbox.supervisor.plan import BROKER_INTERNALS, TARGET_ADDRESS, Plan


def content(plan: Plan, control_port: int, control_token: str) -> dict[str, Any]:
    """The content of the run file in its stable format; the suite uses nothing else."""
    ssh = plan.run_dir / "ssh"
    broker = {key: value for key, value in (plan.broker or {}).items() if key not in BROKER_INTERNALS}
    return {
        **({"rabbitmq": broker} if broker else {}),
        "focus_server": {
            "base_url": f"https://{plan.at('focus_server')}/focus-server",
            "ca_file": str(plan.ca_file),
        },
        "kubernetes": {"kubeconfig": str(_write_kubeconfig(plan)), "namespace": plan.namespace},
        **_missing(plan),
        "mongodb": {"uri": plan.mongodb_uri("mongodb_link"), "database": plan.mongodb.database},
        "ssh": {
            "jump": {
                "host": LOOPBACK,
                "port": plan.ports["jump"],
                "user": "root",
                "password_file": str(plan.jump_password_file),
            },
            "target": {
                "host": TARGET_ADDRESS,
                "port": 22,
                "user": "prisma",
                "key_file": str(plan.target_key_file),
            },
            "known_hosts": str(ssh / "known_hosts"),
        },
        "control": {"url": f"http://{LOOPBACK}:{control_port}", "token": control_token},
    }


def _missing(plan: Plan) -> dict[str, Any]:
    """Capabilities that the environment file may declare and this sandbox lacks, with the reason."""
    missing = {}
    if plan.cluster is not None and plan.cluster.without_slices:
        missing["gpu"] = plan.cluster.without_slices
    addresses = {node["address"] for node in plan.nodes if node["role"] == "worker"}
    if len(addresses) == 1:
        missing["node_addresses"] = f"the nodes of this sandbox that take jobs have one address, {addresses.pop()}"
    return {"missing": missing} if missing else {}


def _write_kubeconfig(plan: Plan) -> Path:
    access = dict(plan.kubernetes_access("focus-acceptance"))
    if plan.cluster is None and plan.settings["kubernetes_port"] == "closed":
        access["url"] = f"https://{plan.cluster_address}"
    names = {"token": "token", "cert_file": "client-certificate", "key_file": "client-key"}
    users = {"sandbox": ("focus-acceptance", {names[key]: value for key, value in access.items() if key in names})}
    if plan.cluster is None:
        users["viewer"] = ("viewer", {"token": plan.tokens["viewer"]})
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "sandbox",
        "clusters": [
            {"name": "sandbox", "cluster": {"server": access["url"], "certificate-authority": access["ca_file"]}}
        ],
        "users": [{"name": name, "user": login} for name, login in users.values()],
        "contexts": [
            {"name": context, "context": {"cluster": "sandbox", "user": name, "namespace": plan.namespace}}
            for context, (name, _) in users.items()
        ],
    }
    path = plan.run_dir / "kubeconfig"
    path.touch(mode=0o600)
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return path


def write(path: Path, content: Mapping[str, Any]) -> None:
    """Write the run file atomically, readable by its owner only: it holds the credentials."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.touch(mode=0o600)
    temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    temporary.replace(path)
