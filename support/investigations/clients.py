"""Client actions other than opening: list the recordings of a window, cancel, and lose the work of a job."""

from __future__ import annotations

from support.checks.jobs import has_nothing_called
from support.clients.focus_server.client import Answer, FocusServerClient
from support.clients.kubernetes.client import KubernetesClient
from support.investigations.jobs import Jobs
from support.investigations.register import Register
from support.model import requests
from support.model.attempts import Attempt


class Clients:
    """Acts only on investigations of the scenario, and opens none."""

    def __init__(self, client: FocusServerClient, cluster: KubernetesClient, jobs: Jobs, register: Register) -> None:
        self._client, self._cluster, self._jobs, self._register = client, cluster, jobs, register

    def list_recordings(self, times: requests.Times) -> Attempt:
        """List the recordings of a window. Absent times are left out, because this request has no live form."""
        request = {key: value for key, value in times.items() if value is not None}
        before = self._cluster.snapshot().job_ids
        return Attempt(request, self._client.recordings_in_time_range(request), before)

    def cancel(self, job_id: str) -> Answer:
        """Cancel an investigation, as a client does that has seen enough."""
        self._require_own(job_id)
        return self._client.cancel(job_id)

    def lose_work(self, job_id: str) -> None:
        """Delete the pod of an investigation, as a crash would."""
        self._require_own(job_id)
        self._cluster.delete_job_pod(self._jobs.view(job_id).pod.name)

    def lose_jobs(self, job_id: str) -> None:
        """Delete the jobs of an investigation and leave only its service. The clean-up job is deleted first, because it
        would remove the service too."""
        self._require_own(job_id)
        for job in (f"cleanup-job-{job_id}", f"grpc-job-{job_id}"):
            self._cluster.delete_job(job)
            self._jobs.wait_for(job_id, has_nothing_called(job), "release_s")

    def _require_own(self, job_id: str) -> None:
        if job_id not in self._register.open_ids:
            raise AssertionError(f"job {job_id} was not opened by this scenario")
