"""One load: investigations opened at once, followed until all are open, proven in the cluster, and released again."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from support import waits
from support.capacity.load.cluster_evidence import Collector
from support.capacity.load.machine import MachineMeter, MachineUse
from support.capacity.load.results import ClusterEvidence, JobRecord, LoadStep
from support.capacity.load.seen import Phases
from support.checks.matcher import judged
from support.clients.kubernetes.client import KubernetesClient
from support.clients.load_engine import STAGGER_S, Caps
from support.config import Environment
from support.investigations.jobs import Jobs
from support.investigations.many import Opening, Openings
from support.investigations.release import Releases
from support.investigations.service import Investigations
from support.model.recording_index import Search
from support.reporting.progress import Reporter
from support.statistics.operational import arrival_spread_ms, peak_in_flight

LOOK_EVERY_S = 0.05
TRIED_AGAIN_S = 15.0
"""Time after which the scheduler has tried a pod without a place again, once something was freed; at most 11 s by
docs/facts/kubernetes.md 2.2."""


@dataclass(frozen=True)
class Load:
    """A finished load: its measurement, the evidence of the cluster while it stood, and the ports that services
    published after its release."""

    step: LoadStep
    evidence: ClusterEvidence
    published: frozenset[int]
    job_ids: frozenset[str]


@dataclass(frozen=True)
class Standing:
    """A load whose investigations are open and not yet released.

    ``reached`` holds the moments of their phases by job id, as known when the evidence was collected. Later changes
    came too late.
    """

    openings: Openings
    phases: Phases
    reached: Mapping[str, Mapping[str, float]]
    alive: frozenset[str]
    seconds: float
    evidence: ClusterEvidence
    machine: MachineUse

    @property
    def opened(self) -> list[Opening]:
        """The openings that were answered as opened."""
        return [opening for opening in self.openings.each if opening.opened is not None]

    def record(self, opening: Opening, released_s: float) -> JobRecord:
        """Return the record of one request. ``released_s`` is the moment the release of all was requested."""
        sample, opened = opening.sample, opening.opened
        seen = self.reached.get(opening.job_id or "", {}) if opened else {}
        reached = {phase: max(0.0, at_s - sample.intended_s) for phase, at_s in seen.items()}
        gone_s = self.phases.gone_s(opening.job_id) if opening.job_id else None
        free_s = self.phases.port_free_s(opening.job_id) if opening.job_id else None
        if opened is not None:
            reached["answered"] = sample.done_s - sample.intended_s
        return JobRecord(
            number=sample.number,
            intended_s=sample.intended_s,
            sent_s=sample.sent_s,
            status=sample.status,
            answer=sample.error or sample.body.decode("utf-8", errors="replace"),
            headers=dict(sample.headers),
            job_id=opening.job_id,
            stream_host=opened.stream_host if opened else None,
            stream_port=opened.stream_port if opened else None,
            reached=reached,
            distrusted=self.phases.distrusted(opening.job_id) if opening.job_id else frozenset(),
            alive_together=opening.job_id in self.alive,
            released_s=None if gone_s is None else max(0.0, gone_s - released_s),
            port_free_s=None if free_s is None else max(0.0, free_s - sample.intended_s),
        )


class LoadRuns:
    """Makes loads with the same ledger, release and proof as all other investigations.

    ``search`` asks how the database answers a lookup of recordings. It is called while a load over recorded data
    stands.
    """

    def __init__(
        self,
        investigations: Investigations,
        releases: Releases,
        cluster: KubernetesClient,
        jobs: Jobs,
        environment: Environment,
        search: Callable[[], Search],
    ) -> None:
        self._investigations, self._releases, self._cluster, self._jobs = investigations, releases, cluster, jobs
        self._streams = investigations.streams
        self._environment, self._limits, self._search = environment, environment.limits, search

    def caps(self, amount: int, over_s: float = 0.0) -> Caps:
        """Return the caps: at most ``amount`` requests over ``over_s``, then a wait of twice the read timeout."""
        return Caps(amount, over_s + 2 * self._environment.focus_server.read_timeout_s)

    def make(
        self, title: str, bodies: list[Mapping[str, Any]], *, apart_s: float = STAGGER_S, hold_s: float = 0.0
    ) -> Load:
        """Open all at once, or each ``apart_s`` after the one before. Prove that they are alive together after
        ``hold_s``, release them and prove that they are gone."""
        self.clean_state()
        try:
            standing = self.stand(title, bodies, apart_s, hold_s)
        except BaseException:
            self._releases.release_all()
            raise
        of_earlier = self._releases.left_of_earlier()  # before it is swept together with this load
        released_s = time.monotonic()
        left = self._releases.release_all()
        standing.phases.take_in()
        left += [trace for trace in self._releases.left_behind() if trace not in left]
        published = self.published_ports(standing.openings.job_ids)
        if left:
            self._releases.release_all()  # reported, and swept so that the next load begins clean
        return Load(
            self.step(standing, released_s, tuple(left), tuple(of_earlier)),
            standing.evidence,
            published,
            standing.openings.job_ids,
        )

    def evidence_before(self) -> ClusterEvidence:
        """Collect the state of the cluster without the load, to show what others use."""
        return Collector(self._cluster, self._environment).collect(Phases(self._jobs.watch), ())

    def afterwards(self, job_ids: Collection[str]) -> tuple[list[str], frozenset[int]]:
        """Return what is left after the load of these investigations and its probes, and the ports still published for
        them. Leftovers are swept after they were recorded."""
        left, published = self._releases.left_behind(), self.published_ports(job_ids)
        return [*left, *self._releases.release_all()], published

    def published_ports(self, job_ids: Collection[str]) -> frozenset[int]:
        """Node ports that services publish now. In a shared environment, only those of these investigations."""
        services = [one for one in self._cluster.services() if self._environment.exclusive or one.job_id in job_ids]
        return frozenset(port.node_port for one in services for port in one.ports if port.node_port is not None)

    def given_to_others(self, job_ids: Collection[str]) -> frozenset[int]:
        """Node ports that services of other investigations publish now."""
        services = [one for one in self._cluster.services() if one.job_id is not None and one.job_id not in job_ids]
        return frozenset(port.node_port for one in services for port in one.ports if port.node_port is not None)

    def clean_state(self) -> None:
        """Check that nothing of an earlier load is open; in an exclusive environment, that nothing at all is open."""
        if self._environment.exclusive:
            waits.until(
                self._open_now,
                judged("no job", lambda found: f"open: {', '.join(sorted(found))}" if found else None),
                within_s=self._limits.deadline("release_s"),
                what="the environment without any job before a load",
            )
        elif self._investigations.open_ids and (left := self._releases.release_all()):
            raise AssertionError(f"still open from before: {', '.join(left)}")

    def _open_now(self) -> frozenset[str]:
        """Investigations with a job or a pod. A service alone is a leak, which the load itself has to show."""
        snapshot = self._cluster.snapshot()
        return frozenset(one.job_id for one in (*snapshot.jobs, *snapshot.pods) if one.job_id is not None)

    def stand(
        self, title: str, bodies: list[Mapping[str, Any]], apart_s: float = STAGGER_S, hold_s: float = 0.0
    ) -> Standing:
        """Open all, follow them until each is open or never will be, and hold them. Nothing is released."""
        phases, collector = Phases(self._jobs.watch), Collector(self._cluster, self._environment)
        meter = MachineMeter()
        with Reporter(title, len(bodies)) as reporter:

            def answered(opening: Opening) -> None:
                if opening.opened is None:
                    reporter.failed()

            caps = self.caps(len(bodies), apart_s * len(bodies))
            openings = self._investigations.open_many(bodies, caps, on_opening=answered, apart_s=apart_s)
            opened = [opening for opening in openings.each if opening.opened is not None]
            self._follow({opening.job_id or "" for opening in opened}, phases, reporter)
        waits.settle(lambda: ["held"], within_s=hold_s)
        machine = meter.use()
        alive = self._alive_now([opening.job_id or "" for opening in opened])
        phases.take_in()
        self._note_ports(opened, phases)
        ids = {opening.job_id for opening in openings.each if opening.job_id}
        reached = {job_id: phases.reached(job_id) for job_id in ids}
        seconds = time.monotonic() - openings.burst.samples[0].intended_s
        search = self._search if any(body.get("start_time") for body in bodies) else None
        return Standing(openings, phases, reached, alive, seconds, collector.collect(phases, ids, search), machine)

    def step(
        self,
        standing: Standing,
        released_s: float,
        leftovers: tuple[str, ...] = (),
        of_earlier: tuple[str, ...] = (),
    ) -> LoadStep:
        """Return the measurement of a load after its release."""
        records = tuple(standing.record(opening, released_s) for opening in standing.openings.each)
        burst = standing.openings.burst
        reachable = Counter(
            (record.stream_host, record.stream_port) for record in records if "port_open" in record.reached
        )
        return LoadStep(
            asked=len(records),
            records=records,
            seconds=standing.seconds,
            peak_in_flight=peak_in_flight(burst.in_flight),
            arrival_spread_ms=arrival_spread_ms([sample.sent_s for sample in burst.samples]),
            running_together=len(standing.alive),
            distinct_ports=len(reachable),
            leftovers=leftovers,
            of_earlier=of_earlier,
            stopped_because=burst.stopped_because,
            machine=standing.machine,
        )

    def _follow(self, waiting: set[str], phases: Phases, reporter: Reporter) -> None:
        """Wait until each has reached its last phase, has ended, or its time is over.

        Also stops when no node has room for the remaining ones and nothing has moved until the scheduler would have
        tried them again.
        """
        nothing_moves_for_s = TRIED_AGAIN_S * self._limits.time_scale + self._limits.overhead_s
        moved, quiet = phases.progress(), waits.Stopwatch()

        def still_opening() -> list[str]:
            nonlocal moved, quiet
            phases.take_in()
            if phases.progress() != moved:
                moved, quiet = phases.progress(), waits.Stopwatch()
            for job_id in list(waiting):
                is_open = "running" in phases.reached(job_id) and self._streams.connected_since_s(job_id) is not None
                if is_open or phases.has_ended(job_id):
                    (reporter.opened if is_open else reporter.failed)()
                    waiting.discard(job_id)
            if quiet.given_s() >= nothing_moves_for_s and all(map(phases.has_no_place, waiting)):
                return []
            return list(waiting)

        # Polled, not at each change of 200 jobs: the suite shares its machine with the system it measures.
        waits.settle(still_opening, within_s=self._limits.deadline("all_open_s"), changes=waits.PollEvery(LOOK_EVERY_S))

    def _alive_now(self, job_ids: list[str]) -> frozenset[str]:
        """Jobs whose client is connected and whose pod is Running in a single list of the cluster, so at one moment."""
        running = {pod.job_id for pod in self._cluster.pods("job-name") if pod.role == "grpc" and _is_running(pod)}
        return frozenset(one for one in job_ids if one in running and self._streams.is_connected(one))

    def _note_ports(self, opened: list[Opening], phases: Phases) -> None:
        for opening in opened:
            at_s = self._streams.connected_since_s(opening.job_id or "")
            if at_s is not None and opening.job_id:
                phases.note_port_open(opening.job_id, at_s)


def _is_running(pod: Any) -> bool:
    return pod.phase == "Running" and not pod.deleting
