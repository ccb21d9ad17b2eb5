"""The clock of a cluster whose answers have no date: learnt from leases, which are renewed all the time, or events."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from support.clients.clock import ClockOffset
from support.clients.kubernetes.errors import ClusterError
from support.clients.kubernetes.objects import parse_time

_LEASES = ("leases", "namespaces/kube-node-lease/leases")
"""The leases of the whole cluster; if they may not be read, those by which the nodes show that they are alive."""


class Answering(Protocol):
    """The part of the API that is used here."""

    def get(self, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any]: ...


def learn(clock: ClockOffset, api: Answering, namespace: str) -> None:
    """Read objects with timestamps of the cluster until one shows its time. Raises nothing: it may stay unknown."""
    for path in _LEASES:
        specs = [item.get("spec") or {} for item in _items(api, f"/apis/coordination.k8s.io/v1/{path}")]
        stamps = [(moment, spec) for spec in specs if (moment := _moment(spec.get("renewTime"))) is not None]
        # A holder that has ended no longer renews its lease; the newest lease has a live holder.
        if stamps:
            moment, spec = max(stamps, key=lambda stamp: stamp[0])
            clock.note_stamp(moment, datetime.now(UTC), float(spec.get("leaseDurationSeconds") or 40), "a lease of it")
            return
    events = _items(api, f"/api/v1/namespaces/{namespace}/events")
    moments = [_moment(item.get(name)) for item in events for name in ("eventTime", "lastTimestamp")]
    if known := [moment for moment in moments if moment is not None]:
        clock.note_stamp(max(known), datetime.now(UTC), math.inf, "an event of it")
    clock.note_in_vain()


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
