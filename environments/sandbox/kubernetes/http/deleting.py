"""Requests that delete objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from environments.sandbox.kubernetes.http.answers import json_answer, json_body
from environments.sandbox.kubernetes.http.listing import Visible, encode_list, selection
from environments.sandbox.kubernetes.http.target import Target
from environments.sandbox.kubernetes.query import is_dry_run
from environments.sandbox.kubernetes.store import errors
from environments.sandbox.kubernetes.store.errors import bad_request
from environments.sandbox.kubernetes.store.object_store import Change, Store
from environments.sandbox.kubernetes.store.resources import Resource

Object = dict[str, Any]

_ORPHANS_WARNING = (
    '299 - "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them '
    'or set propagationPolicy=Orphan to suppress this warning"'
)
_POLICIES = ("Background", "Foreground", "Orphan")
_ANSWER_WITH_THE_OBJECT = (
    "namespaces", "persistentvolumeclaims", "persistentvolumes", "pods", "resourcequotas", "serviceaccounts",
    "services",
)  # fmt: skip


async def delete(request: web.Request, store: Store, target: Target) -> web.Response:
    resource, name = target.resource, target.name or ""
    options = await _options(request)
    found = store.find(resource.plural, name, target.namespace)
    if found is None:
        raise errors.not_found(resource, name)
    _check_preconditions(resource, found, options.get("preconditions") or {})
    propagation, grace_s = _propagation(options), _grace_s(options)
    if is_dry_run(options.get("dryRun"), "DeleteOptions"):
        return json_answer(found)
    last = store.delete(resource.plural, name, target.namespace, propagation=propagation, grace_s=grace_s)
    warning = {"Warning": _ORPHANS_WARNING} if resource.plural == "jobs" and propagation is None else {}
    waits = bool(last["metadata"].get("finalizers"))
    still_there = waits or store.find(resource.plural, name, target.namespace) is not None
    if still_there or resource.plural in _ANSWER_WITH_THE_OBJECT:
        return json_answer(last, headers=warning)
    group = {"group": resource.group} if resource.group else {}
    details = {"name": name, **group, "kind": resource.plural, "uid": last["metadata"]["uid"]}
    success = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
    return json_answer(success, headers=warning)


async def delete_collection(request: web.Request, store: Store, target: Target, visible: Visible) -> web.Response:
    resource, options = target.resource, await _options(request)
    dry_run = is_dry_run(options.get("dryRun"), "DeleteOptions")
    selected = selection(request, target, visible)
    chosen: list[Change] = [
        change for change in store.latest(resource.plural, target.namespace)
        if selected is None or selected(change.object)
    ]  # fmt: skip
    for change in () if dry_run else chosen:
        metadata = change.object["metadata"]
        if store.find(resource.plural, metadata["name"], metadata.get("namespace")) is not None:
            store.delete(
                resource.plural, metadata["name"], metadata.get("namespace"),
                propagation=_propagation(options), grace_s=_grace_s(options),
            )  # fmt: skip
    body = encode_list(resource, chosen, {"resourceVersion": str(store.revision)})
    return web.Response(body=body, headers={"Content-Type": "application/json"})


async def _options(request: web.Request) -> Mapping[str, Any]:
    body = await json_body(request)
    if body is not None and not isinstance(body, dict):
        raise bad_request("the body of a DELETE must be DeleteOptions")
    return {**request.query, **(body or {})}


def _propagation(options: Mapping[str, Any]) -> str | None:
    policy: str | None = options.get("propagationPolicy") or None
    if policy is not None and policy not in _POLICIES:
        raise errors.unsupported_option("DeleteOptions", "propagationPolicy", policy, (*_POLICIES, "nil"))
    if policy is None and options.get("orphanDependents") is not None:
        return "Orphan" if options["orphanDependents"] in (True, "true") else "Background"
    return policy


def _grace_s(options: Mapping[str, Any]) -> int | None:
    value = options.get("gracePeriodSeconds")
    if value is None:
        return None
    try:
        return max(0, int(value))
    except (TypeError, ValueError):
        raise bad_request(f"gracePeriodSeconds: {value!r} is not a number of seconds") from None


def _check_preconditions(resource: Resource, found: Object, wanted: Mapping[str, str]) -> None:
    for field, label in (("uid", "UID"), ("resourceVersion", "ResourceVersion")):
        have = found["metadata"][field]
        if wanted.get(field) and wanted[field] != have:
            raise errors.conflict(
                resource, found["metadata"]["name"],
                f"Precondition failed: {label} in precondition: {wanted[field]}, {label} in object meta: {have}",
            )  # fmt: skip
