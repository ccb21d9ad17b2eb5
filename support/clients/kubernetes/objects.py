"""The objects of an investigation in the cluster: jobs, pods and services, read from the API's JSON.

Names are matched as a whole: a prefix match would take ``grpc-job-1-160`` for ``grpc-job-1-16``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Raw = Mapping[str, Any]

_JOB = re.compile(r"(grpc|cleanup)-job-([0-9]+-[0-9]+)")
_POD = re.compile(r"(grpc|cleanup)-job-([0-9]+-[0-9]+)-[a-z0-9]{5}")
_SERVICE = re.compile(r"(grpc)-service-([0-9]+-[0-9]+)")
_VOLUME_REFERENCE = {
    "configMap": "name",
    "persistentVolumeClaim": "claimName",
    "secret": "secretName",
    "hostPath": "path",
    "nfs": "server",
}


@dataclass(frozen=True)
class Condition:
    """One entry of ``status.conditions``; ``status`` is ``True``, ``False`` or ``Unknown`` as text."""

    status: str
    reason: str
    message: str


@dataclass(frozen=True)
class _Named:
    """The fields common to all objects. ``job_id`` and ``role`` are None if it belongs to no investigation."""

    name: str
    uid: str
    labels: dict[str, str]
    job_id: str | None
    role: str | None
    created: datetime | None
    raw: Raw = field(repr=False, compare=False)


_ENDS = {"Complete": "Complete", "Failed": "Failed", "SuccessCriteriaMet": "Completing", "FailureTarget": "Failing"}
"""The state of a job for each of its conditions. A job ends in two steps: the last two of these conditions come first
(docs/facts/kubernetes.md 2.1)."""


@dataclass(frozen=True)
class Job(_Named):
    """A batch/v1 Job. ``command`` is that of its first container."""

    active: int
    succeeded: int
    failed: int
    conditions: dict[str, Condition]
    backoff_limit: int | None
    command: tuple[str, ...]

    @property
    def state(self) -> str:
        """The state: ``Active``, ``Complete``, ``Failed``; ``Completing`` or ``Failing`` while the end is decided but
        not final; ``Unknown`` while Kubernetes has reported nothing."""
        for kind, state in _ENDS.items():
            if (condition := self.conditions.get(kind)) is not None and condition.status == "True":
                return state
        return "Active" if self.active else "Unknown"

    @classmethod
    def parse(cls, raw: Raw) -> Job:
        spec, status = _part(raw, "spec"), _part(raw, "status")
        containers = _part(_part(spec, "template"), "spec").get("containers") or [{}]
        return cls(
            **_common(raw, _JOB),
            active=int(status.get("active") or 0),
            succeeded=int(status.get("succeeded") or 0),
            failed=int(status.get("failed") or 0),
            conditions=parse_conditions(raw),
            backoff_limit=spec.get("backoffLimit"),
            command=tuple(containers[0].get("command") or ()),
        )


@dataclass(frozen=True)
class Container:
    """A container as specified. ``mounts`` maps a path in the container to the name of a volume of its pod."""

    name: str
    image: str
    command: tuple[str, ...]
    requests: dict[str, str]
    limits: dict[str, str]
    mounts: dict[str, str]
    ports: tuple[int, ...] = ()


@dataclass(frozen=True)
class Volume:
    """A volume. ``kind`` is the API's word (``configMap``, ``persistentVolumeClaim`` ...), ``ref`` its target."""

    kind: str
    ref: str


@dataclass(frozen=True)
class Pod(_Named):
    """A pod. ``waiting_reason`` is why a container is not running yet; ``restarts`` counts all containers."""

    phase: str
    ready: bool
    restarts: int
    node: str | None
    ip: str | None
    conditions: dict[str, Condition]
    waiting_reason: str | None
    containers: tuple[Container, ...]
    volumes: dict[str, Volume]
    owner_job: str | None
    deleting: bool
    annotations: dict[str, str]
    reason: str
    """The reason for the state of the pod as a whole, such as ``Evicted``; usually empty."""
    restarts_by_container: dict[str, int] = field(default_factory=dict)

    @property
    def is_over(self) -> bool:
        """Whether it will never run again, although it is still listed: evicted, shut down with its node, completed."""
        return self.phase in ("Succeeded", "Failed")

    @classmethod
    def parse(cls, raw: Raw) -> Pod:
        metadata, spec, status = _part(raw, "metadata"), _part(raw, "spec"), _part(raw, "status")
        conditions = parse_conditions(raw)
        states = status.get("containerStatuses") or []
        owners = metadata.get("ownerReferences") or []
        return cls(
            **_common(raw, _POD),
            phase=status.get("phase") or "Unknown",
            ready=conditions["Ready"].status == "True" if "Ready" in conditions else False,
            restarts=sum(int(state.get("restartCount") or 0) for state in states),
            node=spec.get("nodeName") or None,
            ip=status.get("podIP") or None,
            conditions=conditions,
            waiting_reason=_waiting_reason(states),
            containers=tuple(_container(item) for item in spec.get("containers") or ()),
            volumes={item["name"]: _volume(item) for item in spec.get("volumes") or ()},
            owner_job=next((owner["name"] for owner in owners if owner.get("kind") == "Job"), None),
            deleting=metadata.get("deletionTimestamp") is not None,
            annotations=dict(metadata.get("annotations") or {}),
            reason=status.get("reason") or "",
            restarts_by_container={str(one.get("name")): int(one.get("restartCount") or 0) for one in states},
        )


@dataclass(frozen=True)
class ServicePort:
    """A port of a service. ``target_port`` may be a number or the name of a container port."""

    port: int
    target_port: int | str | None
    node_port: int | None
    protocol: str


@dataclass(frozen=True)
class Service(_Named):
    """A service. ``cluster_ip`` is None while none is assigned."""

    type: str
    cluster_ip: str | None
    ports: tuple[ServicePort, ...]
    selector: dict[str, str]

    @classmethod
    def parse(cls, raw: Raw) -> Service:
        spec = _part(raw, "spec")
        ports = (
            ServicePort(item["port"], item.get("targetPort"), item.get("nodePort"), item.get("protocol") or "TCP")
            for item in spec.get("ports") or ()
        )
        return cls(
            **_common(raw, _SERVICE),
            type=spec.get("type") or "ClusterIP",
            cluster_ip=spec.get("clusterIP") or None,
            ports=tuple(ports),
            selector=dict(spec.get("selector") or {}),
        )


def parse_conditions(raw: Raw) -> dict[str, Condition]:
    """Return ``status.conditions`` by type."""
    return {
        item["type"]: Condition(item.get("status") or "Unknown", item.get("reason") or "", item.get("message") or "")
        for item in _part(raw, "status").get("conditions") or ()
    }


def parse_time(text: str | None) -> datetime | None:
    """Return an API timestamp in UTC; None for an empty one."""
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def _part(raw: Raw, name: str) -> Raw:
    part: Raw = raw.get(name) or {}
    return part


def _common(raw: Raw, names: re.Pattern[str]) -> dict[str, Any]:
    metadata = raw["metadata"]
    match = names.fullmatch(metadata["name"])
    return {
        "name": metadata["name"],
        "uid": metadata.get("uid") or "",
        "labels": dict(metadata.get("labels") or {}),
        "job_id": match.group(2) if match else None,
        "role": match.group(1) if match else None,
        "created": parse_time(metadata.get("creationTimestamp")),
        "raw": raw,
    }


def _waiting_reason(states: list[Raw]) -> str | None:
    for state in states:
        waiting = _part(state, "state").get("waiting")
        if waiting:
            return waiting.get("reason") or "waiting"
    return None


def _container(raw: Raw) -> Container:
    resources = _part(raw, "resources")
    return Container(
        name=raw["name"],
        image=raw.get("image") or "",
        command=tuple(raw.get("command") or ()),
        requests={name: str(amount) for name, amount in _part(resources, "requests").items()},
        limits={name: str(amount) for name, amount in _part(resources, "limits").items()},
        mounts={item["mountPath"]: item["name"] for item in raw.get("volumeMounts") or ()},
        ports=tuple(int(item["containerPort"]) for item in raw.get("ports") or ()),
    )


def _volume(raw: Raw) -> Volume:
    kind = next((key for key in raw if key != "name"), "")
    source = raw.get(kind) or {}
    return Volume(kind, str(source.get(_VOLUME_REFERENCE.get(kind, ""), "")))
