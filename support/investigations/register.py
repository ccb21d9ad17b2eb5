"""What this run has opened, and what it may have opened: nothing else is ever released, cancelled or connected to."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from support.clients.clock import ClockOffset
from support.clients.kubernetes.client import Job, Snapshot
from support.clients.kubernetes.watch import ClusterWatch
from support.config import Environment
from support.investigations.neighbours import Neighbours
from support.investigations.own_channels import OwnChannels, channels_of, channels_of_job
from support.investigations.run_ledger import Channels, Intention, RunLedger
from support.model import requests


class DuplicateJobId(AssertionError):
    """An answer names a job that was there before the request: it is somebody else's, and was left alone."""

    def __init__(self, *job_ids: str) -> None:
        super().__init__(
            f"a duplicate job id: the answer names job {', '.join(job_ids)}, which was there before the request "
            "and is not of this run; it was left alone"
        )


@dataclass(frozen=True)
class Intended:
    """Requests that are about to be sent, and the job ids that were there before them."""

    intention: Intention
    before: frozenset[str]


@dataclass(frozen=True)
class Asked:
    """What a process has asked for: the job ids that answers have named, and the channels of all requests."""

    job_ids: frozenset[str] = frozenset()
    channels: frozenset[Channels] = frozenset()

    def __or__(self, other: Asked) -> Asked:
        return Asked(self.job_ids | other.job_ids, self.channels | other.channels)

    def explains(self, job: Job) -> bool:
        """Whether it may have been started for one of these requests."""
        return job.job_id in self.job_ids or channels_of_job(job) in self.channels


NOTHING = Asked()


class Register:
    """The ledger of a run and what it means for a look at the cluster. Safe to use from several threads.

    A job is this run's if an answer named it and nothing speaks against it, or if it was started for the channels of
    this run since the run began. On a cluster that the suite has to itself, whatever appeared since the scenario began
    is its doing too.
    """

    def __init__(
        self,
        ledger: RunLedger,
        watch: ClusterWatch,
        clock: ClockOffset,
        environment: Environment,
        neighbours: Neighbours,
    ) -> None:
        self._ledger, self._watch, self._clock = ledger, watch, clock
        self._neighbours = neighbours
        self.channels = OwnChannels(environment.limits.most_channels)
        self._lock = threading.Lock()
        self._asked: dict[str, Channels | None] = {}
        self._uids: dict[str, str] = {}
        self._unsettled: list[Intention] = []
        self._intended: set[Channels] = set()
        self._before_run = frozenset(job.uid for job in watch.jobs().values())
        self._before_scenario: frozenset[str] = frozenset()
        self.job_ids: list[str] = []
        self._open: list[str] = []

    @property
    def open_ids(self) -> tuple[str, ...]:
        """The investigations of this scenario that were not released yet."""
        return tuple(self._open)

    def begin_scenario(self, snapshot: Snapshot) -> None:
        """Remember what is there already: it is not ours."""
        self._before_scenario = snapshot.job_ids
        self.end_scenario()

    def end_scenario(self) -> None:
        """Whatever is still open was told as left over; the ledger keeps it."""
        with self._lock:
            self._open = []

    def intend(self, request: requests.Body, before: frozenset[str], number: int = 1) -> Intended:
        """Note on disk what is about to be sent, before it is."""
        clock = self._clock
        intention = self._ledger.intend(clock.now(), channels_of(request), number, clock.is_known)
        with self._lock:
            self._unsettled.append(intention)
            if intention.channels is not None:
                self._intended.add(intention.channels)
        return Intended(intention, before)

    def asked(self) -> Asked:
        """In all, up to now."""
        with self._lock:
            return Asked(frozenset(self.job_ids), frozenset(self._intended))

    def take_in(self, intended: Intended, job_id: str | None) -> bool:
        """An answer has come that names this job, or none. False for the job of somebody else."""
        if job_id is None:
            return True
        if job_id in intended.before and job_id not in self.job_ids:
            return False
        job = self._watch.job(f"grpc-job-{job_id}")
        uid = None if job is None or job.uid in self._before_run else job.uid
        self._ledger.opened(job_id, intended.intention, uid)
        with self._lock:
            self.job_ids.append(job_id)
            self._asked[job_id] = intended.intention.channels
            self._uids.pop(job_id, None)
            if uid is not None:
                self._uids[job_id] = uid
            if job_id not in self._open:
                self._open.append(job_id)
        return True

    def all_named(self, intended: Intended) -> None:
        """Every request was answered with a job of its own: nothing can appear that is not known."""
        self._settle([intended.intention])

    def identify(self) -> None:
        """Note the uid of every open job that was not seen yet when its answer came."""
        for job_id in self.open_ids:
            job = self._watch.job(f"grpc-job-{job_id}")
            if job is not None and job_id not in self._uids and self._is_ours(job):
                with self._lock:
                    self._uids[job_id] = job.uid
                self._ledger.identified(job_id, job.uid)

    def released(self, job_id: str) -> None:
        """It is proven to be gone."""
        with self._lock:
            if job_id not in self._open:
                return
            self._open.remove(job_id)
        self._ledger.released(job_id)

    def all_released(self) -> None:
        """Everything of this scenario is proven to be gone, and so is what no answer has named, where that is known by
        its channels."""
        for job_id in self.open_ids:
            self.released(job_id)
        self._settle([one for one in self._unsettled if self._neighbours.are_none or one.channels in self.channels])

    def ours(self, snapshot: Snapshot) -> list[str]:
        """The job ids in ``snapshot`` that are this run's to release."""
        if self._neighbours.are_none:
            return sorted(snapshot.job_ids - self._before_scenario)
        jobs = {job.job_id: job for job in snapshot.jobs if job.job_id is not None and job.role == "grpc"}
        known = {job_id for job_id in self.job_ids if job_id not in jobs or self._is_ours(jobs[job_id])}
        unnamed = {job_id for job_id, job in jobs.items() if self._is_of_our_channels(job)}
        return sorted(snapshot.job_ids & (known | unnamed))

    def _is_ours(self, job: Job) -> bool:
        """Of a job id that an answer named: it is not an object that was there before, or was started for others."""
        job_id = job.job_id or ""
        if job.uid in self._before_run or self._uids.get(job_id, job.uid) != job.uid:
            return False
        asked, started_for = self._asked.get(job_id), channels_of_job(job)
        return self._neighbours.are_none or asked is None or started_for is None or asked == started_for

    def _is_of_our_channels(self, job: Job) -> bool:
        return job.uid not in self._before_run and channels_of_job(job) in self.channels

    def _settle(self, intentions: list[Intention]) -> None:
        if intentions:
            self._ledger.settled(*intentions)
        with self._lock:
            self._unsettled = [one for one in self._unsettled if one not in intentions]
