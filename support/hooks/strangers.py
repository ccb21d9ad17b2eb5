"""Jobs that appear while scenarios run side by side, and that none of them has requested.

Each process knows only its own requests, and attributes all other jobs to its neighbours. Unrequested jobs are known
only after all processes have reported their requests. They belong to the scenarios that ran when they appeared.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from support.clients.kubernetes.objects import Job
from support.clients.kubernetes.watch import ClusterWatch
from support.investigations.register import Asked
from support.reporting.record.model import ScenarioResult, now

SEEN_LATE_S = 1.0
"""The time after the end of a scenario within which a job that it started may first be seen."""


@dataclass(frozen=True)
class Stranger:
    """A job, and the time when it was first seen."""

    job_id: str
    seen: datetime.datetime

    def appeared_during(self, one: ScenarioResult) -> bool:
        if one.started is None:
            return False
        end = one.started + datetime.timedelta(seconds=one.duration_s + SEEN_LATE_S)
        return one.started <= self.seen <= end

    def __str__(self) -> str:
        return f"job {self.job_id} was started, for which no request had asked"


class Strangers:
    """The unrequested jobs, from now on, of a cluster that the run has for itself."""

    def __init__(self, watch: ClusterWatch) -> None:
        self._watch, self._mark = watch, watch.mark()
        self._before = frozenset(job.job_id for job in watch.jobs().values())

    def besides(self, asked: Asked) -> list[Stranger]:
        """Return the jobs that match none of these requests, even if they have disappeared again."""
        first: dict[str, Stranger] = {}
        offset = now() - datetime.timedelta(seconds=time.monotonic())
        for seen in self._watch.since(self._mark):
            job, job_id = seen.object, seen.job_id
            if job_id is None or not isinstance(job, Job) or job.role != "grpc" or asked.explains(job):
                continue
            first.setdefault(job_id, Stranger(job_id, offset + datetime.timedelta(seconds=seen.at_s)))
        return [one for job_id, one in first.items() if job_id not in self._before]


def told_by_scenario(strangers: Iterable[Stranger], ran: Iterable[ScenarioResult]) -> dict[str, tuple[str, ...]]:
    """Map the id of a scenario to sentences about the jobs that appeared while it ran."""
    found, ran = list(strangers), list(ran)
    return {one.id: sentences for one in ran if (sentences := tuple(_during(one, found)))}


def _during(one: ScenarioResult, strangers: Iterable[Stranger]) -> Iterator[str]:
    return (str(stranger) for stranger in strangers if stranger.appeared_during(one))
