"""Investigations and holders that killed runs of this suite left in an environment, and their removal."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from support import waits
from support.clients.kubernetes.client import Job, KubernetesClient, Snapshot
from support.config import Environment
from support.investigations.jobs import traces_in
from support.investigations.occupancy import RUN_LABEL, removed
from support.investigations.own_channels import channels_of_job
from support.investigations.run_ledger import Intention, LedgerEntry, RunLedger

# The cluster reports its time and creation times in whole seconds.
_CLOCK = timedelta(seconds=3)


@dataclass(frozen=True)
class Leftovers:
    """Objects that killed runs left.

    ``investigations`` are certainly ours. ``perhaps_ours`` match an intention of ours and no ledger entry claims them.
    ``not_known`` cannot be decided. ``not_ours`` have a job id of ours but belong to others.
    """

    investigations: tuple[str, ...] = ()
    holders: tuple[tuple[str, str], ...] = ()
    perhaps_ours: tuple[str, ...] = ()
    not_known: tuple[str, ...] = ()
    not_ours: tuple[str, ...] = ()

    @property
    def doubtful(self) -> tuple[str, ...]:
        """Investigations that are removed only if they are named."""
        return (*self.perhaps_ours, *self.not_known)

    def __bool__(self) -> bool:
        return bool(self.investigations or self.holders or self.doubtful)

    def besides(self, others: Leftovers) -> Leftovers:
        """Return the leftovers that are not among ``others``."""
        return Leftovers(
            *(
                tuple(one for one in mine if one not in known)
                for mine, known in zip(self._all, others._all, strict=True)
            )
        )

    @property
    def _all(self) -> tuple[tuple[Any, ...], ...]:
        return self.investigations, self.holders, self.perhaps_ours, self.not_known, self.not_ours

    def naming(self, job_ids: Collection[str]) -> Leftovers:
        """Return what to remove if these jobs are named: those certainly ours, and the doubtful ones that are named."""
        named = tuple(job_id for job_id in self.doubtful if job_id in job_ids)
        return Leftovers((*self.investigations, *named), self.holders)


class CannotTell(Exception):
    """It cannot be determined whether anything is left. The message is one sentence."""


class Sweep:
    """Finds and removes leftovers of runs that have ended.

    Times are compared only by the clock of the cluster. They are not compared if that clock is not known, or if a
    recorded time lies in its future.
    """

    def __init__(self, cluster: KubernetesClient, ledger: RunLedger, environment: Environment) -> None:
        self._cluster, self._ledger = cluster, ledger
        self._limits, self._exclusive = environment.limits, environment.identity.exclusive

    def find(self, undone_at: datetime | None = None) -> Leftovers:
        """Return the leftovers that exist now.

        A request that was in progress when its run was killed gets the time to open first. If something was changed
        back at ``undone_at``, that time starts then: the request may have waited for it, as long as servers wait.

        Raises :class:`CannotTell` if the namespace shows nothing at all.
        """
        longest_s = self._limits.deadline("job_running_s") + (self._limits.outage_answer_s if undone_at else 0)
        waits.settle(lambda: self._may_still_open(longest_s, undone_at), within_s=longest_s)
        snapshot = self._cluster.snapshot()
        if not snapshot:
            raise CannotTell(
                f"namespace {self._cluster.namespace_name} shows neither job, pod nor service, not even those of the "
                "product: whether anything is left cannot be told"
            )
        sorted_out: dict[str, list[str]] = {"ours": [], "not_known": [], "not_ours": []}
        pending = self._ledger.pending()
        for entry in pending:
            if entry.job_id in snapshot.job_ids and not entry.is_of_a_live_run:
                sorted_out[self._verdict(snapshot, entry)].append(entry.job_id)
        claimed = {entry.job_id for entry in pending} - set(sorted_out["not_ours"])
        unclaimed = [job for job in snapshot.jobs if job.role == "grpc" and job.job_id not in claimed]
        ours, perhaps = self._unnamed(unclaimed)
        labelled = self._cluster.snapshot(label_selector=RUN_LABEL)
        return Leftovers(
            investigations=(*sorted_out["ours"], *ours),
            holders=(
                *(("pod", pod.name) for pod in labelled.pods),
                *(("service", service.name) for service in labelled.services),
            ),
            perhaps_ours=perhaps,
            not_known=tuple(sorted_out["not_known"]),
            not_ours=tuple(job_id for job_id in sorted_out["not_ours"] if job_id not in ours and job_id not in perhaps),
        )

    def _may_still_open(self, longest_s: float, undone_at: datetime | None) -> list[str]:
        """Return the ids of requests without an answer that the server may still process, for ``longest_s`` at most."""
        oldest = self._cluster.clock.now() - timedelta(seconds=longest_s)
        return [one.id for one in self._intentions() if max(one.at, undone_at or one.at) > oldest]

    def _intentions(self) -> list[Intention]:
        return [one for one in self._ledger.unsettled() if not one.process.lives()]

    def _unnamed(self, jobs: list[Job]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the jobs that no answer named and an unanswered request may have opened, as (ours, perhaps ours)."""
        ours: list[str] = []
        perhaps: list[str] = []
        for job in jobs:
            of = [one for one in self._intentions() if self._may_have_opened(one, job)]
            if of and job.job_id is not None:
                alike = [one for one in of if one.channels == channels_of_job(job) is not None]
                certain = self._exclusive and any(self._began_after(job.created, one) for one in alike)
                (ours if certain else perhaps).append(job.job_id)
        return tuple(ours), tuple(perhaps)

    def remove(self, leftovers: Leftovers) -> list[str]:
        """Remove the leftovers and wait. Returns descriptions of what is left."""
        for job_id in leftovers.investigations:
            self._cluster.release(job_id)
        for kind, name in leftovers.holders:
            remove = self._cluster.delete_pod if kind == "pod" else self._cluster.delete_service
            removed(remove, name)
        left = waits.settle(lambda: self._left(leftovers), within_s=self._limits.deadline("release_s"))
        if not left:
            for job_id in leftovers.investigations:
                self._ledger.released(job_id)
        return left

    def close_the_books(self) -> None:
        """Close the ledger entries of killed runs: nothing is left of what they intended or opened."""
        self._ledger.settled(*self._intentions())
        for entry in self._ledger.pending():
            if not entry.is_of_a_live_run:
                self._ledger.released(entry.job_id)

    def _left(self, leftovers: Leftovers) -> list[str]:
        snapshot = self._cluster.snapshot()
        names = {name for _, name in leftovers.holders}
        holders = [one.name for one in (*snapshot.pods, *snapshot.services) if one.name in names]
        return [*(trace for job_id in leftovers.investigations for trace in traces_in(snapshot, job_id)), *holders]

    def _verdict(self, snapshot: Snapshot, entry: LedgerEntry) -> str:
        """Classify the objects under the job id of ``entry``: ours (those opened then), not_ours or not_known."""
        own = snapshot.of(entry.job_id)
        job = next((job for job in own.jobs if job.role == "grpc"), None)
        if job is not None and entry.uid is not None:
            return "ours" if job.uid == entry.uid else "not_ours"
        if entry.intention is None:
            return "not_known"
        channels = channels_of_job(job) if job is not None else None
        if channels not in (None, entry.intention.channels):
            return "not_ours"
        created = [job.created] if job is not None else [one.created for one in (*own.jobs, *own.pods, *own.services)]
        began = [self._began_after(moment, entry.intention) for moment in created]
        if False in began:
            return "not_ours"
        return "ours" if all(began) and (job is None or channels is not None) else "not_known"

    def _may_have_opened(self, intention: Intention, job: Job) -> bool:
        channels = channels_of_job(job)
        same_channels = None in (channels, intention.channels) or channels == intention.channels
        return same_channels and self._began_after(job.created, intention) is not False

    def _began_after(self, created: datetime | None, intention: Intention) -> bool | None:
        """Whether the object was created after the intention; None if that cannot be determined."""
        clock = self._cluster.clock
        if not (intention.is_certain and clock.is_known) or intention.at > clock.now() + _CLOCK:
            return None
        return created is not None and created >= intention.at - _CLOCK
