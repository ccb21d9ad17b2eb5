"""Validation of pods and pod templates."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from environments.sandbox.kubernetes.http.field_rules import LABEL, LABEL_RULE, Cause, check_labels, required, wrong
from environments.sandbox.kubernetes.store.errors import cause
from environments.sandbox.kubernetes.store.objects import dig
from environments.sandbox.shared import quantities
from environments.sandbox.shared.kubernetes_versions import KubernetesVersion

Object = dict[str, Any]


def check_pod(
    at: str, spec: Object, policies: tuple[str, ...], version: KubernetesVersion, *, policy_required: bool
) -> Iterator[Cause]:
    containers = spec.get("containers") or []
    volumes = {volume.get("name") for volume in spec.get("volumes") or ()}
    if not containers:
        yield required(f"{at}.containers")
    names: set[str] = set()
    for number, container in enumerate(containers):
        yield from _container(f"{at}.containers[{number}]", container, names, volumes, version)
    yield from check_labels(f"{at}.nodeSelector", spec.get("nodeSelector"))
    policy = spec.get("restartPolicy")
    allowed = ", ".join(f'"{each}"' for each in policies)
    if not policy and policy_required:
        yield required(f"{at}.restartPolicy", f"valid values: {allowed}")
    elif policy and policy not in policies:
        message = f'Unsupported value: "{policy}": supported values: {allowed}'
        yield cause("FieldValueNotSupported", f"{at}.restartPolicy", message)


def _container(
    at: str, container: Object, names: set[str], volumes: set[str | None], version: KubernetesVersion
) -> Iterator[Cause]:
    name = container.get("name")
    if not name:
        yield required(f"{at}.name")
    elif not re.fullmatch(LABEL, name):
        yield wrong(f"{at}.name", name, LABEL_RULE)
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
            if quantities.amount(resource, str(quantity)) < 0:
                at_it = f"{at}.resources.{section}[{resource}]"
                yield wrong(at_it, str(quantity), "must be greater than or equal to 0")
    yield from _requests_and_limits(f"{at}.resources", container.get("resources") or {}, version)


def _requests_and_limits(at: str, resources: Object, version: KubernetesVersion) -> Iterator[Cause]:
    """Check that requests do not exceed their limits.

    Resources that cannot be overcommitted must have a limit equal to the request.
    """
    limits = resources.get("limits") or {}
    for name, quantity in (resources.get("requests") or {}).items():
        extended = "/" in name and "kubernetes.io/" not in name
        if name not in limits:
            if extended:
                yield required(f"{at}.limits", "Limit must be set for non overcommitable resources")
            continue
        asked, most = quantities.amount(name, str(quantity)), quantities.amount(name, str(limits[name]))
        of = f" of {limits[name]}" if version.names_limits else ""
        if extended and asked != most:
            yield wrong(f"{at}.requests", str(quantity), f"must be equal to {name} limit{of}")
        elif asked > most:
            yield wrong(f"{at}.requests", str(quantity), f"must be less than or equal to {name} limit{of}")
