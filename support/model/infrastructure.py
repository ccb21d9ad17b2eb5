"""What an examination of the infrastructure has found, layer by layer."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass

from support.clients.kubernetes.client import Node, Pod, Service
from support.clients.ssh.session import CommandResult

TOOLS: Mapping[str, str] = {"kubectl version --client": "Client Version", "k9s version": "Version"}
"""The commands for which engineers come to the target host, and what each of them says of its version."""


@dataclass(frozen=True)
class IndexFacts:
    """What the recording index says of itself after the configured user was let in, or the ``trouble`` instead."""

    connect_s: float
    trouble: str = ""
    user: str = ""
    user_database: str = ""
    host: str = ""
    version: str = ""
    databases: tuple[str, ...] = ()
    collections: tuple[str, ...] = ()


@dataclass(frozen=True)
class AnswerTime:
    """Warm answer times in milliseconds."""

    samples_ms: tuple[float, ...]
    classes: tuple[tuple[float, str], ...]
    """Those of requirement IN-03, each with the median in milliseconds below which it begins, the best first."""

    @property
    def median_ms(self) -> float:
        return statistics.median(self.samples_ms)

    @property
    def rating(self) -> str:
        return next((name for limit, name in self.classes if self.median_ms < limit), "critical")

    def __str__(self) -> str:
        return f"{self.rating}: the median of {len(self.samples_ms)} answers is {self.median_ms:.1f} ms"


@dataclass(frozen=True)
class Query:
    """A question for the latest recordings: how many were found, and the median of its answer times."""

    found: int
    duration_ms: float


@dataclass(frozen=True)
class HostFacts:
    """What a host answers to an engineer who has just logged in."""

    name: str
    expected_hostname: str | None
    expected_user: str
    connect_s: float
    results: dict[str, CommandResult]


@dataclass(frozen=True)
class ClusterFacts:
    """The cluster at one moment. ``servers`` are the pods of the Focus Server."""

    version: str
    namespaces: tuple[str, ...]
    nodes: tuple[Node, ...]
    servers: tuple[Pod, ...]
    service: Service | None
    log_lines: tuple[str, ...]
    log_trouble: str = ""
    """Why the log cannot be read; empty when it can."""
