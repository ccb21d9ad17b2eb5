"""Investigations with a past, prepared before a scenario begins."""

from __future__ import annotations

from support.checks.jobs import has_ended, waits_for
from support.checks.resources import GPU_SLICE
from support.investigations.clients import Clients
from support.investigations.jobs import Jobs
from support.investigations.service import Investigations
from support.model.attempts import Investigation
from support.model.job_view import JobView
from support.model.recordings import Recordings
from support.model.windows import Source, times_of


class EarlierInvestigations:
    """Brings investigations into the state that a scenario begins with."""

    def __init__(self, investigations: Investigations, clients: Clients, jobs: Jobs, recordings: Recordings) -> None:
        self._investigations, self._clients, self._jobs, self._recordings = investigations, clients, jobs, recordings

    def opened_and_released(self) -> Investigation:
        return self._investigations.open_and_release()

    def finished_and_cleaned_up(self) -> Investigation:
        """Open an investigation over a few seconds of recorded data, and wait until it is finished and cleaned up."""
        times = times_of("over a few seconds of recorded data", Source(self._recordings, None))
        finished = self._investigations.open_historic(times)
        self._jobs.wait_until_cleaned_up(finished.job_id, "finished_cleanup_s")
        return finished

    def with_a_lost_job(self) -> Investigation:
        """Open an investigation and lose its pod, so that its job is reported as failed."""
        failed, _ = self.with_a_running_job()
        self._clients.lose_work(failed.job_id)
        self._jobs.wait_for(failed.job_id, has_ended("Failed"), "failed_released_s")
        return failed

    def left_half_open(self) -> Investigation:
        """Open an investigation and remove its jobs, so that only the service is left, as if its server had ended
        before it created the jobs."""
        half, _ = self.with_a_running_job()
        self._clients.lose_jobs(half.job_id)
        return half

    def with_a_running_job(self) -> tuple[Investigation, JobView]:
        """Open an investigation and wait until its job runs. Returns both."""
        return self._investigations.open_running()

    def with_a_waiting_job(self) -> tuple[Investigation, JobView]:
        """Open an investigation and wait until its job waits for a GPU slice. Returns both."""
        waiting = self._investigations.open_live()
        return waiting, self._jobs.wait_for(waiting.job_id, waits_for(GPU_SLICE), "job_visible_s")
