"""Requests that create and change objects."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from environments.sandbox.kubernetes.http import validation
from environments.sandbox.kubernetes.http.answers import json_answer, json_body, raw_answer
from environments.sandbox.kubernetes.http.patching import patch, patch_kind
from environments.sandbox.kubernetes.http.scaling import read_replicas, scale_of
from environments.sandbox.kubernetes.http.shape import check_fields, check_shape
from environments.sandbox.kubernetes.http.target import Target
from environments.sandbox.kubernetes.query import is_dry_run
from environments.sandbox.kubernetes.store import errors
from environments.sandbox.kubernetes.store.defaults import apply_defaults
from environments.sandbox.kubernetes.store.errors import bad_request
from environments.sandbox.kubernetes.store.object_store import Store
from environments.sandbox.kubernetes.store.objects import clone, dig, without_nulls
from environments.sandbox.kubernetes.store.resources import RESOURCES, Resource

Object = dict[str, Any]

_OPTIONS = {"POST": "CreateOptions", "PUT": "UpdateOptions", "PATCH": "PatchOptions"}
_STATUS_KEPT_ON_CREATE = ("nodes",)


async def create(request: web.Request, store: Store, target: Target) -> web.Response:
    dry_run = is_dry_run(request.query.get("dryRun"), "CreateOptions")
    resource, body = target.resource, without_nulls(await json_body(request))
    check_shape(resource, body)
    check_fields(resource, body, request.query.get("fieldValidation", ""), "CreateOptions")
    new: Object = {key: value for key, value in body.items() if key != "status"}
    if resource.plural in _STATUS_KEPT_ON_CREATE and "status" in body:
        new["status"] = body["status"]
    metadata = new["metadata"] = dict(new.get("metadata") or {})
    metadata.pop("resourceVersion", None)
    if resource.namespaced:
        _check_namespace(store, resource, metadata, target.namespace)
    if resource.kind != "Event":
        new.setdefault("spec", {})
    validation.check_values(resource, new, store.version)
    _drop_empty_spec(new)
    stored = store.create(resource.plural, new, target.namespace, dry_run=dry_run)
    return _written(store, resource, stored, dry_run, 201)


def _written(store: Store, resource: Resource, obj: Object, dry_run: bool, status: int) -> web.Response:
    """Answer with the stored object, reusing the JSON made for the watchers. After a dry run, encode it here."""
    return json_answer(obj, status) if dry_run else raw_answer(store.encoded(resource.plural, obj), status)


def _drop_empty_spec(new: Object) -> None:
    if not new.get("spec", True):
        del new["spec"]


def _check_namespace(store: Store, resource: Resource, metadata: Object, namespace: str | None) -> None:
    if metadata.get("namespace", namespace) != namespace:
        raise bad_request(
            f"the namespace of the provided object does not match the namespace sent on the request: "
            f"{metadata['namespace']} != {namespace}"
        )
    found = store.find("namespaces", namespace or "")
    if found is None:
        raise errors.not_found(RESOURCES["namespaces"], namespace or "")
    if dig(found, "status", "phase") == "Terminating":
        raise errors.forbidden(
            resource, metadata.get("name") or "",
            f"unable to create new content in namespace {namespace} because it is being terminated",
        )  # fmt: skip


async def update(request: web.Request, store: Store, target: Target) -> web.Response:
    """Handle PUT, and PATCH in any supported format, of an object, its status or its scale."""
    dry_run = is_dry_run(request.query.get("dryRun"), _OPTIONS[request.method])
    resource, name = target.resource, target.name or ""
    if request.method == "PATCH":
        patch_kind(request.headers.get("Content-Type", ""))  # first: the body of an unsupported format is unreadable
    body = await json_body(request)
    old = store.find(resource.plural, name, target.namespace)
    if old is None:
        raise errors.not_found(resource, name)
    scaled = target.subresource == "scale"
    current = scale_of(old) if scaled else old
    new = patch(current, request.headers.get("Content-Type", ""), body) if request.method == "PATCH" else body
    new = without_nulls(new)
    if scaled:
        return _write_scale(store, resource, old, new, dry_run)
    status_only = target.subresource == "status" and isinstance(new, dict)  # nothing but the status will be written
    decoded = {key: value for key, value in new.items() if key != "spec"} if status_only else new
    check_shape(resource, decoded)
    check_fields(resource, decoded, request.query.get("fieldValidation", ""), _OPTIONS[request.method])
    written = _combined(resource, target, old, new)
    if target.subresource != "status":
        validation.check_values(resource, written, store.version)
        apply_defaults(resource.plural, written, store.revision + 1, store.version)
        validation.check_immutable(resource, written, old)
    stored = store.update(resource.plural, written, dry_run=dry_run)
    return _written(store, resource, stored, dry_run, 200)


def _write_scale(store: Store, resource: Resource, old: Object, scale: Any, dry_run: bool) -> web.Response:
    replicas = read_replicas(resource, old, scale)
    revision = dig(scale, "metadata", "resourceVersion", default=old["metadata"]["resourceVersion"])
    metadata, spec = {**old["metadata"], "resourceVersion": revision}, {**old["spec"], "replicas": replicas}
    new = {**old, "metadata": metadata, "spec": spec}
    return json_answer(scale_of(store.update(resource.plural, new, dry_run=dry_run)))


def _combined(resource: Resource, target: Target, old: Object, new: Object) -> Object:
    """Combine the old and new object: the status endpoint writes only the status, the main one everything else."""
    metadata = dict(new.get("metadata") or {})
    if metadata.get("name", target.name) != target.name:
        raise bad_request(
            f"the name of the object ({metadata['name']}) does not match the name on the URL ({target.name})"
        )
    if metadata.get("namespace", target.namespace) != target.namespace:
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
    revision = metadata.get("resourceVersion") or old["metadata"]["resourceVersion"]
    if target.subresource == "status":
        kept = {**old["metadata"], "resourceVersion": revision}
        return {**old, "metadata": kept, "status": new.get("status") or {}}
    before = old["metadata"]
    for field in ("deletionTimestamp", "deletionGracePeriodSeconds", "creationTimestamp", "generation", "selfLink"):
        metadata.pop(field, None)
        if field in before:
            metadata[field] = before[field]
    metadata.update(name=before["name"], resourceVersion=revision, uid=metadata.get("uid") or before["uid"])
    if "namespace" in before:
        metadata["namespace"] = before["namespace"]
    written: Object = {**new, "metadata": metadata}
    if "status" in resource.subresources:
        written.pop("status", None)
        if "status" in old:
            written["status"] = clone(old["status"])
    if resource.plural == "services":
        _keep_addresses(written, old)
    return written


def _keep_addresses(service: Object, old: Object) -> None:
    """Keep the cluster address of a service that is written without it."""
    for field in ("clusterIP", "clusterIPs"):
        if not dig(service, "spec", field) and dig(old, "spec", field):
            service.setdefault("spec", {})[field] = old["spec"][field]
