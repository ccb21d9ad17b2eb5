"""Toxics: impairments of the bytes of one direction of a link. Names, units and defaults are Toxiproxy's.
Its toxics ``slicer`` and ``slow_close`` are not supported."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from environments.sandbox.links.errors import ApiError, bad_request, check_fields

STREAMS = ("upstream", "downstream")
ATTRIBUTES: Mapping[str, tuple[str, ...]] = {
    "latency": ("latency", "jitter"),  # ms
    "bandwidth": ("rate",),  # KB/s, 1 KB = 1000 bytes
    "timeout": ("timeout",),  # ms, 0: swallow for ever
    "reset_peer": ("timeout",),  # ms
    "limit_data": ("bytes",),
}


@dataclass(frozen=True, eq=False)
class Toxic:
    """One toxic. Toxics compare by identity: an updated toxic is a new one, with its own draw of toxicity and timers.

    ``toxicity`` is the share of connections, 0 to 1, that the toxic affects.
    """

    name: str
    type: str
    stream: str
    toxicity: float
    attributes: Mapping[str, int]

    def __getitem__(self, attribute: str) -> int:
        return self.attributes[attribute]

    def to_json(self) -> dict[str, Any]:
        return {
            "attributes": dict(self.attributes),
            "name": self.name,
            "type": self.type,
            "stream": self.stream,
            "toxicity": self.toxicity,
        }

    def delay_s(self, dice: random.Random) -> float:
        """Draw the delay of one chunk under a latency toxic."""
        jitter_ms = self["jitter"]
        return max(0.0, self["latency"] + (dice.uniform(-jitter_ms, jitter_ms) if jitter_ms else 0.0)) / 1000


def parse_toxic(body: Any) -> Toxic:
    """Return a new toxic from the body of ``POST .../toxics``. Raises :class:`ApiError` if the body is invalid."""
    check_fields(body, {"name", "type", "stream", "toxicity", "attributes"})
    stream = body.get("stream", "downstream")
    if stream not in STREAMS:
        raise ApiError("stream was invalid, can be either upstream or downstream", 400)
    kind = body.get("type", "")
    if kind not in ATTRIBUTES:
        raise ApiError("invalid toxic type", 400)
    name = body.get("name") or f"{kind}_{stream}"
    if not isinstance(name, str):
        raise bad_request("name must be a string")
    toxicity = _toxicity(body.get("toxicity", 1.0))
    nothing = dict.fromkeys(ATTRIBUTES[kind], 0)
    return Toxic(name, kind, stream, toxicity, _attributes(kind, nothing, body.get("attributes", {})))


def updated_toxic(toxic: Toxic, body: Any) -> Toxic:
    """Return the toxic with the changes of ``PATCH .../toxics/NAME``. Name, type and stream never change."""
    check_fields(body, {"name", "type", "stream", "toxicity", "attributes"})
    return replace(
        toxic,
        toxicity=_toxicity(body.get("toxicity", toxic.toxicity)),
        attributes=_attributes(toxic.type, toxic.attributes, body.get("attributes", {})),
    )


def _toxicity(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise bad_request("toxicity must be a number from 0 to 1")
    return float(value)


def _attributes(kind: str, before: Mapping[str, int], given: Any) -> dict[str, int]:
    if not isinstance(given, dict):
        raise bad_request("attributes must be a JSON object")
    for name, value in given.items():
        if name not in ATTRIBUTES[kind]:
            known = ", ".join(ATTRIBUTES[kind])
            raise bad_request(f"unknown attribute {name!r} of toxic type {kind}; known are {known}")
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise bad_request(f"attribute {name} must be a whole number, 0 or more")
    return {**before, **given}
