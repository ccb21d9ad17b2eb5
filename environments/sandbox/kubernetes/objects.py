"""JSON values: copying, encoding and reading paths of them."""

from __future__ import annotations

import json
from typing import Any


def clone(value: Any) -> Any:
    """A deep copy of a JSON value; several times faster than :func:`copy.deepcopy`."""
    if isinstance(value, dict):
        return {key: clone(each) if isinstance(each, dict | list) else each for key, each in value.items()}
    if isinstance(value, list):
        return [clone(each) if isinstance(each, dict | list) else each for each in value]
    return value


def without_nulls(value: Any) -> Any:
    """A copy in which no object has a null field: to the API, null and missing are the same."""
    if isinstance(value, dict):
        return {key: without_nulls(each) for key, each in value.items() if each is not None}
    if isinstance(value, list):
        return [without_nulls(each) for each in value]
    return value


def encode(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def dig(value: Any, *path: str | int, default: Any = None) -> Any:
    """The value at ``path``, or ``default`` where anything on the way is missing."""
    for step in path:
        if isinstance(step, int):
            if not isinstance(value, list) or len(value) <= step:
                return default
            value = value[step]
        else:
            if not isinstance(value, dict) or step not in value:
                return default
            value = value[step]
    return default if value is None else value
