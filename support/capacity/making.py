"""Makes one load and writes the report on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from support.capacity.load.load_run import Load, LoadRuns
from support.capacity.load.once_more import OnceMore
from support.capacity.load.recovery import Probes
from support.capacity.load.results import PHASES, ClusterEvidence, LoadStep, SelfCheck
from support.capacity.load.run import CapacityRun, Recovery, Target
from support.capacity.load.self_check import GeneratorCheck
from support.capacity.measured import Measured
from support.capacity.report.gap_verdict import judge, late_for_the_machine, spoilt_by
from support.capacity.report.store import Reports
from support.config import Environment
from support.investigations.streams import try_to_connect
from support.model import requests

Body = Mapping[str, Any]
_TRIED_AT_ONCE = 16


@dataclass(frozen=True)
class Made:
    """A load, with the check of the generator and the state of the cluster before it."""

    load: Load
    check: SelfCheck | None
    started: datetime
    before: ClusterEvidence

    @property
    def step(self) -> LoadStep:
        return self.load.step


class LoadMaker:
    """Makes loads. The generator is checked before the first load of a run."""

    def __init__(
        self,
        loads: LoadRuns,
        probes: Probes,
        generator: GeneratorCheck,
        once_more: OnceMore,
        reports: Reports,
        environment: Environment,
    ) -> None:
        self._loads, self._probes, self._generator, self.reports = loads, probes, generator, reports
        self._once_more = once_more
        self._environment, self._limits, self._capacity = environment, environment.limits, environment.capacity

    def make(self, title: str, bodies: Sequence[Body], *, report: bool = True, tells_capacity: bool = True) -> Measured:
        """Make a load that decides. It is repeated once if the tester's own machine spoilt it."""
        return self.decided(
            lambda: self.measured(self.load(title, bodies), report=report, tells_capacity=tells_capacity)
        )

    def counted(
        self, title: str, bodies: Sequence[Body], *, report: bool = True, tells_capacity: bool = True
    ) -> Measured:
        """Make a load whose investigations are counted, not timed. The generator need not be checked for it, and other
        scenarios may use this machine meanwhile."""

        def make() -> Measured:
            made = self.load(title, bodies, many=False)
            return self.measured(made, report=report, judges_answers=False, tells_capacity=tells_capacity)

        return self.decided(make)

    def decided(self, make: Callable[[], Measured]) -> Measured:
        """Measure with ``make``. If the measurement is repeated, the result describes both."""
        return self._once_more.decided(make, self._spoilt, lambda one, note: replace(one, told_before=(note,)))

    def _spoilt(self, measured: Measured) -> str | None:
        """Return why the tester's own machine made a measurement inconclusive; None if that is not so."""
        step = measured.step
        shown = f"{step.succeeded} of {step.asked} opened"
        late = late_for_the_machine(measured.run, self._capacity.success_rate) if step.failed else ""
        why = late or spoilt_by(judge(measured.run))
        return f"{shown}, {why}" if why else None

    def load(self, title: str, bodies: Sequence[Body], many: bool = True) -> Made:
        check = self._generator.result() if many else None
        started = datetime.now(UTC)
        before = self._loads.evidence_before()
        try:
            load = self._loads.make(title, list(bodies))
        except BaseException as error:
            self._report_abort(len(bodies), error, check, started, before)
            raise
        return Made(load, check, started, before)

    def _report_abort(
        self, asked: int, error: BaseException, check: SelfCheck | None, started: datetime, before: ClusterEvidence
    ) -> None:
        """Write a report, marked ``partial``, with what is known of a load that did not finish."""
        why = f"{type(error).__name__} {error}".strip()
        run = CapacityRun(
            environment=self._environment.name,
            started=started,
            finished=datetime.now(UTC),
            target=self._target(asked),
            step=None,
            during=self._loads.evidence_before(),
            before=before,
            self_check=check,
            fingerprint=self.reports.fingerprint,
            generator=self._generator.description(),
            git_revision=self.reports.git_revision,
            stopped_because=f"the load ended early: {why}",
        )
        self.reports.write(run, self._capacity.target_jobs)

    def full_load(self, ramp: tuple[LoadStep, ...]) -> Measured:
        amount = self._capacity.target_jobs
        quiet = self._probes.quiet()
        made = self.load(f"{amount} investigations", [requests.live()] * amount)
        records = made.step.records
        taken = self._loads.given_to_others(made.load.job_ids)
        given = {(one.stream_host, one.stream_port) for one in records if one.stream_host and one.stream_port}
        streams = {(host, port) for host, port in given if port not in taken}
        with ThreadPoolExecutor(_TRIED_AT_ONCE) as pool:
            refusing = tuple(pool.map(try_to_connect, *zip(*sorted(streams), strict=True))) if streams else ()
        recovery = self._probes.recover(quiet)
        left, published = self._loads.afterwards(made.load.job_ids)
        came_back = tuple(one for one in left if one not in made.step.leftovers)
        measured = self.measured(made, recovery=replace(recovery, leftovers=came_back), ramp=ramp)
        still = tuple(sorted(port for _, port in streams if port in made.load.published | published))
        return replace(measured, refusing=refusing, still_published=still)

    def measured(
        self,
        made: Made,
        recovery: Recovery | None = None,
        ramp: tuple[LoadStep, ...] = (),
        report: bool = True,
        judges_answers: bool = True,
        tells_capacity: bool = True,
    ) -> Measured:
        # Evidence explains failures and fills reports. A success without a report needs none.
        is_needed = report or made.step.succeeded < made.step.asked
        run = CapacityRun(
            environment=self._environment.name,
            started=made.started,
            finished=datetime.now(UTC),
            target=self._target(made.step.asked),
            step=made.step,
            during=made.load.evidence if is_needed else ClusterEvidence(),
            before=made.before if is_needed else ClusterEvidence(),
            ramp=ramp,
            self_check=made.check,
            recovery=recovery,
            fingerprint=self.reports.fingerprint,
            generator=self._generator.description(),
            git_revision=self.reports.git_revision,
            stopped_because=made.step.stopped_because,
            judges_answers=judges_answers,
        )
        required = self._capacity.target_jobs if tells_capacity else None
        return Measured(run, self.reports.write(run, required) if report else ())

    def _target(self, asked: int) -> Target:
        settled_s = self._limits.deadline("all_open_s")
        limits_s = dict.fromkeys(PHASES, settled_s) | {"answered": self._environment.focus_server.read_timeout_s}
        return Target(asked, self._capacity.success_rate, self._limits.answer_under_load_p95_ms, limits_s)
