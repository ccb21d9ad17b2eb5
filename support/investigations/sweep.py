"""Removing what killed runs of this suite left in an environment, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from support import waits
from support.clients.kubernetes.client import KubernetesClient, Snapshot
from support.config import Environment
from support.investigations.jobs import traces_in
from support.investigations.occupancy import RUN_LABEL
from support.investigations.run_ledger import Entry, RunLedger

# The clocks of this machine and of the cluster may differ by so much; a job id comes again only after a redeployment.
_SAME_MOMENT = timedelta(minutes=2)


@dataclass(frozen=True)
class Leftovers:
    """``investigations`` of the ledger that are still there, ``holders`` by kind and name, and what is ``not_ours``."""

    investigations: tuple[Entry, ...]
    holders: tuple[tuple[str, str], ...]
    not_ours: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.investigations or self.holders)


class Sweep:
    """Finds and removes leftovers. A job is ours only if the ledger names it and it began when the ledger says."""

    def __init__(self, cluster: KubernetesClient, ledger: RunLedger, environment: Environment) -> None:
        self._cluster = cluster
        self._ledger = ledger
        self._limits = environment.limits

    def find(self) -> Leftovers:
        snapshot = self._cluster.snapshot()
        there = [entry for entry in self._ledger.pending() if entry.job_id in snapshot.job_ids]
        ours = [entry for entry in there if _began_then(snapshot, entry)]
        labelled = self._cluster.snapshot(label_selector=RUN_LABEL)
        return Leftovers(
            investigations=tuple(ours),
            holders=(
                *(("pod", pod.name) for pod in labelled.pods),
                *(("service", service.name) for service in labelled.services),
            ),
            not_ours=tuple(entry.job_id for entry in there if entry not in ours),
        )

    def remove(self, leftovers: Leftovers) -> list[str]:
        """Remove them and wait; answers what is still there."""
        for entry in leftovers.investigations:
            self._cluster.release(entry.job_id)
        for kind, name in leftovers.holders:
            remove = self._cluster.delete_pod if kind == "pod" else self._cluster.delete_service
            remove(name)
        left = waits.settle(lambda: self._left(leftovers), within_s=self._limits.deadline("release_s"))
        if not left:
            for entry in leftovers.investigations:
                self._ledger.released(entry.job_id)
        return left

    def _left(self, leftovers: Leftovers) -> list[str]:
        snapshot = self._cluster.snapshot()
        names = {name for _, name in leftovers.holders}
        holders = [one.name for one in (*snapshot.pods, *snapshot.services) if one.name in names]
        return [*(trace for entry in leftovers.investigations for trace in traces_in(snapshot, entry.job_id)), *holders]


def _began_then(snapshot: Snapshot, entry: Entry) -> bool:
    """Whether its objects were created when the ledger says that it was opened."""
    own = snapshot.of(entry.job_id)
    created = [one.created for one in (*own.jobs, *own.services) if one.created is not None]
    return bool(created) and all(abs(moment - entry.opened_at) <= _SAME_MOMENT for moment in created)
