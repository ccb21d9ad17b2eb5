"""The one place where investigations are released and proven to be gone."""

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
    """Releases the investigations that the register assigns to this run, and nothing else."""

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
        """Remember the existing investigations, which are not ours."""
        self._register.begin_scenario(self._cluster.snapshot())

    def order(self, job_id: str) -> None:
        """Order the removal of one investigation of this run, without waiting for it."""
        self._cluster.release(job_id)

    def release(self, job_id: str) -> None:
        """Remove everything of one investigation and prove it. :class:`AssertionError` names what remains."""
        self._clients.leave(job_id)
        self.order(job_id)
        self._jobs.wait_until_gone(job_id, "release_s")
        self._register.released(job_id)

    def there_now(self) -> frozenset[str]:
        """Return the job ids that have any object in the cluster."""
        return self._cluster.snapshot().job_ids

    def unannounced(self, known: frozenset[str]) -> list[str]:
        """Release the investigations other than ``known``, and return their traces. Call it after all processes have
        released their own."""
        snapshot = self._cluster.snapshot()
        strange = sorted(snapshot.job_ids - known)
        for job_id in strange:
            self._cluster.release(job_id)
        return [trace for job_id in strange for trace in traces_in(snapshot, job_id)]

    def release_all(self) -> list[str]:
        """Release everything that is still open at the end of the scenario. Returns descriptions of what is left."""
        left = self._gone_in_time() if self.end_all() or self._register.open_ids else []
        if not left:
            self._register.all_released()
        self._register.end_scenario()
        return left

    def _gone_in_time(self) -> list[str]:
        """Wait for the release and return what is left at its deadline."""
        within_s = self._limits.deadline("release_s")
        # The watch is asked first, because it costs nothing. The cluster itself then confirms that everything is gone.
        waits.settle(self._traces_watched, within_s=within_s, changes=self._jobs.watch)
        return waits.settle(self._left_over, within_s=within_s, changes=self._jobs.watch)

    def end_all(self) -> list[str]:
        """Disconnect all clients and order the removal of everything that is ours, without waiting for it. Returns the
        job ids that the cluster shows."""
        self._register.identify()
        for job_id in self._register.open_ids:
            self._clients.leave(job_id)
        ours = self._register.ours(self._cluster.snapshot())
        with ThreadPoolExecutor(RELEASED_AT_ONCE) as pool:
            list(pool.map(self.order, ours))
        return ours

    def left_behind(self) -> list[str]:
        """Return what the cluster shows during the time of observation although everything was released.

        The last releases first get their time to finish.
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
        """Return what the cluster still has of investigations that this run opened and released earlier."""
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
