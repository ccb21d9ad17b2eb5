"""Decisions made before the first process of a sandbox starts: addresses, names and permissions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

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
"""The ports of block 0; each sandbox adds the number of its block. RabbitMQ does not start while any process listens on
its distribution port, on any address."""
BROKER_PORTS_OF_ONE = (61_901, 61_902, 61_903)
BROKER_INTERNALS = ("server_port", "epmd_port", "distribution_port")
"""Fields of the broker that no client needs."""
KUBERNETES_USERS = (
    "focus-acceptance",
    "system:node",
    "system:serviceaccount:panda:focus-server",
    "system:operator",
    "viewer",
)


@dataclass(frozen=True)
class DatabaseAccess:
    """Credentials of a database. ``elsewhere`` is the host and port if the server is not the sandbox's own."""

    user: str
    password: str
    auth_source: str
    database: str
    elsewhere: tuple[str, int] | None = None


@dataclass(frozen=True)
class ClusterAccess:
    """A cluster that is not the sandbox's own: access to it, the annotations of the namespace, and its limitations."""

    access: Mapping[str, str]
    owner: Mapping[str, str]
    slices_for: list[str]
    without_slices: str


@dataclass(frozen=True)
class Plan:
    """All decisions made before the first process starts."""

    run_dir: Path
    settings: Mapping[str, Any]
    faults: list[str]
    network: str
    nodes: list[dict[str, Any]]
    cluster_address: str
    """The address by which the SSH target reaches the Kubernetes API. Nothing listens there, so others are refused."""
    ports: Mapping[str, int]
    ca_file: Path
    certificates: Mapping[str, Certificate]
    tokens: Mapping[str, str]
    mongodb: DatabaseAccess
    broker: Mapping[str, Any] | None
    """Access to the message broker, or None without one."""
    jump_password: str
    jump_password_file: Path
    target_key_file: Path
    namespace: str = NAMESPACE
    cluster: ClusterAccess | None = None
    """Set if the cluster is not the sandbox's own."""

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
    """Access to the broker. It has an address of the sandbox's own block with the well-known ports; if there is only
    one address, fixed other ports, beside those by which Erlang finds it.

    The Focus Server has a separate port (``server_port``): its messages can wait until a client needs the broker, and
    do not start it.
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
