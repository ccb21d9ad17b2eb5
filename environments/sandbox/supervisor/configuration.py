"""Who is told what: the configuration of every process, and the run file, from one plan."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus, urlsplit

from environments.sandbox.shared.certificates import Certificate
from environments.sandbox.supervisor.addresses import LOOPBACK

NAMESPACE = "panda"
DATABASE = "prisma"
DATABASE_USER = "prisma"
MONGODB_POD = "mongodb-79b869cc7c-vsjd9"
TARGET_ADDRESS = "target.sandbox"
RESERVED = (
    "kubernetes",
    "mongodb",
    "mongodb_link",
    "focus_mongodb_link",
    "focus_kubernetes_link",
    "jump",
    "target",
    "kubelet",
)
CLUSTER_LINK = "focus-server-kubernetes"
BROKER_NUMBER, CLUSTER_NUMBER = 2, 9
"""The last numbers of their addresses in the sandbox's own block, beside those of its nodes."""
CLUSTER_PORT = 6443
BROKER_EPMD_PORT, BROKER_DISTRIBUTION_PORT = 61_300, 61_600
"""Of the first block of addresses; each sandbox takes those of its own block. RabbitMQ does not start while anybody
listens on its distribution port, at whatever address."""
BROKER_PORTS_OF_ONE = (61_901, 61_902, 61_903)
BROKER_INTERNALS = ("server_port", "epmd_port", "distribution_port")
"""What no client needs to know of the broker."""
KUBERNETES_USERS = (
    "focus-acceptance",
    "system:node",
    "system:serviceaccount:panda:focus-server",
    "system:operator",
    "viewer",
)


@dataclass(frozen=True)
class DatabaseAccess:
    """Who may use which database. ``elsewhere`` is set when the server is not ours: host and port."""

    user: str
    password: str
    auth_source: str
    database: str
    elsewhere: tuple[str, int] | None = None


@dataclass(frozen=True)
class ClusterAccess:
    """A cluster that is not ours: who we are there, how a namespace is marked, and what it cannot do."""

    access: Mapping[str, str]
    owner: Mapping[str, str]
    slices_for: list[str]
    without_slices: str


@dataclass(frozen=True)
class Plan:
    """Everything decided before the first process starts."""

    run_dir: Path
    settings: Mapping[str, Any]
    faults: list[str]
    network: str
    nodes: list[dict[str, Any]]
    cluster_address: str
    """Where the SSH target reaches the Kubernetes API; nobody listens there, so that everybody else is refused."""
    ports: Mapping[str, int]
    ca_file: Path
    certificates: Mapping[str, Certificate]
    tokens: Mapping[str, str]
    mongodb: DatabaseAccess
    broker: Mapping[str, Any] | None
    """How the message broker is reached, or None without one."""
    jump_password: str
    jump_password_file: Path
    target_key_file: Path
    namespace: str = NAMESPACE
    cluster: ClusterAccess | None = None
    """Set when the cluster is not ours."""

    def at(self, name: str) -> str:
        return f"{LOOPBACK}:{self.ports[name]}"

    def mongodb_uri(self, port_name: str) -> str:
        access = self.mongodb
        return (
            f"mongodb://{quote_plus(access.user)}:{quote_plus(access.password)}@{self.at(port_name)}/"
            f"?authSource={quote_plus(access.auth_source)}&directConnection=true"
        )

    def kubernetes_access(self, user: str, port_name: str = "kubernetes") -> Mapping[str, str]:
        if self.cluster is not None:
            return self.cluster.access
        return {"url": f"https://{self.at(port_name)}", "ca_file": str(self.ca_file), "token": self.tokens[user]}


def broker_access(host: str, password: str) -> dict[str, Any]:
    """The broker has an address of the sandbox' own block, and there the ports that everybody knows; where there is one
    address only, ports beside those by which Erlang finds it.

    The Focus Server has a port of its own: what it has to say can wait until somebody looks, and starts no broker.
    """
    block = int(host.split(".")[1])
    ports = (5672, 5673, 15672) if block else BROKER_PORTS_OF_ONE
    return {
        "host": host,
        **dict(zip(("port", "server_port", "management_port"), ports, strict=True)),
        "epmd_port": BROKER_EPMD_PORT + block,
        "distribution_port": BROKER_DISTRIBUTION_PORT + block,
        "user": "prisma",
        "password": password,
        "vhost": "/",
        "exchange": "prisma",
    }


def process_configs(plan: Plan) -> dict[str, dict[str, Any]]:
    """The configuration of each process by package name, in the order they are best started."""
    own = {
        "kubernetes": _kubernetes(plan) if plan.cluster is None else _namespace_keeper(plan, plan.cluster),
        "mongodb": _mongodb(plan),
        "focus_server": _focus_server(plan),
        **({"node": _node(plan)} if plan.cluster is None else {}),
        "ssh": _ssh(plan),
        "links": _links(plan),
    }
    if plan.broker is not None:
        own["rabbitmq"] = dict(plan.broker)
    shared = {
        "run_dir": str(plan.run_dir),
        "settings": plan.settings,
        "faults": plan.faults,
        "network": plan.network,
        "namespace": plan.namespace,
        "nodes": plan.nodes,
    }
    return {package: {"name": package, **shared, **config} for package, config in own.items()}


def _certificate(certificate: Certificate) -> dict[str, str]:
    return {"cert_file": str(certificate.cert_file), "key_file": str(certificate.key_file)}


def _kubernetes(plan: Plan) -> dict[str, Any]:
    return {
        "host": LOOPBACK,
        "port": plan.ports["kubernetes"],
        "ca_file": str(plan.ca_file),
        "tokens": {token: user for user, token in plan.tokens.items()},
        "kubelet": {**_kubelet(plan), "token": plan.tokens["system:node"]},
        **_certificate(plan.certificates["kubernetes"]),
    }


def _namespace_keeper(plan: Plan, cluster: ClusterAccess) -> dict[str, Any]:
    image = _job_shape(plan)["server_image"]
    return {"access": cluster.access, "owner": cluster.owner, "slices_for": cluster.slices_for, "image": image}


def _job_shape(plan: Plan) -> dict[str, Any]:
    """What differs from the jobs on a cluster of ours."""
    given = {"server_image": plan.settings["job_image"], "cleanup_image": plan.settings["cleanup_image"]}
    shape: dict[str, Any] = {name: image for name, image in given.items() if image}
    if plan.cluster is not None:
        shape |= {"gpu": not plan.cluster.without_slices, "host_folders": False}
    return shape


def _kubelet(plan: Plan) -> dict[str, Any]:
    return {"host": LOOPBACK, "port": plan.ports["kubelet"]}


def _node(plan: Plan) -> dict[str, Any]:
    return {
        "kubernetes": plan.kubernetes_access("system:node"),
        "kubelet": _kubelet(plan),
        "processes": {"mongodb": plan.at("mongodb"), "focus-server": plan.at("focus_server")},
    }


def _mongodb(plan: Plan) -> dict[str, Any]:
    access = plan.mongodb
    where = {"host": LOOPBACK, "port": plan.ports["mongodb"]}
    if access.elsewhere is not None:
        host, port = access.elsewhere
        elsewhere = {**asdict(access), "host": host, "port": port}
        del elsewhere["elsewhere"]
        return {**where, "elsewhere": elsewhere, "seeded_file": str(plan.run_dir / "mongodb-seed.json")}
    user = {"user": access.user, "password": access.password, "database": access.auth_source, "roles": ["readWrite"]}
    return {
        **where,
        "database": access.database,
        "users": [user],
        "reports_as": f"{MONGODB_POD}:27017",
        "data_file": str(plan.run_dir / "mongodb.bson"),
    }


def _focus_server(plan: Plan) -> dict[str, Any]:
    return {
        "host": LOOPBACK,
        "port": plan.ports["focus_server"],
        "mongodb_uri": plan.mongodb_uri("focus_mongodb_link"),
        "mongodb_database": plan.mongodb.database,
        "kubernetes": plan.kubernetes_access("system:serviceaccount:panda:focus-server", "focus_kubernetes_link"),
        "rabbitmq": plan.broker and {**plan.broker, "port": plan.broker["server_port"]},
        "jobs": _job_shape(plan),
        **_certificate(plan.certificates["focus-server"]),
    }


def _ssh(plan: Plan) -> dict[str, Any]:
    return {
        "jump": {"host": LOOPBACK, "port": plan.ports["jump"], "user": "root", "password": plan.jump_password},
        "target": {
            "host": LOOPBACK,
            "port": plan.ports["target"],
            "user": "prisma",
            "authorized_key_file": str(plan.target_key_file.with_suffix(".pub")),
        },
        "target_name": next(node["name"] for node in plan.nodes if node["role"] == "worker"),
        "target_private_address": TARGET_ADDRESS,
        "forwardable": [plan.at("kubernetes") if plan.cluster is None else urlsplit(plan.cluster.access["url"]).netloc],
        "target_forwards": {plan.cluster_address: plan.at("kubernetes")} if plan.cluster is None else {},
        "host_key_dir": str(plan.run_dir / "ssh"),
        "known_hosts_file": str(plan.run_dir / "ssh" / "known_hosts"),
        "kubernetes": plan.kubernetes_access("system:operator"),
    }


def _links(plan: Plan) -> dict[str, Any]:
    def link(name: str, listen: str, upstream: str, workload: str, source: str) -> dict[str, str]:
        return {
            "name": name, "listen": plan.at(listen), "upstream": plan.at(upstream), "workload": workload, "from":
            source,
        }  # fmt: skip

    proxies = [
        link("mongodb", "mongodb_link", "mongodb", "mongodb", "client"),
        link("focus-server-mongodb", "focus_mongodb_link", "mongodb", "mongodb", "focus-server"),
    ]
    if plan.cluster is None:
        cluster = link(CLUSTER_LINK, "focus_kubernetes_link", "kubernetes", "kubernetes", "focus-server")
        proxies.append(cluster)
    return {"proxies": proxies}


def run_file(plan: Plan, control_port: int, control_token: str) -> dict[str, Any]:
    """The stable run file; the suite uses only what stands there."""
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
    """What the environment file may declare and this sandbox does not have: capability and reason."""
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
