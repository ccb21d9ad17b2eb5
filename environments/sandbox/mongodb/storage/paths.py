"""Dotted paths through documents and arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from environments.sandbox.mongodb.storage.ordering import MISSING


def split(path: str) -> tuple[str, ...]:
    return tuple(path.split("."))


def leaves(value: Any, parts: Sequence[str], position: int = 0) -> Iterator[Any]:
    """The values that a query sees under a path; arrays on the path are entered, the last value is not."""
    if position == len(parts):
        yield value
    elif isinstance(value, dict):
        yield from leaves(value.get(parts[position], MISSING), parts, position + 1)
    elif isinstance(value, list):
        part = parts[position]
        if part.isdigit() and int(part) < len(value):
            yield from leaves(value[int(part)], parts, position + 1)
        for element in value:
            if isinstance(element, dict):
                yield from leaves(element, parts, position)
    else:
        yield MISSING


def get(document: Any, parts: Sequence[str]) -> Any:
    """The value at a path as an aggregation expression sees it: an array on the path becomes an array of results."""
    value = document
    for position, part in enumerate(parts):
        if isinstance(value, dict):
            value = value.get(part, MISSING)
        elif isinstance(value, list):
            found = (get(element, parts[position:]) for element in value)
            return [item for item in found if item is not MISSING]
        else:
            return MISSING
    return value
