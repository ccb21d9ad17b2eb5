"""Makes the plan of a sandbox: reserves addresses and ports, creates keys and passwords, claims external systems."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from environments.sandbox.rabbitmq.installed import is_installed
from environments.sandbox.shared.borrowed import owner
from environments.sandbox.shared.certificates import CertificateAuthority, write_secret, write_ssh_key
from environments.sandbox.supervisor import plan as plans
from environments.sandbox.supervisor.addresses import Addresses
from environments.sandbox.supervisor.plan import ClusterAccess, DatabaseAccess, Plan
from environments.sandbox.supervisor.settings import SandboxSettings

if TYPE_CHECKING:
    from environments.sandbox.kubernetes.elsewhere.claim import BorrowedCluster
    from environments.sandbox.mongodb.elsewhere import Elsewhere


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
    cluster_port = addresses.reserve("cluster") if addresses.is_one else plans.CLUSTER_PORT
    cluster_host = addresses.at(plans.CLUSTER_NUMBER)
    made = Plan(
        run_dir=run_dir,
        settings=asdict(settings),
        faults=sorted(faults),
        network=addresses.network,
        nodes=borrowed.nodes if borrowed else [asdict(node) for node in addresses.nodes(settings.nodes)],
        cluster_address=f"{cluster_host}:{cluster_port}",
        ports={
            "focus_server": addresses.reserve("focus server", settings.focus_server_port),
            **{name: addresses.reserve(name) for name in plans.RESERVED},
        },
        ca_file=authority.ca_file,
        certificates={
            "focus-server": authority.issue("focus-server", ["127.0.0.1"]),
            "kubernetes": authority.issue("kubernetes", ["127.0.0.1", cluster_host]),
        },
        tokens={user: secrets.token_urlsafe(24) for user in plans.KUBERNETES_USERS},
        mongodb=_database(mongodb),
        broker=_broker(settings, addresses),
        jump_password=jump_password,
        jump_password_file=write_secret(run_dir / "ssh" / "jump_password", jump_password),
        target_key_file=run_dir / "ssh" / "target_key",
    )
    if borrowed is None:
        return made
    access = ClusterAccess(borrowed.access, owner(), borrowed.to_be_given_slices, borrowed.without_slices)
    return replace(made, namespace=borrowed.namespace, cluster=access)


def _broker(settings: SandboxSettings, addresses: Addresses) -> dict[str, Any] | None:
    if settings.rabbitmq == "off" or not is_installed():
        return None
    return plans.broker_access(addresses.at(plans.BROKER_NUMBER), secrets.token_urlsafe(12))


def _database(elsewhere: Elsewhere | None) -> DatabaseAccess:
    if elsewhere is None:
        return DatabaseAccess(plans.DATABASE_USER, secrets.token_urlsafe(12), plans.DATABASE, plans.DATABASE)
    where = (elsewhere.host, elsewhere.port)
    return DatabaseAccess(elsewhere.user, elsewhere.password, elsewhere.auth_source, elsewhere.database, where)
