"""The messages kubectl sends as protobuf, with the numbers of ``generated.proto`` in k8s.io/api and apimachinery.

A test compares what is decoded with what the same kubectl prints as JSON.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Message:
    name: str
    fields: Mapping[int, Field]


@dataclass(frozen=True)
class Field:
    """One field: ``read`` makes JSON of bytes, of an int, or of a dict where there is a ``message``."""

    name: str
    read: Callable[[Any], Any] = bytes.decode
    message: Message | None = None
    many: bool = False
    is_map: bool = False
    kept_when_empty: bool = False
    dropped: bool = False


def _text(*names: str) -> dict[int, Field]:
    return {number: Field(name) for number, name in enumerate(names, start=1)}


def _texts(name: str) -> Field:
    return Field(name, many=True)


def _map(name: str) -> Field:
    return Field(name, is_map=True)


def _count(name: str) -> Field:
    return Field(name, _signed)


def _number(name: str) -> Field:
    """A pointer in Go: 0 is not the same as absent."""
    return Field(name, _signed, kept_when_empty=True)


def _one(name: str, message: Message) -> Field:
    return Field(name, dict, message)


def _many(name: str, message: Message) -> Field:
    return Field(name, dict, message, many=True)


def _signed(value: int) -> int:
    return value - 2**64 if value >= 2**63 else value


def _int_or_string(value: Mapping[str, Any]) -> Any:
    return value.get("string", "") if value.get("type") else value.get("int", 0)


def _quantity(value: Mapping[str, str]) -> str:
    return value.get("string", "0")


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


TypeMeta = Message("TypeMeta", _text("apiVersion", "kind"))

_QUANTITY = Message("Quantity", _text("string"))
_INT_OR_STRING = Message("IntOrString", {1: _count("type"), 2: _count("int"), 3: Field("string")})
_STATUS = Field("status", dropped=True)
_METADATA = _one(
    "metadata",
    Message("ObjectMeta", {**_text("name", "generateName", "namespace"), 11: _map("labels"), 12: _map("annotations")}),
)
_RESOURCES = Message("ResourceRequirements", {
    1: Field("limits", _quantity, _QUANTITY, is_map=True), 2: Field("requests", _quantity, _QUANTITY, is_map=True),
})  # fmt: skip
_CONTAINER_PORT = Message("ContainerPort", {1: Field("name"), 3: _count("containerPort"), 4: Field("protocol")})
_CONTAINER = Message("Container", {
    **_text("name", "image"), 3: _texts("command"), 4: _texts("args"), 5: Field("workingDir"),
    6: _many("ports", _CONTAINER_PORT), 7: _many("env", Message("EnvVar", _text("name", "value"))),
    8: _one("resources", _RESOURCES), 14: Field("imagePullPolicy"),
})  # fmt: skip
_POD = Message("PodSpec", {
    2: _many("containers", _CONTAINER), 3: Field("restartPolicy"), 4: _number("terminationGracePeriodSeconds"),
    7: _map("nodeSelector"), 8: Field("serviceAccountName"),
})  # fmt: skip
_TEMPLATE = _one("template", Message("PodTemplateSpec", {1: _METADATA, 2: _one("spec", _POD)}))
_SELECTOR = _one("selector", Message("LabelSelector", {1: _map("matchLabels")}))
_SERVICE_PORT = Message("ServicePort", {
    **_text("name", "protocol"), 3: _count("port"), 4: Field("targetPort", _int_or_string, _INT_OR_STRING),
    5: _count("nodePort"),
})  # fmt: skip
_SERVICE = Message("ServiceSpec", {
    1: _many("ports", _SERVICE_PORT), 2: _map("selector"), 3: Field("clusterIP"), 4: Field("type"),
    10: Field("externalName"), 18: _texts("clusterIPs"),
})  # fmt: skip
_JOB = Message("JobSpec", {
    1: _number("parallelism"), 2: _number("completions"), 3: _number("activeDeadlineSeconds"), 4: _SELECTOR,
    6: _TEMPLATE, 7: _number("backoffLimit"), 8: _number("ttlSecondsAfterFinished"),
})  # fmt: skip
_QUOTA = Message("ResourceQuotaSpec", {1: Field("hard", _quantity, _QUANTITY, is_map=True)})
_DEPLOYMENT = Message("DeploymentSpec", {1: _number("replicas"), 2: _SELECTOR, 3: _TEMPLATE})
_ACCESS = Message("ResourceAttributes", _text(
    "namespace", "verb", "group", "version", "resource", "subresource", "name"
))  # fmt: skip
_ACCESS_SPEC = Message("SelfSubjectAccessReviewSpec", {
    1: _one("resourceAttributes", _ACCESS),
    2: _one("nonResourceAttributes", Message("NonResourceAttributes", _text("path", "verb"))),
})  # fmt: skip
_TOKEN = Message("TokenRequestSpec", {1: _texts("audiences"), 4: _number("expirationSeconds")})
_RULE = Message("PolicyRule", {
    number: _texts(name)
    for number, name in enumerate(("verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs"), start=1)
})  # fmt: skip
_ROLE = {1: _METADATA, 2: _many("rules", _RULE)}
_BINDING = {
    1: _METADATA,
    2: _many("subjects", Message("Subject", _text("kind", "apiGroup", "name", "namespace"))),
    3: _one("roleRef", Message("RoleRef", _text("apiGroup", "kind", "name"))),
}


def _object(kind: str, spec: Message) -> Message:
    return Message(kind, {1: _METADATA, 2: _one("spec", spec), 3: _STATUS})


BODIES: Mapping[str, Message] = {
    "ConfigMap": Message("ConfigMap", {1: _METADATA, 2: _map("data"), 3: Field("binaryData", _base64, is_map=True)}),
    "Secret": Message("Secret", {1: _METADATA, 2: Field("data", _base64, is_map=True), 3: Field("type")}),
    "Namespace": _object("Namespace", Message("NamespaceSpec", {})),
    "ServiceAccount": Message("ServiceAccount", {1: _METADATA}),
    "ResourceQuota": _object("ResourceQuota", _QUOTA),
    "Service": _object("Service", _SERVICE),
    "Job": _object("Job", _JOB),
    "Deployment": _object("Deployment", _DEPLOYMENT),
    "SelfSubjectAccessReview": _object("SelfSubjectAccessReview", _ACCESS_SPEC),
    "SelfSubjectRulesReview": _object(
        "SelfSubjectRulesReview", Message("SelfSubjectRulesReviewSpec", _text("namespace"))
    ),
    "TokenRequest": _object("TokenRequest", _TOKEN),
    **{kind: Message(kind, _ROLE) for kind in ("Role", "ClusterRole")},
    **{kind: Message(kind, _BINDING) for kind in ("RoleBinding", "ClusterRoleBinding")},
    "SelfSubjectReview": Message("SelfSubjectReview", {1: _METADATA}),
    "DeleteOptions": Message("DeleteOptions", {
        1: _number("gracePeriodSeconds"),
        2: _one("preconditions", Message("Preconditions", _text("uid", "resourceVersion"))),
        3: Field("orphanDependents", bool, kept_when_empty=True), 4: Field("propagationPolicy"), 5: _texts("dryRun"),
    }),
}  # fmt: skip
