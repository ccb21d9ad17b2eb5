"""The three patch formats of clients: JSON patch, merge patch and strategic merge patch."""

from __future__ import annotations

from typing import Any

import jsonpatch
import jsonpointer

from environments.sandbox.kubernetes.store.errors import ApiError, bad_request, unsupported_media_type
from environments.sandbox.kubernetes.store.objects import clone

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_MERGE_PATCH = "application/strategic-merge-patch+json"

# The merge key of a list of objects by the list's name. Of several keys, the first that all items of the patch have.
_MERGE_KEYS = {
    "containers": ("name",), "initContainers": ("name",), "ephemeralContainers": ("name",), "env": ("name",),
    "volumes": ("name",), "volumeMounts": ("mountPath",), "volumeDevices": ("devicePath",), "conditions": ("type",),
    "ports": ("containerPort", "port"), "imagePullSecrets": ("name",), "hostAliases": ("ip",), "addresses": ("type",),
    "ownerReferences": ("uid",), "secrets": ("name",), "podIPs": ("ip",), "hostIPs": ("ip",),
    "taints": ("key",), "topologySpreadConstraints": ("topologyKey",),
}  # fmt: skip
_SET_LISTS = ("finalizers", "podCIDRs")


def patch_kind(content_type: str) -> str:
    """Return the media type of a patch. Raises :class:`ApiError` 415 if it is not supported."""
    kind = content_type.split(";")[0].strip()
    supported = (JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH)
    if kind not in supported:
        raise unsupported_media_type(supported)
    return kind


def patch(obj: Any, content_type: str, body: Any) -> Any:
    """Return a patched copy of ``obj``. Raises :class:`ApiError` 400, 415 or 422 if the patch cannot be applied."""
    kind = patch_kind(content_type)
    if kind == JSON_PATCH:
        return json_patch(obj, body)
    if not isinstance(body, dict):
        raise bad_request("the patch must be a JSON object")
    if kind == MERGE_PATCH:
        return merge_patch(clone(obj), body)
    return strategic_merge(clone(obj), body)


def merge_patch(target: Any, change: Any) -> Any:
    """Apply a JSON merge patch (RFC 7386)."""
    if not isinstance(change, dict):
        return clone(change)
    result = target if isinstance(target, dict) else {}
    for key, value in change.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result


def strategic_merge(target: Any, change: dict[str, Any]) -> Any:
    """Apply a merge patch that merges lists of objects by their merge key. Supports ``$patch`` and other directives."""
    result = target if isinstance(target, dict) else {}
    directive = change.get("$patch")
    if directive == "delete":
        return {}
    if directive == "replace":
        return clone({key: value for key, value in change.items() if key != "$patch"})
    for key, value in change.items():
        if key.startswith("$"):
            result = _directive(result, key, value)
        elif value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            result[key] = strategic_merge(result.get(key), value)
        elif isinstance(value, list):
            result[key] = _merge_list(key, result.get(key) or [], value)
        else:
            result[key] = value
    return result


def _directive(target: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    kind, _, name = key.partition("/")
    if kind == "$deleteFromPrimitiveList":
        return {**target, name: [each for each in target.get(name, ()) if each not in value]}
    if kind == "$retainKeys":
        return {name: each for name, each in target.items() if name in value}
    if kind in ("$setElementOrder", "$patch"):
        return target
    raise bad_request(f"unknown directive {key!r} in a strategic merge patch")


def _merge_list(name: str, current: list[Any], change: list[Any]) -> list[Any]:
    if name in _SET_LISTS:
        return current + [each for each in change if each not in current]
    if any(isinstance(each, dict) and each.get("$patch") == "replace" for each in change):
        return [clone(each) for each in change if "$patch" not in each]
    by = _merge_key(name, change)
    if by is None:
        return [clone(each) for each in change]
    merged = [clone(each) for each in current]
    for each in change:
        at = next((i for i, old in enumerate(merged) if old.get(by) == each[by]), None)
        if each.get("$patch") == "delete":
            if at is not None:
                del merged[at]
        elif at is None:
            merged.append(strategic_merge({}, each))
        else:
            merged[at] = strategic_merge(merged[at], each)
    return merged


def _merge_key(name: str, change: list[Any]) -> str | None:
    """Return the field that identifies the items of this list; None if the list is replaced as a whole."""
    for key in _MERGE_KEYS.get(name, ()):
        if change and all(isinstance(each, dict) and key in each for each in change):
            return key
    return None


def json_patch(obj: Any, operations: Any) -> Any:
    """Apply a JSON patch (RFC 6902). Operations are applied one by one so that an error names the one that failed."""
    if not isinstance(operations, list):
        raise bad_request("a JSON patch must be a list of operations")
    document = clone(obj)
    for operation in operations:
        document = _operated(document, operation)
    return document


def _operated(document: Any, operation: Any) -> Any:
    try:
        prepared = jsonpatch.JsonPatch([operation])
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, TypeError, AttributeError) as error:
        raise bad_request(f"{operation!r} is no operation of a JSON patch: {error}") from None
    try:
        return prepared.apply(document, in_place=True)
    except jsonpatch.InvalidJsonPatch as error:
        raise bad_request(f"{operation!r} is no operation of a JSON patch: {error}") from None
    except jsonpatch.JsonPatchTestFailed:
        raise _impossible(f"testing value {operation['path']} failed: test failed") from None
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, TypeError, KeyError) as error:
        raise _impossible(str(error)) from None


def _impossible(why: str) -> ApiError:
    return ApiError(422, "Invalid", f"the server rejected our request due to an error in our request: {why}")
