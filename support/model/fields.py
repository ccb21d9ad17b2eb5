"""The fields of a request by the words the features use for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from support.model import requests

Path = tuple[str, ...]

MISSING = object()
"""Stands for the value of a field that was not sent."""

FIELDS: Mapping[str, Path] = {
    "view": ("view_type",),
    "canvas": ("displayInfo",),
    "canvas height": ("displayInfo", "height"),
    "channels": ("channels",),
    "lowest channel": ("channels", "min"),
    "highest channel": ("channels", "max"),
    "time axis": ("displayTimeAxisDuration",),
    "NFFT": ("nfftSelection",),
    "frequency range": ("frequencyRange",),
    "lowest frequency": ("frequencyRange", "min"),
    "highest frequency": ("frequencyRange", "max"),
}


@dataclass(frozen=True)
class Subject:
    """Subject of a refusal. ``names`` are the server's names for it; a refusal need contain only one of them."""

    names: tuple[str, ...]
    paths: tuple[Path, ...]

    def wrong_values(self, request: requests.Body) -> dict[str, object]:
        """Return the sent values that a request which opens would not have, by the server's name of the field."""
        if isinstance(request, bytes):
            return {}
        opening = requests.live_in(request.get("view_type"))
        found = dict(leaf for path in self.paths for leaf in _leaves(path, _value(request, path)))
        usual = dict(leaf for path in self.paths for leaf in _leaves(path, _value(opening, path)))
        return {name: value for name, value in found.items() if name not in usual or value != usual[name]}


SUBJECTS: Mapping[str, Subject] = {
    **{words: Subject((".".join(path),), (path,)) for words, path in FIELDS.items()},
    "time range": Subject(("start_time", "end_time"), (("start_time",), ("end_time",))),
    "body": Subject(("body",), ()),
}
"""Possible subjects of a refusal, in the words of the features."""


def _value(fields: Mapping[str, Any], path: Path) -> object:
    value: object = fields
    for name in path:
        value = value.get(name, MISSING) if isinstance(value, Mapping) else MISSING
    return value


def _leaves(path: Path, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves((*path, name), inner)
    else:
        yield ".".join(path), value
