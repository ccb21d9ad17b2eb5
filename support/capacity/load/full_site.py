"""A full site: as many investigations as it has room for, those that may wait, and not one more (CA-08)."""

from __future__ import annotations

from hamcrest import assert_that

from support import waits
from support.checks.matcher import Judged
from support.checks.resources import GPU_SLICE, gpu_slices
from support.clients.kubernetes.client import KubernetesClient
from support.clients.load_engine import Caps
from support.config import Environment
from support.investigations.jobs import Jobs
from support.investigations.service import Investigations
from support.model import requests

AT_ONCE = 50
"""The site is filled in parts. The number it accepts at one moment is tested elsewhere (CA-01)."""
ROUNDS = 4
"""Number of attempts to open the missing investigations before the site counts as one that does not fill."""


class FullSite:
    """Fills the site with investigations of this scenario and watches them."""

    def __init__(
        self, investigations: Investigations, cluster: KubernetesClient, jobs: Jobs, environment: Environment
    ) -> None:
        self._investigations, self._cluster, self._jobs = investigations, cluster, jobs
        self._limits, self._capacity = environment.limits, environment.capacity
        self._patience_s = 2 * environment.focus_server.read_timeout_s

    def free_slices(self) -> int:
        """Return the number of GPU slices on ready nodes that no pod holds."""
        held = sum(gpu_slices(pod) for pod in self._cluster.pods() if pod.phase in ("Pending", "Running"))
        offered = sum(int(node.allocatable.get(GPU_SLICE, "0")) for node in self._cluster.nodes() if node.ready)
        return max(0, offered - held)

    def room(self, free_slices: int) -> int:
        """Return the number of investigations that fit: one for each free GPU slice, and those that may wait."""
        return free_slices + self._capacity.waiting_jobs

    def free_ports(self) -> int:
        """Return the number of stream ports of the range that no service publishes."""
        first, last = self._capacity.first_stream_port, self._capacity.last_stream_port
        services = self._cluster.services()
        if not services:
            raise AssertionError(f"namespace {self._cluster.namespace_name} shows no service: no port can be counted")
        taken = {port.node_port for one in services for port in one.ports if port.node_port is not None}
        return sum(port not in taken for port in range(first, last + 1))

    def fill(self) -> frozenset[str]:
        """Open as many investigations as fit and may wait. Return the running jobs, earlier ones included.

        Raises AssertionError if one is refused. A job that ends before the site is full, because its client came too
        late, is replaced.
        """
        free_slices = self.free_slices()
        if not free_slices:
            raise AssertionError("no GPU slice is free: the site cannot be filled")
        before = self._present()
        wanted = before + self.room(free_slices)
        running: frozenset[str] = frozenset()
        for _ in range(ROUNDS):
            missing = wanted - self._present()
            if missing <= 0:
                return running
            self._open(missing)
            running = self._wait_until_running(before + free_slices)
        raise AssertionError(f"the site is not filled with {wanted} jobs: some end whenever others are opened")

    def _present(self) -> int:
        """Return the number of jobs of this scenario in the cluster, running or waiting."""
        own = set(self._investigations.open_ids)
        return sum(job.role == "grpc" and job.job_id in own for job in self._cluster.snapshot().jobs)

    def _open(self, left: int) -> None:
        while left > 0:
            part = min(left, AT_ONCE)
            openings = self._investigations.open_many([requests.live()] * part, Caps(part, self._patience_s))
            refused = [one for one in openings.each if one.opened is None]
            if refused:
                said = refused[0].answer.message if refused[0].answer else refused[0].sample.error
                raise AssertionError(f"refused before the site was full ({left} more should have opened): {said}")
            left -= part

    def _wait_until_running(self, amount: int) -> frozenset[str]:
        def mismatch(served: frozenset[str]) -> str | None:
            return None if len(served) == amount else f"{len(served)} run with a client"

        def served() -> frozenset[str]:
            return frozenset(job_id for job_id in self._running() if self._investigations.streams.is_connected(job_id))

        # Jobs without a client would be cleaned up again, and the site would not be full.
        return waits.until(
            served,
            Judged(f"{amount} running jobs with a client, as many as there were GPU slices for", mismatch),
            within_s=self._limits.deadline("all_open_s"),
            what="the jobs of a full site",
        )

    def _running(self) -> frozenset[str]:
        own = set(self._investigations.open_ids)
        pods = self._jobs.watch.pods().values()
        return frozenset(
            pod.job_id for pod in pods if pod.role == "grpc" and pod.phase == "Running" and pod.job_id in own
        )

    def hold_all_running(self, running: frozenset[str]) -> None:
        """Check that all these jobs keep running during the observation, and confirm it with the cluster itself."""

        def mismatch(now: frozenset[str]) -> str | None:
            lost = sorted(f"grpc-job-{job_id}" for job_id in running - now)
            return f"no longer running: {', '.join(lost)}" if lost else None

        wanted = Judged(f"all {len(running)} investigations running", mismatch)
        waits.holds(self._running, wanted, for_s=self._limits.observation_s, what="the open investigations")
        pods = self._cluster.pods("job-name")
        asked = frozenset(pod.job_id for pod in pods if pod.role == "grpc" and pod.phase == "Running" and pod.job_id)
        assert_that(asked, wanted)
