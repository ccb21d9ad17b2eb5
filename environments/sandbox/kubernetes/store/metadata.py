"""The metadata that the server manages in each object: names, revisions, owners and times."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from environments.sandbox.kubernetes.store import errors
from environments.sandbox.kubernetes.store.objects import clone
from environments.sandbox.kubernetes.store.resources import Resource

Object = dict[str, Any]

_GENERATED_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_GENERATED_LENGTH = 5


def generated_name(prefix: str) -> str:
    """Return ``prefix`` with five random letters or digits, as the real server generates names."""
    return prefix + "".join(secrets.choice(_GENERATED_LETTERS) for _ in range(_GENERATED_LENGTH))


def copy_of(obj: Object) -> Object:
    copy: Object = clone(obj)
    return copy


def check_same(resource: Resource, metadata: Object, before: Object) -> None:
    """Check optimistic concurrency: raise 409 if the writer has read another revision or another object of the name."""
    if metadata.get("resourceVersion", before["resourceVersion"]) != before["resourceVersion"]:
        raise errors.modified(resource, before["name"])
    if metadata.get("uid", before["uid"]) != before["uid"]:
        raise errors.conflict(
            resource, before["name"],
            f"Precondition failed: UID in precondition: {metadata['uid']}, UID in object meta: {before['uid']}",
        )  # fmt: skip


def keep_system_fields(metadata: Object, before: Object) -> None:
    """Restore the fields that no writer may change: identity, revision and the start of a deletion.

    Empty labels and annotations are removed, because they count as absent.
    """
    metadata.pop("managedFields", None)
    for field in ("uid", "creationTimestamp", "resourceVersion", "generation"):
        if field in before:
            metadata[field] = before[field]
    for field in ("deletionTimestamp", "deletionGracePeriodSeconds"):
        if field in before:
            metadata.setdefault(field, before[field])
    for field in ("labels", "annotations"):
        if metadata.get(field) == {}:
            del metadata[field]


def owner_uids(obj: Object | None) -> list[str]:
    """Return the uids in ``ownerReferences``; empty for no object."""
    return [owner["uid"] for owner in obj["metadata"].get("ownerReferences", ())] if obj else []


def now() -> str:
    """Return the current time as in objects: RFC 3339 with whole seconds."""
    return _written(int(time.time()))


@lru_cache(maxsize=4)
def _written(time_s: int) -> str:
    return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
