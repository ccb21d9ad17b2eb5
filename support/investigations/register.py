"""Register of what this run has opened or may have opened. Nothing else is released, cancelled or connected to."""

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
    """The answer names a job that existed before the request. The job belongs to another client and was left alone."""

    def __init__(self, *job_ids: str) -> None:
        super().__init__(
            f"a duplicate job id: the answer names job {', '.join(job_ids)}, which was there before the request "
            "and is not of this run; it was left alone"
        )


@dataclass(frozen=True)
class Intended:
    """Requests that are about to be sent, and the job ids that existed before them."""

    intention: Intention
    before: frozenset[str]


@dataclass(frozen=True)
class Asked:
    """Everything a process has requested: the job ids that answers have named, and the channels of all requests."""

    job_ids: frozenset[str] = frozenset()
    channels: frozenset[Channels] = frozenset()

    def __or__(self, other: Asked) -> Asked:
        return Asked(self.job_ids | other.job_ids, self.channels | other.channels)

    def explains(self, job: Job) -> bool:
        """Whether ``job`` may have been started for one of these requests."""
        return job.job_id in self.job_ids or channels_of_job(job) in self.channels


NOTHING = Asked()


class Register:
    """Ledger of a run, and the rules that decide which jobs in the cluster belong to the run. Thread-safe.

    A job belongs to this run if an answer named it and nothing contradicts that, or if it was started for the channels
    of this run after the run began. On a cluster that only this suite uses, everything that appeared since the scenario
    began also belongs to it.
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
        """Investigations of this scenario that are not released yet."""
        return tuple(self._open)

    def begin_scenario(self, snapshot: Snapshot) -> None:
        """Remember the existing investigations, which are not ours."""
        self._before_scenario = snapshot.job_ids
        self.end_scenario()

    def end_scenario(self) -> None:
        """Forget the open investigations: they were already reported as left over, and the ledger keeps them."""
        with self._lock:
            self._open = []

    def intend(self, request: requests.Body, before: frozenset[str], number: int = 1) -> Intended:
        """Record on disk the requests that are about to be sent."""
        clock = self._clock
        intention = self._ledger.intend(clock.now(), channels_of(request), number, clock.is_known)
        with self._lock:
            self._unsettled.append(intention)
            if intention.channels is not None:
                self._intended.add(intention.channels)
        return Intended(intention, before)

    def asked(self) -> Asked:
        """Return everything requested so far."""
        with self._lock:
            return Asked(frozenset(self.job_ids), frozenset(self._intended))

    def take_in(self, intended: Intended, job_id: str | None) -> bool:
        """Record the job that an answer names, if any. Returns False if the job belongs to another client."""
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
        """Settle the intention: each request was answered with a job of its own, so no unknown job can appear."""
        self._settle([intended.intention])

    def identify(self) -> None:
        """Record the uid of each open job that was not visible yet when its answer came."""
        for job_id in self.open_ids:
            job = self._watch.job(f"grpc-job-{job_id}")
            if job is not None and job_id not in self._uids and self._is_ours(job):
                with self._lock:
                    self._uids[job_id] = job.uid
                self._ledger.identified(job_id, job.uid)

    def released(self, job_id: str) -> None:
        """Record that the investigation is proven to be gone."""
        with self._lock:
            if job_id not in self._open:
                return
            self._open.remove(job_id)
        self._ledger.released(job_id)

    def all_released(self) -> None:
        """Record that everything of this scenario is proven to be gone.

        This includes jobs that no answer has named, if they can be recognised by their channels.
        """
        for job_id in self.open_ids:
            self.released(job_id)
        self._settle([one for one in self._unsettled if self._neighbours.are_none or one.channels in self.channels])

    def ours(self, snapshot: Snapshot) -> list[str]:
        """Return the job ids in ``snapshot`` that this run has to release."""
        if self._neighbours.are_none:
            return sorted(snapshot.job_ids - self._before_scenario)
        jobs = {job.job_id: job for job in snapshot.jobs if job.job_id is not None and job.role == "grpc"}
        known = {job_id for job_id in self.job_ids if job_id not in jobs or self._is_ours(jobs[job_id])}
        unnamed = {job_id for job_id, job in jobs.items() if self._is_of_our_channels(job)}
        return sorted(snapshot.job_ids & (known | unnamed))

    def _is_ours(self, job: Job) -> bool:
        """Whether a job is ours whose id an answer named: not if the object existed before the run, has another uid
        than the one recorded, or was started for other channels."""
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
