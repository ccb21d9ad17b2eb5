"""Findings of an examination of the infrastructure, layer by layer."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass

from support.clients.kubernetes.client import Node, Pod, Service
from support.clients.ssh.session import CommandResult

TOOLS: Mapping[str, str] = {"kubectl version --client": "Client Version", "k9s version": "Version"}
"""Commands that engineers use on the target host, and the text with which each reports its version."""


@dataclass(frozen=True)
class IndexFacts:
    """Facts that the recording index reports to the configured user, or ``trouble`` if it cannot be used."""

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
    """Classes of requirement IN-03, the best first, each with the median in milliseconds below which it applies."""

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
    """A query for the latest recordings: how many were found, and the median of its answer times."""

    found: int
    duration_ms: float


@dataclass(frozen=True)
class HostFacts:
    """Answers of a host to an engineer who has just logged in."""

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
    """Reason why the log cannot be read; empty if it can."""
