"""``metadata.managedFields``: which client wrote which field of an object last.

Only what is written in the name of a ``fieldManager`` (kubectl always does) is recorded: for every job and pod of two
hundred investigations it would double what is sent to whoever watches them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from aiohttp import web

from environments.sandbox.kubernetes.http.patching import SET_LISTS, merge_key
from environments.sandbox.kubernetes.http.target import Target
from environments.sandbox.kubernetes.store.metadata import now
from environments.sandbox.kubernetes.store.object_store import Record

Object = dict[str, Any]
Path = tuple[str, ...]

_OF_THE_SERVER = frozenset({
    ("f:apiVersion",), ("f:kind",), *(("f:metadata", f"f:{field}") for field in (
        "name", "namespace", "uid", "creationTimestamp", "resourceVersion", "generation", "selfLink",
        "deletionTimestamp", "deletionGracePeriodSeconds",
    )),
})  # fmt: skip
_ITSELF, _STATUS = ".", "f:status"
_LONGEST_NAME = 128


def recorder(request: web.Request, target: Target) -> Record | None:
    """What notes the manager of this request as the last writer of all that it changes; None without one."""
    manager = request.query.get("fieldManager")
    if not manager:
        return None
    whose = {
        "manager": manager[:_LONGEST_NAME], "operation": "Update",
        "apiVersion": target.resource.api_version,
        **({"subresource": target.subresource} if target.subresource else {}),
    }  # fmt: skip

    def record(new: Object, old: Object | None) -> None:
        leaves, before = _leaves(new), _leaves(old or {})
        own_part = target.subresource == "status"
        changed = {
            path for path, value in leaves.items()
            if (path[0] == _STATUS) == own_part and (path not in before or before[path] != value)
        }  # fmt: skip
        new["metadata"]["managedFields"] = _entries(new["metadata"].get("managedFields", ()), whose, changed, leaves)

    return record


def _entries(
    before: Iterable[Mapping[str, Any]], whose: Mapping[str, str], changed: set[Path], present: Mapping[Path, Any]
) -> list[Object]:
    """The entries after a change: what was changed is its writer's alone, what is gone is nobody's."""
    entries, own = [], changed
    for entry in before:
        fields = {path for path in _paths(entry["fieldsV1"]) if path in present}
        if {key: value for key, value in entry.items() if key in ("manager", "apiVersion", "subresource")} == {
            key: value for key, value in whose.items() if key != "operation"
        }:
            own = own | fields
            if not changed:
                entries.append(dict(entry))
        elif fields - changed:
            entries.append({**entry, "fieldsV1": _tree(fields - changed)})
    if changed:
        entries.append({**whose, "time": now(), "fieldsType": "FieldsV1", "fieldsV1": _tree(own)})
    return entries


def _leaves(obj: Object) -> dict[Path, Any]:
    """The value at each path that can be owned."""
    found = dict(_walk((), "", {key: value for key, value in obj.items() if key != "managedFields"}))
    return {
        path: value for path, value in found.items() if path[:2] not in _OF_THE_SERVER and path not in _OF_THE_SERVER
    }


def _walk(path: Path, name: str, value: Any) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict) and value:
        for key, each in value.items():
            if (name, key) != ("metadata", "managedFields"):
                yield from _walk((*path, f"f:{key}"), key, each)
    elif isinstance(value, list) and value and name in SET_LISTS:
        for each in value:
            yield (*path, f"v:{json.dumps(each)}"), None
    elif isinstance(value, list) and (key_field := merge_key(name, value)) is not None:
        for each in value:
            keys = {field: each[field] for field in (key_field, "protocol") if field in each}
            item = (*path, f"k:{json.dumps(keys, separators=(',', ':'))}")
            yield (*item, _ITSELF), None
            yield from _walk(item, "", each)
    else:
        yield path, value


def _tree(paths: Iterable[Path]) -> Object:
    tree: Object = {}
    for path in sorted(paths):
        at = tree
        for part in path:
            at = at.setdefault(part, {})
    return tree


def _paths(tree: Mapping[str, Any], at: Path = ()) -> Iterator[Path]:
    for part, below in tree.items():
        if below:
            yield from _paths(below, (*at, part))
        else:
            yield (*at, part)
