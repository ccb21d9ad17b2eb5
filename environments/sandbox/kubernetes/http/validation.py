"""What the API server refuses to store, in the words of the real one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from environments.sandbox.kubernetes.store.errors import cause, invalid
from environments.sandbox.kubernetes.store.objects import dig
from environments.sandbox.kubernetes.store.resources import Resource
from environments.sandbox.kubernetes.store.selectors import selector_matches

Object = dict[str, Any]
Cause = dict[str, str]

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_DNS_1035 = r"[a-z]([-a-z0-9]*[a-z0-9])?"
_QUALIFIED = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_QUANTITY = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?\d+|n|u)?")

_SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    f"end with an alphanumeric character (e.g. 'example.com', regex used for validation is '{_SUBDOMAIN}')"
)
_LABEL_RULE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    f"an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '{_LABEL}')"
)
_DNS_1035_RULE = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', "
    f"regex used for validation is '{_DNS_1035}')"
)
_NAME_RULES = {
    "services": (re.compile(_DNS_1035), _DNS_1035_RULE, 63),
    "namespaces": (re.compile(_LABEL), _LABEL_RULE, 63),
}
_DEFAULT_NAME_RULE = (re.compile(_SUBDOMAIN), _SUBDOMAIN_RULE, 253)
_IMMUTABLE = {
    "jobs": ("selector", "template", "completionMode"),
    "deployments": ("selector",),
    "replicasets": ("selector",),
    "statefulsets": ("selector", "serviceName"),
}
_WORKLOADS = ("deployments", "replicasets", "statefulsets", "daemonsets")


def required(field: str, hint: str = "") -> Cause:
    return cause("FieldValueRequired", field, f"Required value: {hint}" if hint else "Required value")


def wrong(field: str, value: Any, why: str) -> Cause:
    return cause("FieldValueInvalid", field, f"Invalid value: {json.dumps(value)}: {why}")


def check_values(resource: Resource, obj: Object) -> None:
    """422 with every wrong field of an object."""
    causes = [*_metadata(resource, obj), *_spec(resource.plural, obj)]
    if causes:
        raise invalid(resource, obj.get("metadata", {}).get("name", ""), causes)


def check_immutable(resource: Resource, new: Object, old: Object) -> None:
    """422 with every changed field that may not change; both objects are complete."""
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
    for key, value in (metadata.get("labels") or {}).items():
        if not _QUALIFIED.fullmatch(key):
            yield wrong("metadata.labels", key, "name part must consist of alphanumeric characters, '-', '_' or '.'")
        if not isinstance(value, str) or not _LABEL_VALUE.fullmatch(value):
            yield wrong(
                "metadata.labels", value,
                "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and "
                "must start and end with an alphanumeric character and be at most 63 characters",
            )  # fmt: skip


def _spec(plural: str, obj: Object) -> Iterator[Cause]:
    spec = obj.get("spec") or {}
    if plural == "pods":
        yield from _pod("spec", spec, ("Always", "OnFailure", "Never"), policy_required=False)
    elif plural == "jobs":
        yield from _job(spec)
    elif plural == "services":
        yield from _service(spec)
    elif plural in _WORKLOADS:
        yield from _workload(spec)


def _job(spec: Object) -> Iterator[Cause]:
    for field in ("backoffLimit", "parallelism", "completions", "ttlSecondsAfterFinished", "activeDeadlineSeconds"):
        value = spec.get(field)
        if value is not None and value < 0:
            yield wrong(f"spec.{field}", value, "must be greater than or equal to 0")
    template = dig(spec, "template", "spec", default={})
    yield from _pod("spec.template.spec", template, ("OnFailure", "Never"), policy_required=True)


def _pod(at: str, spec: Object, policies: tuple[str, ...], *, policy_required: bool) -> Iterator[Cause]:
    containers = spec.get("containers") or []
    volumes = {volume.get("name") for volume in spec.get("volumes") or ()}
    if not containers:
        yield required(f"{at}.containers")
    names: set[str] = set()
    for number, container in enumerate(containers):
        yield from _container(f"{at}.containers[{number}]", container, names, volumes)
    policy = spec.get("restartPolicy")
    allowed = ", ".join(f'"{each}"' for each in policies)
    if not policy and policy_required:
        yield required(f"{at}.restartPolicy", f"valid values: {allowed}")
    elif policy and policy not in policies:
        message = f'Unsupported value: "{policy}": supported values: {allowed}'
        yield cause("FieldValueNotSupported", f"{at}.restartPolicy", message)


def _container(at: str, container: Object, names: set[str], volumes: set[str | None]) -> Iterator[Cause]:
    name = container.get("name")
    if not name:
        yield required(f"{at}.name")
    elif not re.fullmatch(_LABEL, name):
        yield wrong(f"{at}.name", name, _LABEL_RULE)
    elif name in names:
        yield cause("FieldValueDuplicate", f"{at}.name", f'Duplicate value: "{name}"')
    names.add(name or "")
    if not container.get("image"):
        yield required(f"{at}.image")
    for number, mount in enumerate(container.get("volumeMounts") or ()):
        if mount.get("name") not in volumes:
            yield cause("FieldValueNotFound", f"{at}.volumeMounts[{number}].name", f'Not found: "{mount.get("name")}"')
    for section in ("limits", "requests"):
        for resource, quantity in (dig(container, "resources", section, default={})).items():
            if not _QUANTITY.fullmatch(str(quantity)):
                yield wrong(
                    f"{at}.resources.{section}[{resource}]", quantity,
                    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
                )  # fmt: skip


def _service(spec: Object) -> Iterator[Cause]:
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


def _workload(spec: Object) -> Iterator[Cause]:
    replicas = spec.get("replicas")
    if replicas is not None and replicas < 0:
        yield wrong("spec.replicas", replicas, "must be greater than or equal to 0")
    labels = dig(spec, "template", "metadata", "labels", default={})
    if not spec.get("selector"):
        yield required("spec.selector")
    elif not selector_matches(spec["selector"], labels):
        yield wrong("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")
    yield from _pod("spec.template.spec", dig(spec, "template", "spec", default={}), ("Always",), policy_required=False)
