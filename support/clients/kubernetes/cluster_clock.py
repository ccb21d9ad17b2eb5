"""The clock of a cluster whose answers have no date: leases, which somebody renews all the time, else its events."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from support.clients.clock import ClockOffset
from support.clients.kubernetes.errors import ClusterError
from support.clients.kubernetes.objects import parse_time

_LEASES = ("leases", "namespaces/kube-node-lease/leases")
"""Of the whole cluster; where that is not permitted, those by which its nodes say that they are alive."""


class Answering(Protocol):
    """What is used of the API."""

    def get(self, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any]: ...


def learn(clock: ClockOffset, api: Answering, namespace: str) -> None:
    """Ask for what the cluster stamps with its time, until something told it. Nothing is raised: it may not be told."""
    for path in _LEASES:
        specs = [item.get("spec") or {} for item in _items(api, f"/apis/coordination.k8s.io/v1/{path}")]
        stamps = [(moment, spec) for spec in specs if (moment := _moment(spec.get("renewTime"))) is not None]
        # Whoever has ended renews no more; the newest is of somebody who lives.
        if stamps:
            moment, spec = max(stamps, key=lambda stamp: stamp[0])
            clock.note_stamp(moment, datetime.now(UTC), float(spec.get("leaseDurationSeconds") or 40), "a lease of it")
            return
    events = _items(api, f"/api/v1/namespaces/{namespace}/events")
    moments = [_moment(item.get(name)) for item in events for name in ("eventTime", "lastTimestamp")]
    if known := [moment for moment in moments if moment is not None]:
        clock.note_stamp(max(known), datetime.now(UTC), math.inf, "an event of it")


def _moment(stamp: object) -> datetime | None:
    try:
        return parse_time(str(stamp)) if stamp else None
    except ValueError:
        return None


def _items(api: Answering, path: str) -> Iterator[Mapping[str, Any]]:
    try:
        items = api.get(path).get("items")
    except ClusterError:
        return
    yield from (item for item in items if isinstance(item, dict)) if isinstance(items, list) else ()
