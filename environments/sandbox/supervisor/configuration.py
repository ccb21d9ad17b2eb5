"""The configuration of each process, derived from one plan."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

from environments.sandbox.shared.certificates import Certificate
from environments.sandbox.supervisor.addresses import LOOPBACK
from environments.sandbox.supervisor.plan import CLUSTER_LINK, MONGODB_POD, TARGET_ADDRESS, ClusterAccess, Plan


def process_configs(plan: Plan) -> dict[str, dict[str, Any]]:
    """The configuration of each process by package name, in the best order to start them."""
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
    """Deviations from the default jobs: configured images; on a foreign cluster no host folders and maybe no GPU."""
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
        "data_file": str(plan.run_dir / "mongodb.sqlite"),
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
