"""Sorting documents as ``sort`` and ``$sort`` do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from environments.sandbox.mongodb.storage import paths
from environments.sandbox.mongodb.storage.ordering import NULL_KEY, Key, sort_key
from environments.sandbox.mongodb.wire.errors import Code, MongoError, refused

_EMPTY_ARRAY: Key = (3.0,)


def check_sort(sort: Any) -> dict[str, int]:
    """Validate a sort specification: field to 1 or -1; any other direction is error 2."""
    if not isinstance(sort, Mapping):
        raise MongoError(Code.TypeMismatch, "Expected field sort to be of type object")
    if "$natural" in sort:
        raise refused("the order $natural")
    checked = {}
    for name, direction in sort.items():
        if isinstance(direction, bool) or not isinstance(direction, (int, float)) or direction not in (1, -1):
            raise MongoError(
                Code.BadValue, f"$sort key ordering must be 1 (for ascending) or -1 (for descending): {name}"
            )
        checked[name] = int(direction)
    return checked


def sort_documents(documents: Iterable[Any], sort: Mapping[str, int]) -> list[Any]:
    """Sort stably. An array counts by its smallest element if ascending and by its greatest if descending."""
    result = list(documents)
    for name, direction in reversed(list(sort.items())):
        result.sort(key=_key_function(paths.split(name), direction), reverse=direction < 0)
    return result


def _key_function(parts: tuple[str, ...], direction: int) -> Callable[[Any], Key]:
    choose = min if direction > 0 else max

    def key_of(document: Any) -> Key:
        keys: list[Key] = []
        for leaf in paths.leaves(document, parts):
            if type(leaf) is list:
                keys.extend(map(sort_key, leaf) if leaf else [_EMPTY_ARRAY])
            else:
                keys.append(sort_key(leaf))
        return choose(keys) if keys else NULL_KEY

    return key_of
