"""The versions of Kubernetes that the sandbox can behave like, and the differences between them.

Each difference names the release that introduced it. 1.25.10 and 1.34.1 were observed on real control planes; 1.34.2
and 1.35 are known by what their schedulers write.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Backoff:
    """A backoff in seconds of the real system: the first wait, doubled after each further failure up to the longest."""

    first_s: float
    longest_s: float

    def after(self, failures: int) -> float:
        """The wait after this number of failures, at least one."""
        return float(min(self.first_s * 2.0 ** min(failures - 1, 32), self.longest_s))


@dataclass(frozen=True)
class KubernetesVersion:
    minor: int
    git_version: str
    go_version: str
    build_date: str

    @property
    def names_taints(self) -> bool:
        """Whether the scheduler's message names the taint that prevents scheduling; 1.34.2 and 1.35 no longer do."""
        return self.minor < 35

    @property
    def has_resource_claims(self) -> bool:
        """1.34: dynamic resource allocation, which has its own words in the scheduler's message."""
        return self.minor >= 34

    @property
    def ends_jobs_in_two_steps(self) -> bool:
        """1.31: FailureTarget or SuccessCriteriaMet is set first, Failed or Complete once no pod of the job runs."""
        return self.minor >= 31

    @property
    def has_prefixed_job_labels(self) -> bool:
        """1.27: ``batch.kubernetes.io/job-name`` exists beside ``job-name``; the same for ``controller-uid``."""
        return self.minor >= 27

    @property
    def marks_tracked_jobs(self) -> bool:
        """Up to 1.26, an annotation marks a job whose pods carry the tracking finalizer."""
        return self.minor < 27

    @property
    def has_replacement_policy(self) -> bool:
        """1.29: a job has ``podReplacementPolicy``, and its status ``terminating``."""
        return self.minor >= 29

    @property
    def has_static_port_band(self) -> bool:
        """1.28: node ports are allocated from the upper band first; the lower one is for explicitly requested ports."""
        return self.minor >= 28

    @property
    def names_limits(self) -> bool:
        """1.27: the refusal of a request that does not fit its limit states the limit's amount."""
        return self.minor >= 27

    @property
    def after_failed_pod(self) -> Backoff:
        """The wait before a failed pod of a job is replaced."""
        return Backoff(10.0, 600.0) if self.minor >= 27 else Backoff(1.0, 1.0)

    @property
    def after_refused_pod(self) -> Backoff:
        """The wait before a pod that a quota refused is tried again."""
        return Backoff(1.0, 60.0) if self.minor >= 27 else Backoff(10.0, 360.0)

    def described(self) -> dict[str, str]:
        """The answer of ``/version``."""
        minors = {"emulationMajor": "1", "emulationMinor": str(self.minor)} if self.minor >= 33 else {}
        if minors:
            minors |= {"minCompatibilityMajor": "1", "minCompatibilityMinor": str(self.minor - 1)}
        return {
            "major": "1", "minor": str(self.minor), **minors, "gitVersion": self.git_version, "gitCommit": "sandbox",
            "gitTreeState": "clean", "buildDate": self.build_date, "goVersion": self.go_version, "compiler": "gc",
            "platform": "linux/amd64",
        }  # fmt: skip


VERSIONS = {
    "1.25": KubernetesVersion(25, "v1.25.12+k3s1", "go1.19.10", "2023-07-27T00:23:00Z"),
    "1.34": KubernetesVersion(34, "v1.34.1+k3s1", "go1.24.6", "2025-09-17T19:00:00Z"),
    "1.35": KubernetesVersion(35, "v1.35.0+k3s1", "go1.25.5", "2025-12-19T00:00:00Z"),
}
"""Versions by the value of the setting ``kubernetes_version``."""
DEFAULT = "1.34"
