"""Readers of the manifests of ``deploy/suite``, and their comparison with what the Kubernetes API accepts."""

from __future__ import annotations

import subprocess
import tomllib
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import yaml
from kubernetes import client

from tests.sandbox.kubernetes_api.kubectl_runs import KUBECTL
from tools.rights import CLUSTER, STAGES, Request

ROOT = Path(__file__).resolve().parents[2]
SUITE = ROOT / "deploy" / "suite"
BASE, OVERLAYS = SUITE / "base", sorted((SUITE / "overlays").iterdir())
TABLE = SUITE / "requests.toml"
ROLES = ("Role", "ClusterRole")
Object = dict[str, Any]
_PATHS = {
    "Namespace": "/api/v1/namespaces", "ServiceAccount": "/api/v1/namespaces/{}/serviceaccounts",
    "ConfigMap": "/api/v1/namespaces/{}/configmaps", "Job": "/apis/batch/v1/namespaces/{}/jobs",
    "PersistentVolumeClaim": "/api/v1/namespaces/{}/persistentvolumeclaims",
    "CronJob": "/apis/batch/v1/namespaces/{}/cronjobs", "Secret": "/api/v1/namespaces/{}/secrets",
    "Role": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/roles",
    "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/rolebindings",
    "ClusterRole": "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "ClusterRoleBinding": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
}  # fmt: skip


def base() -> list[Object]:
    """The objects of the base, in the order in which they are applied."""
    files = yaml.safe_load((BASE / "kustomization.yaml").read_text(encoding="utf-8"))["resources"]
    return [each for file in files for each in yaml.safe_load_all((BASE / file).read_text(encoding="utf-8"))]


def rendered(overlay: Path) -> list[Object]:
    """The objects that ``kubectl apply -k`` would send."""
    command = [str(KUBECTL), "kustomize", str(overlay)]
    text = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    return list(yaml.safe_load_all(text))


def one(objects: list[Object], kind: str, name: str) -> Object:
    (found,) = (each for each in objects if (each["kind"], each["metadata"]["name"]) == (kind, name))
    return found


def collection_of(manifest: Object) -> str:
    """The API path under which an object is created."""
    return _PATHS[manifest["kind"]].format(manifest["metadata"].get("namespace"))


def templates(objects: list[Object]) -> Iterator[tuple[str, Object]]:
    """The pod specifications, each with the name of the object that creates the pods."""
    for each in objects:
        if each["kind"] in ("Job", "CronJob"):
            spec = each["spec"] if each["kind"] == "Job" else each["spec"]["jobTemplate"]["spec"]
            yield each["metadata"]["name"], spec["template"]["spec"]


def lost(manifest: Mapping[str, Any]) -> list[str]:
    """The fields of a manifest that the model of the official client does not know."""
    model = getattr(client, f"V1{manifest['kind']}")
    known = client.ApiClient().sanitize_for_serialization(model.from_dict(manifest))
    return _lost(manifest, known)


def _lost(wanted: Any, known: Any, at: str = "") -> list[str]:
    if isinstance(wanted, Mapping):
        return [each for key, value in wanted.items() for each in _lost(value, (known or {}).get(key), f"{at}.{key}")]
    if isinstance(wanted, list) and len(wanted) == len(known or []):
        return [each for value, other in zip(wanted, known or [], strict=True) for each in _lost(value, other, at)]
    return [] if wanted == known else [at]


def recorded() -> dict[str, set[Request]]:
    """The requests recorded from runs of the suite, by stage."""
    table = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return {
        stage: {
            Request(place, *reversed(text.split())) for place, asked in table.get(stage, {}).items() for text in asked
        }
        for stage in STAGES
    }


def permitted(objects: list[Object], stage: str) -> list[Request]:
    """The requests that a stage's own roles permit; a request permitted twice appears twice."""
    name = f"focus-acceptance-{stage}"
    roles = (each for each in objects if each["kind"] in ROLES and each["metadata"]["name"] == name)
    return [request for role in roles for request, _ in rules_of(role)]


def rules_of(role: Object) -> Iterator[tuple[Request, Object]]:
    """The requests that a role permits, each with a rule that permits only that request."""
    for rule in role["rules"]:
        for group, resource, verb in product(rule["apiGroups"], rule["resources"], rule["verbs"]):
            single = {"apiGroups": [group], "resources": [resource], "verbs": [verb]}
            yield Request(role["metadata"].get("namespace", CLUSTER), _named(resource, group), verb), single


def _named(resource: str, group: str) -> str:
    plural, slash, subresource = resource.partition("/")
    return f"{plural}.{group}{slash}{subresource}" if group else resource
