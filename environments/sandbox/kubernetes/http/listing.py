"""List requests: selectors, pages and tables."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from typing import Any

from aiohttp import web

from environments.sandbox.kubernetes.http.answers import json_answer, raw_answer
from environments.sandbox.kubernetes.http.target import Target
from environments.sandbox.kubernetes.kubectl.tables import table, wants_table
from environments.sandbox.kubernetes.query import number
from environments.sandbox.kubernetes.store.errors import ApiError, bad_request, expired
from environments.sandbox.kubernetes.store.object_store import Change, Store
from environments.sandbox.kubernetes.store.resources import Resource
from environments.sandbox.kubernetes.store.selectors import Predicate, everything, field_selector, label_selector
from environments.sandbox.shared.json_text import encode

Visible = Callable[[str, dict[str, Any]], bool]
HIDEABLE = frozenset({"events", "nodes", "namespaces"})


def selection(request: web.Request, target: Target, visible: Visible) -> Predicate | None:
    """Return a test for the objects of the request, from its selectors and the objects that a fault hides.

    None if all objects pass.
    """
    resource = target.resource
    shown = (lambda obj: visible(resource.plural, obj)) if resource.plural in HIDEABLE else None
    labels = label_selector(request.query.get("labelSelector", ""))
    fields = field_selector(resource, request.query.get("fieldSelector", ""))
    return everything(labels, fields, shown)


def list_answer(request: web.Request, store: Store, target: Target, visible: Visible) -> web.Response:
    """Answer with one page of objects, as a list or as a table."""
    resource = target.resource
    _check_revision(request, store)
    selected = selection(request, target, visible)
    after, revision = _continued(request, store)
    changes = store.latest(resource.plural, target.namespace)
    if after is not None:
        changes = [change for change in changes if _key(change) > after]
    if selected is not None:
        changes = [change for change in changes if selected(change.object)]
    metadata: dict[str, Any] = {"resourceVersion": str(revision)}
    limit = number(request, "limit") or 0
    if 0 < limit < len(changes):
        metadata["continue"] = _token(_key(changes[limit - 1]), revision)
        if not request.query.get("labelSelector") and not request.query.get("fieldSelector"):
            metadata["remainingItemCount"] = len(changes) - limit
        changes = changes[:limit]
    if wants_table(request.headers.get("Accept", "")):
        objects = [change.object for change in changes]
        return json_answer(table(resource, objects, metadata, request.query.get("includeObject", "Metadata")))
    return raw_answer(encode_list(resource, changes, metadata))


def encode_list(resource: Resource, changes: list[Change], metadata: dict[str, Any]) -> bytes:
    head = encode({"kind": resource.list_kind, "apiVersion": resource.api_version, "metadata": metadata})
    return head[:-1] + b',"items":[' + b",".join(change.encoded_item for change in changes) + b"]}"


def _check_revision(request: web.Request, store: Store) -> None:
    wanted = number(request, "resourceVersion")
    if wanted is not None and wanted > store.revision:
        raise ApiError(504, "Timeout", f"Too large resource version: {wanted}, current: {store.revision}")


def _key(change: Change) -> tuple[str, str]:
    metadata = change.object["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


def _token(key: tuple[str, str], revision: int) -> str:
    return base64.urlsafe_b64encode(encode({"rv": revision, "after": key})).decode()


def _continued(request: web.Request, store: Store) -> tuple[tuple[str, str] | None, int]:
    token = request.query.get("continue")
    if not token:
        return None, store.revision
    try:
        content = json.loads(base64.urlsafe_b64decode(token))
        namespace, name = content["after"]
        revision = int(content["rv"])
    except (binascii.Error, ValueError, KeyError, TypeError):
        raise bad_request("continue key is not valid: it was not made by this server") from None
    if revision < store.complete_since:
        raise expired(
            "The provided continue parameter is too old to display a consistent list result. You must start a new list "
            "without the continue parameter."
        )
    return (namespace, name), revision
