"""The namespace at one moment, and the result of releasing an investigation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from support.clients.kubernetes.objects import Job, Pod, Service


@dataclass(frozen=True)
class Snapshot:
    """The jobs, pods and services of the namespace at one moment (``at_s`` is monotonic)."""

    jobs: tuple[Job, ...]
    pods: tuple[Pod, ...]
    services: tuple[Service, ...]
    taken_at: datetime
    at_s: float

    def of(self, job_id: str) -> Snapshot:
        """Return only the objects of one investigation."""
        return self._only(lambda item: item.job_id == job_id)

    @property
    def job_ids(self) -> frozenset[str]:
        """The job ids of the investigations that own any of the objects."""
        return frozenset(item.job_id for item in (*self.jobs, *self.pods, *self.services) if item.job_id is not None)

    @property
    def names(self) -> tuple[str, ...]:
        """All objects in readable form, such as ``job grpc-job-1-16``."""
        named = {"job": self.jobs, "pod": self.pods, "service": self.services}
        return tuple(f"{kind} {item.name}" for kind, items in named.items() for item in items)

    def __bool__(self) -> bool:
        return bool(self.jobs or self.pods or self.services)

    def _only(self, wanted: Callable[[Job | Pod | Service], bool]) -> Snapshot:
        return Snapshot(
            tuple(filter(wanted, self.jobs)),
            tuple(filter(wanted, self.pods)),
            tuple(filter(wanted, self.services)),
            self.taken_at,
            self.at_s,
        )


@dataclass(frozen=True)
class Release:
    """The result of ``KubernetesClient.release``: objects deleted now, and objects that were already gone."""

    job_id: str
    deleted: tuple[str, ...]
    already_gone: tuple[str, ...]
