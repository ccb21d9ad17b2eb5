"""Validation of objects before they are stored, with the real API server's messages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from environments.sandbox.kubernetes.http.field_rules import (
    DNS_1035,
    DNS_1035_RULE,
    LABEL,
    LABEL_RULE,
    SUBDOMAIN,
    SUBDOMAIN_RULE,
    Cause,
    check_labels,
    check_selector,
    required,
    wrong,
)
from environments.sandbox.kubernetes.http.pod_validation import check_pod
from environments.sandbox.kubernetes.store.errors import cause, invalid
from environments.sandbox.kubernetes.store.objects import dig
from environments.sandbox.kubernetes.store.resources import Resource
from environments.sandbox.shared.kubernetes_versions import KubernetesVersion
from environments.sandbox.shared.selectors import selector_matches

Object = dict[str, Any]

_NAME_RULES = {
    "services": (re.compile(DNS_1035), DNS_1035_RULE, 63),
    "namespaces": (re.compile(LABEL), LABEL_RULE, 63),
}
_DEFAULT_NAME_RULE = (re.compile(SUBDOMAIN), SUBDOMAIN_RULE, 253)
_IMMUTABLE = {
    "jobs": ("selector", "template", "completionMode"),
    "deployments": ("selector",),
    "replicasets": ("selector",),
    "statefulsets": ("selector", "serviceName"),
}


def check_values(resource: Resource, obj: Object, version: KubernetesVersion) -> None:
    """Raise 422 with all invalid fields of an object."""
    causes = list(_metadata(resource, obj))
    if resource.plural in _SPECS:
        causes += _SPECS[resource.plural](obj.get("spec") or {}, version)
    elif resource.plural in ("roles", "clusterroles"):
        causes += _rules(obj)
    if causes:
        raise invalid(resource, obj.get("metadata", {}).get("name", ""), causes)


def check_immutable(resource: Resource, new: Object, old: Object) -> None:
    """Raise 422 with all changed fields that are immutable. Both objects must have their defaults filled in."""
    causes: list[Cause] = []
    for field in _IMMUTABLE.get(resource.plural, ()):
        if dig(new, "spec", field) != dig(old, "spec", field):
            causes.append(cause("FieldValueInvalid", f"spec.{field}", "Invalid value: field is immutable"))
    if resource.plural == "services" and dig(old, "spec", "clusterIP") != dig(new, "spec", "clusterIP"):
        causes.append(wrong("spec.clusterIPs[0]", [dig(new, "spec", "clusterIP")], "field is immutable"))
    if resource.plural == "pods" and _fixed_part(new["spec"]) != _fixed_part(old["spec"]):
        causes.append(cause(
            "FieldValueForbidden", "spec",
            "Forbidden: pod updates may not change fields other than `spec.containers[*].image`, "
            "`spec.initContainers[*].image`, `spec.activeDeadlineSeconds`, `spec.tolerations` (only additions to "
            "existing tolerations), `spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously "
            "negative)",
        ))  # fmt: skip
    if causes:
        raise invalid(resource, old["metadata"]["name"], causes)


def _fixed_part(spec: Object) -> Object:
    kept = {key: value for key, value in spec.items() if key not in ("activeDeadlineSeconds", "tolerations")}
    for field in ("containers", "initContainers"):
        kept[field] = [{**each, "image": ""} for each in spec.get(field, ())]
    return kept


def _metadata(resource: Resource, obj: Object) -> Iterator[Cause]:
    metadata = obj.get("metadata") or {}
    name, generated = metadata.get("name"), metadata.get("generateName")
    pattern, rule, longest = _NAME_RULES.get(resource.plural, _DEFAULT_NAME_RULE)
    if not name and not generated:
        yield required("metadata.name", "name or generateName is required")
    elif name and not pattern.fullmatch(name):
        yield wrong("metadata.name", name, rule)
    elif name and len(name) > longest:
        yield cause("FieldValueTooLong", "metadata.name", f"Too long: may not be more than {longest} bytes")
    for owner in metadata.get("ownerReferences") or ():
        for field in ("apiVersion", "kind", "name", "uid"):
            if not owner.get(field):
                yield required(f"metadata.ownerReferences.{field}")
    yield from check_labels("metadata.labels", metadata.get("labels"))


def _pod(spec: Object, version: KubernetesVersion) -> Iterator[Cause]:
    return check_pod("spec", spec, ("Always", "OnFailure", "Never"), version, policy_required=False)


def _job(spec: Object, version: KubernetesVersion) -> Iterator[Cause]:
    for field in ("backoffLimit", "parallelism", "completions", "ttlSecondsAfterFinished", "activeDeadlineSeconds"):
        value = spec.get(field)
        if value is not None and value < 0:
            yield wrong(f"spec.{field}", value, "must be greater than or equal to 0")
    if spec.get("completionMode") != "Indexed" and spec.get("backoffLimitPerIndex") is not None:
        yield wrong("spec.backoffLimitPerIndex", spec["backoffLimitPerIndex"], "requires indexed completion mode")
    if spec.get("completionMode") == "Indexed" and spec.get("completions") is None:
        yield required("spec.completions", "when completion mode is Indexed")
    yield from check_labels("spec.template.labels", dig(spec, "template", "metadata", "labels"))
    template = dig(spec, "template", "spec", default={})
    yield from check_pod("spec.template.spec", template, ("OnFailure", "Never"), version, policy_required=True)


def _rules(role: Object) -> Iterator[Cause]:
    for number, rule in enumerate(role.get("rules") or ()):
        if not rule.get("verbs"):
            yield required(f"rules[{number}].verbs", "verbs must contain at least one value")
        if rule.get("nonResourceURLs"):
            continue
        for field, wanted in (("apiGroups", "api group"), ("resources", "resource")):
            if not rule.get(field):
                yield required(f"rules[{number}].{field}", f"resource rules must supply at least one {wanted}")


def _service(spec: Object, version: KubernetesVersion) -> Iterator[Cause]:
    yield from check_labels("spec.selector", spec.get("selector"))
    ports = spec.get("ports") or []
    if not ports and spec.get("clusterIP") != "None" and spec.get("type") != "ExternalName":
        yield required("spec.ports")
    kinds = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
    if spec.get("type", "ClusterIP") not in kinds:
        allowed = ", ".join(f'"{each}"' for each in kinds)
        message = f'Unsupported value: "{spec["type"]}": supported values: {allowed}'
        yield cause("FieldValueNotSupported", "spec.type", message)
    for number, port in enumerate(ports):
        value = port.get("port")
        if not isinstance(value, int) or not 1 <= value <= 65535:
            yield wrong(f"spec.ports[{number}].port", value, "must be between 1 and 65535, inclusive")
        if len(ports) > 1 and not port.get("name"):
            yield required(f"spec.ports[{number}].name")


def _workload(spec: Object, version: KubernetesVersion) -> Iterator[Cause]:
    replicas = spec.get("replicas")
    if replicas is not None and replicas < 0:
        yield wrong("spec.replicas", replicas, "must be greater than or equal to 0")
    labels = dig(spec, "template", "metadata", "labels", default={})
    wrong_selector = list(check_selector("spec.selector", spec.get("selector")))
    yield from wrong_selector
    if not spec.get("selector"):
        yield required("spec.selector")
    elif not wrong_selector and not selector_matches(spec["selector"], labels):
        yield wrong("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")
    yield from check_labels("spec.template.labels", labels)
    template = dig(spec, "template", "spec", default={})
    yield from check_pod("spec.template.spec", template, ("Always",), version, policy_required=False)


def _network_policy(spec: Object, version: KubernetesVersion) -> Iterator[Cause]:
    yield from check_selector("spec.podSelector", spec.get("podSelector"))
    for way, peers in (("ingress", "from"), ("egress", "to")):
        for number, rule in enumerate(spec.get(way) or ()):
            for index, peer in enumerate(rule.get(peers) or ()):
                for selector in ("podSelector", "namespaceSelector"):
                    yield from check_selector(f"spec.{way}[{number}].{peers}[{index}].{selector}", peer.get(selector))


_SPECS: dict[str, Callable[[Object, KubernetesVersion], Iterator[Cause]]] = {
    "pods": _pod, "jobs": _job, "services": _service, "networkpolicies": _network_policy,
    "deployments": _workload, "replicasets": _workload, "statefulsets": _workload,
}  # fmt: skip
