"""Investigations with a past: what a scenario finds when it begins."""

from __future__ import annotations

from typing import Protocol

from support.checks.jobs import has_ended, waits_for
from support.checks.resources import GPU_SLICE
from support.investigations.clients import Clients
from support.investigations.jobs import Jobs
from support.investigations.service import Investigations
from support.model.attempts import Investigation
from support.model.recordings import Recordings
from support.model.windows import Source, times_of


class _Cluster(Protocol):
    @property
    def jobs(self) -> Jobs: ...


class _Recordings(Protocol):
    index: Recordings


class _World(Protocol):
    """What is used of the world."""

    investigations: Investigations
    clients: Clients
    cluster: _Cluster
    recordings: _Recordings


def opened_and_released(world: _World) -> Investigation:
    return world.investigations.open_and_release()


def finished_and_cleaned_up(world: _World) -> Investigation:
    """One that has played a few seconds of recorded data to its end."""
    times = times_of("over a few seconds of recorded data", Source(world.recordings.index, None))
    finished = world.investigations.open_historic(times)
    world.cluster.jobs.wait_until_gone(finished.job_id, "finished_cleanup_s")
    return finished


def has_lost_its_job(world: _World) -> Investigation:
    """One whose job is reported failed."""
    failed = with_a_running_job(world)
    world.clients.lose_work(failed.job_id)
    world.cluster.jobs.wait_for(failed.job_id, has_ended("Failed"), "failed_released_s")
    return failed


def with_a_running_job(world: _World) -> Investigation:
    running, _ = world.investigations.open_running()
    return running


def with_a_waiting_job(world: _World) -> Investigation:
    """One whose job waits for a GPU slice."""
    waiting = world.investigations.open_live()
    world.cluster.jobs.wait_for(waiting.job_id, waits_for(GPU_SLICE), "job_visible_s")
    return waiting
