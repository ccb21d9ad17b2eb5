"""The workload that is always there, under the names of the real site."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from environments.sandbox.kubernetes.controllers.deployments import HASH_LABEL, replica_set
from environments.sandbox.kubernetes.controllers.meta import Object, pod_from
from environments.sandbox.kubernetes.store.object_store import Store
from environments.sandbox.kubernetes.store.objects import clone

FOCUS_SERVER = "panda-panda-focus-server"
FOCUS_SERVER_PORT = 5000
STORAGE_CLAIM = "storage-san"
STORAGE_MOUNT_PATH = "/prisma/root/recordings/segy"
_RABBITMQ_PORTS = {
    "amqp": 5672, "amqp-tls": 5671, "http-stats": 15672, "metrics": 9419, "epmd": 4369, "dist": 25672,
}  # fmt: skip
_JOB_TEMPLATE = """apiVersion: batch/v1
kind: Job
metadata:
  name: grpc-job-$JOB_ID
spec:
  backoffLimit: 0
  ttlSecondsAfterFinished: 120
  template:
    spec:
      restartPolicy: Never
      containers:
      - name: grpc-server
        image: registry.sandbox/pzlinux:$PZ_IMAGE_TAG
        command: ["$GRPC_JOB_PARAMETERS"]
"""


@dataclass(frozen=True)
class StaticDeployment:
    """A deployment and the names its replica set and pod have on the real site."""

    name: str
    labels: Mapping[str, str]
    container: str
    image: str
    template_hash: str
    pod_suffix: str
    ports: Mapping[str, int] = field(default_factory=dict)
    requests: Mapping[str, str] = field(default_factory=lambda: {"cpu": "100m", "memory": "256Mi"})

    def create(self, store: Store, namespace: str) -> None:
        deployment = store.create("deployments", self._deployment(), namespace)
        template = clone(deployment["spec"]["template"])
        template["metadata"]["labels"][HASH_LABEL] = self.template_hash
        name = f"{self.name}-{self.template_hash}"
        owner = store.create("replicasets", replica_set(deployment, name, template, revision=1, replicas=1), namespace)
        pod = pod_from(template, "replicasets", owner)
        pod["metadata"]["name"] = f"{name}-{self.pod_suffix}"
        store.create("pods", pod, namespace)

    def _deployment(self) -> Object:
        labels = dict(self.labels)
        return {
            "metadata": {
                "name": self.name, "labels": labels, "annotations": {"deployment.kubernetes.io/revision": "1"},
            },
            "spec": {
                "replicas": 1,
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {"containers": [_container(self.container, self.image, self.ports, self.requests)]},
                },
            },
        }  # fmt: skip


DEPLOYMENTS = (
    StaticDeployment(
        FOCUS_SERVER, {"app.kubernetes.io/name": FOCUS_SERVER, "app.kubernetes.io/instance": "panda"}, "focus-server",
        "registry.sandbox/focus-server:11.0.0", "78dbcfd9d9", "kjj77", {"http": FOCUS_SERVER_PORT},
    ),
    StaticDeployment(
        "mongodb", {"app.kubernetes.io/name": "mongodb", "app.kubernetes.io/instance": "mongodb"}, "mongodb",
        "registry.sandbox/mongodb:7.0", "79b869cc7c", "vsjd9", {"mongodb": 27017},
    ),
    StaticDeployment(
        "panda-panda-segy-recorder",
        {"app.kubernetes.io/name": "panda-panda-segy-recorder", "app.kubernetes.io/instance": "panda"},
        "segy-recorder", "registry.sandbox/segy-recorder:11.0.0", "788f56f69", "l89v7",
    ),
)  # fmt: skip
_RABBITMQ_LABELS = {"app.kubernetes.io/name": "rabbitmq", "app.kubernetes.io/instance": "rabbitmq-panda"}


def create_workloads(store: Store, namespace: str, load_balancer_address: str) -> None:
    """Everything that runs or is published in ``namespace`` before the first investigation."""
    for deployment in DEPLOYMENTS:
        deployment.create(store, namespace)
    _rabbitmq(store, namespace)
    focus, mongodb = DEPLOYMENTS[0], DEPLOYMENTS[1]
    _service(store, namespace, FOCUS_SERVER, dict(focus.labels), {"http": FOCUS_SERVER_PORT}, "10.43.103.101")
    for name, labels, ports, address in (
        ("mongodb", dict(mongodb.labels), {"mongodb": 27017}, "10.43.74.248"),
        ("rabbitmq-panda", _RABBITMQ_LABELS, _RABBITMQ_PORTS, "10.43.10.166"),
    ):
        _service(store, namespace, name, labels, ports, address, load_balancer_address)
    _service(store, namespace, "rabbitmq-panda-headless", _RABBITMQ_LABELS, _RABBITMQ_PORTS, "None")


def create_configuration(store: Store, namespace: str, view_address: str) -> None:
    """Config maps, the secret and the service account."""
    settings = (
        f'class Focus:\n    storage_mount_path = "{STORAGE_MOUNT_PATH}"\n    focus_view_url = "http://{view_address}"\n'
    )
    prisma = {
        "default_config.py": settings, "storage_mount_path": STORAGE_MOUNT_PATH,
        "focus_view_url": f"http://{view_address}",
    }  # fmt: skip
    for name, data in (("prisma-config", prisma), ("grpc-job-template", {"job.yml": _JOB_TEMPLATE})):
        store.create("configmaps", {"metadata": {"name": name}, "data": data}, namespace)
    password = base64.b64encode(secrets.token_urlsafe(16).encode()).decode()
    secret = {"metadata": {"name": "rabbitmq-panda"}, "type": "Opaque", "data": {"rabbitmq-password": password}}
    store.create("secrets", secret, namespace)
    store.create("serviceaccounts", {"metadata": {"name": "cleanup-sa"}}, namespace)


def create_storage(store: Store, namespace: str) -> None:
    """The recordings: a bound claim and its volume."""
    capacity = {"storage": "100Ti"}
    claim = store.create("persistentvolumeclaims", {
        "metadata": {"name": STORAGE_CLAIM},
        "spec": {
            "accessModes": ["ReadWriteMany"], "resources": {"requests": capacity}, "volumeName": STORAGE_CLAIM,
            "storageClassName": "",
        },
        "status": {"phase": "Bound", "accessModes": ["ReadWriteMany"], "capacity": capacity},
    }, namespace)  # fmt: skip
    store.create("persistentvolumes", {
        "metadata": {"name": STORAGE_CLAIM},
        "spec": {
            "accessModes": ["ReadWriteMany"], "capacity": capacity, "persistentVolumeReclaimPolicy": "Retain",
            "volumeMode": "Filesystem", "nfs": {"server": "storage.sandbox", "path": "/recordings"},
            "claimRef": {
                "kind": "PersistentVolumeClaim", "apiVersion": "v1", "namespace": namespace, "name": STORAGE_CLAIM,
                "uid": claim["metadata"]["uid"],
            },
        },
        "status": {"phase": "Bound"},
    })  # fmt: skip


def _rabbitmq(store: Store, namespace: str) -> None:
    labels = dict(_RABBITMQ_LABELS)
    container = _container(
        "rabbitmq", "registry.sandbox/rabbitmq:3.13", _RABBITMQ_PORTS, {"cpu": "250m", "memory": "256Mi"}
    )
    store.create("statefulsets", {
        "metadata": {"name": "rabbitmq-panda", "labels": labels},
        "spec": {
            "replicas": 1, "serviceName": "rabbitmq-panda-headless", "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }, namespace)  # fmt: skip


def _container(name: str, image: str, ports: Mapping[str, int], requests: Mapping[str, str]) -> Object:
    container: Object = {"name": name, "image": image, "resources": {"requests": dict(requests)}}
    if ports:
        container["ports"] = [{"name": port, "containerPort": number} for port, number in ports.items()]
    return container


def _service(
    store: Store, namespace: str, name: str, selector: Mapping[str, str], ports: Mapping[str, int], address: str,
    load_balancer: str | None = None,
) -> None:  # fmt: skip
    spec: dict[str, Any] = {
        "type": "LoadBalancer" if load_balancer else "ClusterIP",
        "clusterIP": address,
        "selector": dict(selector),
        "ports": [{"name": port, "port": number, "targetPort": number} for port, number in ports.items()],
    }
    service: Object = {"metadata": {"name": name, "labels": dict(selector)}, "spec": spec}
    if load_balancer:
        spec["allocateLoadBalancerNodePorts"] = False
        service["status"] = {"loadBalancer": {"ingress": [{"ip": load_balancer, "ipMode": "VIP"}]}}
    store.create("services", service, namespace)
