"""The complete result of a capacity run, from which the gap report is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from support.capacity.load.results import PHASES, ClusterEvidence, LoadStep, SelfCheck

DEFAULT_PHASE_LIMIT_S = 30.0


@dataclass(frozen=True)
class Target:
    """The requirement (CA-01, PF-01).

    ``phase_limits_s`` gives for each phase the seconds after its intended start within which an investigation must
    reach it. A job that did not counts with this limit in each percentile.
    """

    jobs: int = 200
    success_rate: float = 0.95
    p95_ms: float = 300.0
    phase_limits_s: Mapping[str, float] = field(default_factory=dict)

    def limit_s(self, phase: str) -> float:
        """The limit of a phase; 30 s if none is given."""
        return self.phase_limits_s.get(phase, DEFAULT_PHASE_LIMIT_S)

    def __post_init__(self) -> None:
        if unknown := sorted(set(self.phase_limits_s) - set(PHASES)):
            raise ValueError(f"phase_limits_s: {unknown[0]!r} is no phase, allowed {', '.join(PHASES)}")
        if self.jobs < 1 or not 0 < self.success_rate <= 1 or self.p95_ms <= 0:
            raise ValueError(f"no target: {self.jobs} jobs, success rate {self.success_rate}, P95 {self.p95_ms} ms")


@dataclass(frozen=True)
class Recovery:
    """Recovery after the release. ``seconds`` is None if the probes did not return to ``limit_ms`` in time.

    ``last_p95_ms`` is the P95 of the last ``last_samples`` probes.
    """

    baseline_p95_ms: float
    seconds: float | None
    last_p95_ms: float
    leftovers: tuple[str, ...] = ()
    limit_ms: float = 0.0
    last_samples: int = 0


@dataclass(frozen=True)
class CapacityRun:
    """One capacity run. All moments are UTC.

    ``step`` is the judged load; ``ramp`` holds the smaller ones before it (CA-03), each with its own records.
    ``before`` is the cluster without the load (for what others use), ``during`` the cluster while the load stood.
    ``baseline_p95_ms`` are P95s of earlier runs of this environment. ``stopped_because`` is empty unless the run ended
    early; the report is then marked partial. ``judges_answers`` says whether the requirement has a limit for P95 of the
    answers (CA-01 has, CA-03 has not); without one it is only shown. A load of several ``turns`` has all their records
    in one step.
    """

    environment: str
    started: datetime
    finished: datetime
    target: Target
    step: LoadStep | None
    during: ClusterEvidence
    before: ClusterEvidence = ClusterEvidence()
    ramp: tuple[LoadStep, ...] = ()
    self_check: SelfCheck | None = None
    recovery: Recovery | None = None
    baseline_p95_ms: tuple[float, ...] = ()
    fingerprint: Mapping[str, Any] = field(default_factory=dict)
    generator: Mapping[str, Any] = field(default_factory=dict)
    git_revision: str = "unknown"
    stopped_because: str = ""
    judges_answers: bool = True
    turns: int = 1

    @property
    def partial(self) -> bool:
        """Whether the run ended before everything was measured."""
        return bool(self.stopped_because) or self.step is None
