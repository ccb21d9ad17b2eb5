"""The versions of Kubernetes the sandbox can behave like, and what differs between them.

Each difference names the release that brought it; 1.25.10 and 1.34.1 were observed on real control planes, 1.34.2 and
1.35 by what their schedulers write.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Backoff:
    """Seconds of the real system: the first wait, doubled with every further one up to the longest."""

    first_s: float
    longest_s: float

    def after(self, failures: int) -> float:
        """The wait after so many failures, which are one or more."""
        return float(min(self.first_s * 2.0 ** min(failures - 1, 32), self.longest_s))


@dataclass(frozen=True)
class KubernetesVersion:
    minor: int
    git_version: str
    go_version: str
    build_date: str

    @property
    def names_taints(self) -> bool:
        """Whether the scheduler's text names the taint that hinders; 1.34.2 and 1.35 do not any more."""
        return self.minor < 35

    @property
    def has_resource_claims(self) -> bool:
        """1.34: dynamic resource allocation, which has its words in the scheduler's text."""
        return self.minor >= 34

    @property
    def ends_jobs_in_two_steps(self) -> bool:
        """1.31: FailureTarget or SuccessCriteriaMet first, Failed or Complete once no pod of the job runs."""
        return self.minor >= 31

    @property
    def has_prefixed_job_labels(self) -> bool:
        """1.27: ``batch.kubernetes.io/job-name`` beside ``job-name``, the same for ``controller-uid``."""
        return self.minor >= 27

    @property
    def marks_tracked_jobs(self) -> bool:
        """Until 1.26 an annotation says that the pods of a job bear the tracking finalizer."""
        return self.minor < 27

    @property
    def has_replacement_policy(self) -> bool:
        """1.29: ``podReplacementPolicy`` of a job and ``terminating`` in its status."""
        return self.minor >= 29

    @property
    def has_static_port_band(self) -> bool:
        """1.28: node ports are given from the upper band first, the lower one is for ports that are asked for."""
        return self.minor >= 28

    @property
    def names_limits(self) -> bool:
        """1.27: a request that does not fit its limit is refused with the limit's amount."""
        return self.minor >= 27

    @property
    def after_failed_pod(self) -> Backoff:
        """Before a failed pod of a job is replaced."""
        return Backoff(10.0, 600.0) if self.minor >= 27 else Backoff(1.0, 1.0)

    @property
    def after_refused_pod(self) -> Backoff:
        """Before a pod that a quota has refused is tried again."""
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
"""By the value of the setting ``kubernetes_version``."""
DEFAULT = "1.34"
