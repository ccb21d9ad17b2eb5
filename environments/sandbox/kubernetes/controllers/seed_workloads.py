"""The static workloads: the manifests of ``estate.yaml`` under the names of the real site."""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping
from pathlib import Path

import yaml

from environments.sandbox.kubernetes.controllers.deployments import HASH_LABEL, replica_set
from environments.sandbox.kubernetes.controllers.meta import Object, pod_from
from environments.sandbox.kubernetes.store.object_store import Store
from environments.sandbox.kubernetes.store.objects import clone
from environments.sandbox.kubernetes.store.resources import RESOURCES

FOCUS_SERVER = "panda-panda-focus-server"
FOCUS_SERVER_PORT = 5000
STORAGE_CLAIM = "storage-san"
NAMES: Mapping[str, tuple[str, str]] = {
    FOCUS_SERVER: ("78dbcfd9d9", "kjj77"),
    "mongodb": ("79b869cc7c", "vsjd9"),
    "panda-panda-segy-recorder": ("788f56f69", "l89v7"),
}
"""Deployment -> suffixes of the names of its replica set and of its pod on the real site."""
_ESTATE = Path(__file__).with_name("estate.yaml")
_PLURALS = {resource.kind: plural for plural, resource in RESOURCES.items()}
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def create_workloads(store: Store, namespace: str, view_address: str) -> None:
    """Create all storage, workloads and services of ``namespace`` that exist before the first investigation."""
    given = {"namespace": namespace, "node": view_address, "password": secrets.token_urlsafe(16)}
    text = string.Template(_ESTATE.read_text(encoding="utf-8")).substitute(given)
    for manifest in yaml.load_all(text, _LOADER):
        plural = _PLURALS[manifest["kind"]]
        created = store.create(plural, manifest, namespace)
        if plural == "deployments":
            _create_pod(store, created)


def _create_pod(store: Store, deployment: Object) -> None:
    """Create the replica set and the pod of a deployment."""
    name, namespace = deployment["metadata"]["name"], deployment["metadata"]["namespace"]
    template_hash, pod_suffix = NAMES[name]
    template = clone(deployment["spec"]["template"])
    template["metadata"]["labels"][HASH_LABEL] = template_hash
    wanted = replica_set(deployment, f"{name}-{template_hash}", template, revision=1, replicas=1)
    owner = store.create("replicasets", wanted, namespace)
    pod = pod_from(template, "replicasets", owner)
    pod["metadata"]["name"] = f"{owner['metadata']['name']}-{pod_suffix}"
    store.create("pods", pod, namespace)
