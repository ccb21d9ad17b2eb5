"""The part of every object the server looks after: names, revisions, owners, times."""

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
    """``prefix`` and five letters, as the real server generates names."""
    return prefix + "".join(secrets.choice(_GENERATED_LETTERS) for _ in range(_GENERATED_LENGTH))


def copy_of(obj: Object) -> Object:
    copy: Object = clone(obj)
    return copy


def check_same(resource: Resource, metadata: Object, before: Object) -> None:
    """Optimistic concurrency: 409 when the writer has seen another revision, or another object of this name."""
    if metadata.get("resourceVersion", before["resourceVersion"]) != before["resourceVersion"]:
        raise errors.modified(resource, before["name"])
    if metadata.get("uid", before["uid"]) != before["uid"]:
        raise errors.conflict(
            resource, before["name"],
            f"Precondition failed: UID in precondition: {metadata['uid']}, UID in object meta: {before['uid']}",
        )  # fmt: skip


def keep_system_fields(metadata: Object, before: Object) -> None:
    """What no writer decides: identity, revision, and that a deletion has begun. Empty maps are as good as none."""
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
    """The uids in ``ownerReferences``; none for no object."""
    return [owner["uid"] for owner in obj["metadata"].get("ownerReferences", ())] if obj else []


def now() -> str:
    """The time as objects carry it: RFC 3339, whole seconds."""
    return _written(int(time.time()))


@lru_cache(maxsize=4)
def _written(time_s: int) -> str:
    return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
