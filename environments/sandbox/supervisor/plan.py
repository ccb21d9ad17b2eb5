"""Decisions made before the first process of a sandbox starts: addresses, names, keys, passwords, permissions."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

from environments.sandbox.rabbitmq.home import is_installed
from environments.sandbox.shared.certificates import Certificate, CertificateAuthority, write_secret, write_ssh_key
from environments.sandbox.supervisor.addresses import LOOPBACK, Addresses
from environments.sandbox.supervisor.settings import SandboxSettings

if TYPE_CHECKING:
    from environments.sandbox.kubernetes.elsewhere.claim import BorrowedCluster
    from environments.sandbox.mongodb.elsewhere import Elsewhere

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
    namespace: str
    cluster: BorrowedCluster | None
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


async def claim_cluster(
    kubeconfig: Path, folder: Path, permitted: bool, settings: SandboxSettings, addresses: Addresses
) -> BorrowedCluster:
    """Claim the cluster of a kubeconfig; data embedded in the kubeconfig is written into ``folder``."""
    from environments.sandbox.kubernetes.elsewhere.access import read_access  # slow to load, seldom needed
    from environments.sandbox.kubernetes.elsewhere.claim import claim

    folder.mkdir(mode=0o700)
    borrowed = await claim(read_access(kubeconfig, folder), permitted)
    if settings.stream_access == "port_forward":  # the streams are then on this machine
        own = addresses.nodes(len(borrowed.nodes))
        nodes = [{**node, "address": at.address} for node, at in zip(borrowed.nodes, own, strict=False)]
        borrowed = replace(borrowed, nodes=nodes)
    return borrowed


def make_plan(
    settings: SandboxSettings, run_dir: Path, addresses: Addresses, faults: Iterable[str], mongodb: Elsewhere | None,
    borrowed: BorrowedCluster | None,
) -> Plan:  # fmt: skip
    """Make the plan; an external MongoDB or cluster takes the place of the sandbox's own."""
    authority = CertificateAuthority(run_dir / "tls")
    jump_password = secrets.token_urlsafe(12)
    write_ssh_key(run_dir / "ssh", "target_key")
    addresses.look_at_node_ports(settings.nodeport_first, settings.nodeport_last)
    cluster_port = addresses.reserve("cluster") if addresses.is_one else CLUSTER_PORT
    cluster_host = addresses.at(CLUSTER_NUMBER)
    return Plan(
        run_dir=run_dir,
        settings=asdict(settings),
        faults=sorted(faults),
        network=addresses.network,
        nodes=borrowed.nodes if borrowed else [asdict(node) for node in addresses.nodes(settings.nodes)],
        cluster_address=f"{cluster_host}:{cluster_port}",
        ports={
            "focus_server": addresses.reserve("focus server", settings.focus_server_port),
            **{name: addresses.reserve(name) for name in RESERVED},
        },
        ca_file=authority.ca_file,
        certificates={
            "focus-server": authority.issue("focus-server", ["127.0.0.1"]),
            "kubernetes": authority.issue("kubernetes", ["127.0.0.1", cluster_host]),
        },
        tokens={user: secrets.token_urlsafe(24) for user in KUBERNETES_USERS},
        mongodb=_database(mongodb),
        broker=_broker(settings, addresses),
        jump_password=jump_password,
        jump_password_file=write_secret(run_dir / "ssh" / "jump_password", jump_password),
        target_key_file=run_dir / "ssh" / "target_key",
        namespace=borrowed.namespace if borrowed else NAMESPACE,
        cluster=borrowed,
    )


def _broker(settings: SandboxSettings, addresses: Addresses) -> dict[str, Any] | None:
    if settings.rabbitmq == "off" or not is_installed():
        return None
    return broker_access(addresses.at(BROKER_NUMBER), secrets.token_urlsafe(12))


def _database(elsewhere: Elsewhere | None) -> DatabaseAccess:
    if elsewhere is None:
        return DatabaseAccess(DATABASE_USER, secrets.token_urlsafe(12), DATABASE, DATABASE)
    where = (elsewhere.host, elsewhere.port)
    return DatabaseAccess(elsewhere.user, elsewhere.password, elsewhere.auth_source, elsewhere.database, where)
