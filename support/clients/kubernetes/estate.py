"""Other objects of the cluster: nodes, namespaces, workloads, claims, config maps, events and resource use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from kubernetes.utils.quantity import parse_quantity

from support.clients.kubernetes.objects import Raw, parse_conditions, parse_time

# The library's function has no type hints.
_quantity: Callable[[str], Decimal] = parse_quantity
_ROLE_LABEL = "node-role.kubernetes.io/"


@dataclass(frozen=True)
class Node:
    """A machine of the cluster. ``addresses`` include host names; ``allocatable`` is as the API writes it."""

    name: str
    addresses: tuple[str, ...]
    ready: bool
    schedulable: bool
    allocatable: dict[str, str]
    labels: dict[str, str]
    roles: frozenset[str]
    raw: Raw = field(repr=False, compare=False)

    @classmethod
    def parse(cls, raw: Raw) -> Node:
        metadata, spec, status = raw["metadata"], raw.get("spec") or {}, raw.get("status") or {}
        labels = dict(metadata.get("labels") or {})
        conditions = parse_conditions(raw)
        keeps_away = any(taint.get("effect") in ("NoSchedule", "NoExecute") for taint in spec.get("taints") or ())
        return cls(
            name=metadata["name"],
            addresses=tuple(item["address"] for item in status.get("addresses") or ()),
            ready="Ready" in conditions and conditions["Ready"].status == "True",
            schedulable=not spec.get("unschedulable") and not keeps_away,
            allocatable={name: str(amount) for name, amount in (status.get("allocatable") or {}).items()},
            labels=labels,
            roles=frozenset(key.removeprefix(_ROLE_LABEL) for key in labels if key.startswith(_ROLE_LABEL)),
            raw=raw,
        )


@dataclass(frozen=True)
class Namespace:
    """A namespace. ``phase`` is ``Active`` or ``Terminating``."""

    name: str
    phase: str

    @classmethod
    def parse(cls, raw: Raw) -> Namespace:
        return cls(raw["metadata"]["name"], (raw.get("status") or {}).get("phase") or "Unknown")


@dataclass(frozen=True)
class Deployment:
    """A Deployment or StatefulSet (``kind`` says which), with its numbers of wanted, ready and available replicas."""

    kind: str
    name: str
    replicas: int
    ready: int
    available: int
    labels: dict[str, str]
    raw: Raw = field(repr=False, compare=False)

    @classmethod
    def parse(cls, raw: Raw, kind: str = "Deployment") -> Deployment:
        metadata, spec, status = raw["metadata"], raw.get("spec") or {}, raw.get("status") or {}
        wanted = spec.get("replicas")
        return cls(
            kind=kind,
            name=metadata["name"],
            # A missing count means one, the API's default; zero is a valid count.
            replicas=1 if wanted is None else int(wanted),
            ready=int(status.get("readyReplicas") or 0),
            available=int(status.get("availableReplicas") or 0),
            labels=dict(metadata.get("labels") or {}),
            raw=raw,
        )


@dataclass(frozen=True)
class Claim:
    """A persistent volume claim. ``phase`` is ``Bound`` once it has storage."""

    name: str
    phase: str

    @classmethod
    def parse(cls, raw: Raw) -> Claim:
        return cls(raw["metadata"]["name"], (raw.get("status") or {}).get("phase") or "Unknown")


@dataclass(frozen=True)
class ConfigMap:
    """A config map: plain settings by key."""

    name: str
    data: dict[str, str]

    @classmethod
    def parse(cls, raw: Raw) -> ConfigMap:
        return cls(raw["metadata"]["name"], dict(raw.get("data") or {}))


@dataclass(frozen=True)
class Event:
    """A Kubernetes event about the object ``kind``/``name``. ``type`` is ``Normal`` or ``Warning``."""

    type: str
    reason: str
    message: str
    kind: str
    name: str
    at: datetime | None

    @classmethod
    def parse(cls, raw: Raw) -> Event:
        about = raw.get("involvedObject") or {}
        times = (raw.get("lastTimestamp"), raw.get("eventTime"), raw.get("firstTimestamp"))
        stamp = next((time for time in times if time), raw["metadata"].get("creationTimestamp"))
        return cls(
            type=raw.get("type") or "",
            reason=raw.get("reason") or "",
            message=raw.get("message") or "",
            kind=about.get("kind") or "",
            name=about.get("name") or "",
            at=parse_time(stamp),
        )


@dataclass(frozen=True)
class PodUsage:
    """The latest resource use of a pod from the metrics server: CPU in thousandths of a core, memory in bytes."""

    name: str
    cpu_millicores: float
    memory_bytes: int

    @classmethod
    def parse(cls, raw: Raw) -> PodUsage:
        uses: list[dict[str, Any]] = [item.get("usage") or {} for item in raw.get("containers") or ()]
        return cls(
            name=raw["metadata"]["name"],
            cpu_millicores=float(sum(_quantity(use.get("cpu", "0")) for use in uses) * 1000),
            memory_bytes=int(sum(_quantity(use.get("memory", "0")) for use in uses)),
        )
