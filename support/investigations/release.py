"""The one place where investigations are released, and where it is proven that nothing is left of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from support import waits
from support.clients.kubernetes.client import KubernetesClient
from support.config import Environment
from support.investigations.jobs import Jobs, traces_in
from support.investigations.register import Register
from support.investigations.stream_clients import StreamKeeper

RELEASED_AT_ONCE = 4


class Releases:
    """Releases what the register knows to be this run's, and nothing else."""

    def __init__(
        self,
        cluster: KubernetesClient,
        jobs: Jobs,
        clients: StreamKeeper,
        register: Register,
        environment: Environment,
    ) -> None:
        self._cluster, self._jobs, self._clients, self._register = cluster, jobs, clients, register
        self._limits = environment.limits

    def begin_scenario(self) -> None:
        """Remember what is there already: it is not ours."""
        self._register.begin_scenario(self._cluster.snapshot())

    def order(self, job_id: str) -> None:
        """Order the removal of one investigation of this run, without waiting for it."""
        self._cluster.release(job_id)

    def release(self, job_id: str) -> None:
        """Remove everything of one investigation and prove that it is gone; :class:`AssertionError` names what
        stays."""
        self._clients.leave(job_id)
        self.order(job_id)
        self._jobs.wait_until_gone(job_id, "release_s")
        self._register.released(job_id)

    def there_now(self) -> frozenset[str]:
        """Every investigation of which there is anything in the cluster."""
        return self._cluster.snapshot().job_ids

    def unannounced(self, known: frozenset[str]) -> list[str]:
        """What there is of investigations other than ``known``, when everybody has released his own: it is swept after
        it was seen."""
        snapshot = self._cluster.snapshot()
        strange = sorted(snapshot.job_ids - known)
        for job_id in strange:
            self._cluster.release(job_id)
        return [trace for job_id in strange for trace in traces_in(snapshot, job_id)]

    def release_all(self) -> list[str]:
        """End of the scenario: release what is still open and answer what could not be removed, in words."""
        left = self._gone_in_time() if self.end_all() or self._register.open_ids else []
        if not left:
            self._register.all_released()
        self._register.end_scenario()
        return left

    def _gone_in_time(self) -> list[str]:
        """What is left at the end of the time that a release may take."""
        within_s = self._limits.deadline("release_s")
        # The watch is asked first, because it costs nothing; that everything is gone is what the cluster says.
        waits.settle(self._traces_watched, within_s=within_s, changes=self._jobs.watch)
        return waits.settle(self._left_over, within_s=within_s, changes=self._jobs.watch)

    def end_all(self) -> list[str]:
        """Let every client go, and order the removal of everything that is ours, without waiting for it; its job ids,
        by the word of the cluster."""
        self._register.identify()
        for job_id in self._register.open_ids:
            self._clients.leave(job_id)
        ours = self._register.ours(self._cluster.snapshot())
        with ThreadPoolExecutor(RELEASED_AT_ONCE) as pool:
            list(pool.map(self.order, ours))
        return ours

    def left_behind(self) -> list[str]:
        """What appears during the time of observation although everything was released, by the word of the cluster.

        What was released last is given its time to go.
        """
        found: list[str] = []
        within_s = self._limits.deadline("release_s")
        waits.settle(self._traces_watched, within_s=within_s, changes=self._jobs.watch)

        def look() -> list[str]:
            found.extend(trace for trace in self._left_over() if trace not in found)
            return ["still looking"]

        waits.settle(look, within_s=self._limits.observation_s)
        return found

    def left_of_earlier(self) -> list[str]:
        """What is there of investigations that this run has opened and released before."""
        snapshot = self._cluster.snapshot()
        earlier = set(self._register.job_ids) - set(self._register.open_ids)
        return [trace for job_id in sorted(snapshot.job_ids & earlier) for trace in traces_in(snapshot, job_id)]

    def _traces_watched(self) -> list[str]:
        watch, mine = self._jobs.watch, set(self._register.open_ids)
        objects = (*watch.jobs().values(), *watch.pods().values(), *watch.services().values())
        return [one.name for one in objects if one.job_id in mine]

    def _left_over(self) -> list[str]:
        snapshot = self._cluster.snapshot()
        return [trace for job_id in self._register.ours(snapshot) for trace in traces_in(snapshot, job_id)]
