"""The capacity measurements of a run. The full load is made once, and whoever asks again is told what came of it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from support.capacity.load.load_run import Load, LoadRuns
from support.capacity.load.once_more import OnceMore
from support.capacity.load.phases import phase_times
from support.capacity.load.recovery import Probes
from support.capacity.load.results import PHASES, ClusterEvidence, LoadStep, SelfCheck
from support.capacity.load.run import CapacityRun, Recovery, Target
from support.capacity.load.self_check import GeneratorCheck
from support.capacity.report.gap_verdict import judge, late_for_the_machine, spoilt_by
from support.capacity.report.store import Reports
from support.config import Environment
from support.gherkin.sharing import FULL_LOAD, made_once
from support.investigations.streams import Connection, try_to_connect
from support.model import requests
from support.model.windows import one_after_the_other
from support.reporting.record import context as reporting

OPENINGS_FIGURE = "openings_at_once_p95_ms"
ANSWERED = "answered"
BASELINE_LOADS = 5
ASKED_BEYOND = 7
"""More investigations than a cluster with few slices has room for, when it is made to be short (CA-07)."""
HISTORIC, MIXED = 50, 100
"""Historic ones alone, and of each kind beside the other (CA-09)."""
HISTORIC_STEPS = (5, 10, 25, 50)
"""How the number of those over recorded data grows (CA-09); a hundred of them stand beside as many live ones."""
WINDOWS = 30
"""So many windows a client may have open (docs/facts/focus-server.md 2.3)."""
_TRIED_AT_ONCE = 16

Body = Mapping[str, Any]


@dataclass(frozen=True)
class Measured:
    """A load that was made, and the report on it."""

    run: CapacityRun
    reports: tuple[Path, ...]
    refusing: tuple[Connection, ...] = ()
    still_published: tuple[int, ...] = ()
    windows: tuple[requests.Times, ...] = ()
    """What each was asked for, in order, where they ask for different windows."""
    told_before: tuple[str, ...] = ()
    """What was measured before, where this is a repetition of what the tester's own machine had spoilt."""

    @property
    def step(self) -> LoadStep:
        """The load. AssertionError when there was none."""
        if self.run.step is None:
            raise AssertionError("no load was made")
        return self.run.step

    @property
    def job_ids(self) -> list[str]:
        """Every job that an answer named."""
        return [record.job_id for record in self.step.records if record.job_id]


@dataclass(frozen=True)
class Growth:
    """Loads of growing size; ``stopped_because`` is empty when the required number was reached."""

    measured: tuple[Measured, ...]
    stopped_because: str = ""


@dataclass(frozen=True)
class _Made:
    """A load with what was known before it."""

    load: Load
    check: SelfCheck | None
    started: datetime
    before: ClusterEvidence

    @property
    def step(self) -> LoadStep:
        return self.load.step


def _note(run: CapacityRun) -> None:
    """How fast the required number was answered at once goes to the record, and from there to metrics and trends."""
    times = phase_times(run.step.records, ANSWERED, run.target.limit_s(ANSWERED)) if run.step is not None else None
    if times is not None:
        reporting.current().figure(OPENINGS_FIGURE, times.p95.value)


class LoadMeasurements:
    """Makes loads and the reports on them. Every load is preceded by a check of the generator, once in a run."""

    def __init__(
        self,
        loads: LoadRuns,
        probes: Probes,
        generator: GeneratorCheck,
        once_more: OnceMore,
        reports: Reports,
        environment: Environment,
    ) -> None:
        self._loads, self._probes, self._generator, self._reports = loads, probes, generator, reports
        self._once_more = once_more
        self._environment, self._limits, self._capacity = environment, environment.limits, environment.capacity
        self._full: Measured | None = None

    @made_once(FULL_LOAD)
    def full_load(self, ramp: tuple[LoadStep, ...] = ()) -> Measured:
        """The required number at once, released again, with what came after; made once in a run, as the last step of
        the growth where there was one before."""
        if self._full is None:
            self._full = self._decided(functools.partial(self._full_load, ramp))
            _note(self._full.run)
        self._reports.use(self._full.reports)
        return self._full

    def baseline(self) -> list[Measured]:
        """A single investigation, again and again."""

        def single() -> Measured:
            return self._measured(self._load("one investigation", [requests.live()], many=False), report=False)

        return [single() for _ in range(BASELINE_LOADS)]

    def heavy(self) -> Measured:
        """Several of the heaviest configuration at once."""
        wanted = self._capacity
        bodies = [requests.heavy(wanted.heavy_channels, wanted.heavy_nfft)] * wanted.heavy_jobs
        return self._decided(lambda: self._measured(self._load("heavy investigations", bodies), report=False))

    def heavy_historic(self, times: requests.Times) -> Measured:
        """Several of the heaviest configuration over recorded data."""
        wanted = self._capacity
        bodies = [requests.heavy_historic(wanted.heavy_channels, wanted.heavy_nfft, times)] * wanted.heavy_jobs
        return self._decided(lambda: self._measured(self._load("heavy historic investigations", bodies), report=False))

    def windows(self, times: requests.Times) -> Measured:
        """As many as one client may have open, each over another window of recorded data (CA-09)."""
        windows = one_after_the_other(times, WINDOWS)
        bodies = [requests.historic(one) for one in windows]
        measured = self._decided(
            lambda: self._measured(self._load("windows of one client", bodies), tells_capacity=False)
        )
        return replace(measured, windows=tuple(windows))

    def historic(self, times: requests.Times) -> Measured:
        """Many over recorded data (CA-09)."""
        bodies = [requests.historic(times)] * HISTORIC
        return self._decided(
            lambda: self._measured(self._load("historic investigations", bodies), tells_capacity=False)
        )

    def mixed(self, times: requests.Times) -> Measured:
        """Many live ones, each beside one over recorded data (CA-09)."""
        bodies = [requests.live(), requests.historic(times)] * MIXED
        return self._decided(lambda: self._measured(self._load("mixed investigations", bodies), tells_capacity=False))

    @made_once(FULL_LOAD)
    def growth(self) -> Growth:
        """Loads of growing size, the last is the full load; a step that fails badly is the last."""
        *smaller, target = self.steps()
        grown = self._growing(smaller, requests.live(), target)
        if grown.stopped_because:
            return grown
        return Growth((*grown.measured, self._last_step(_ramp(grown.measured))))

    def historic_growth(self, times: requests.Times) -> Growth:
        """Loads of growing size over recorded data (CA-09)."""
        return self._growing(HISTORIC_STEPS, requests.historic(times), None)

    def _growing(self, amounts: Sequence[int], body: Body, required: int | None) -> Growth:
        """One load for each amount, until one fails badly: of that one there is a report."""
        measured: list[Measured] = []
        for amount in amounts:
            measured.append(self._decided(functools.partial(self._grown, amount, body, _ramp(measured))))
            share, limit = measured[-1].step.succeeded / amount, self._capacity.stop_below_rate
            if share < limit:
                last = measured[-1]
                measured[-1] = replace(last, reports=self._reports.write(last.run, required))
                return Growth(
                    tuple(measured), f"stopped at {amount}: {last.step.succeeded} of them opened, less than {limit:.0%}"
                )
        return Growth(tuple(measured))

    def _grown(self, amount: int, body: Body, ramp: tuple[LoadStep, ...]) -> Measured:
        """One step of a growth."""
        load = self._load(f"step of {amount}", [body] * amount)
        return self._measured(load, ramp=ramp, report=False, judges_answers=False)

    def _last_step(self, ramp: tuple[LoadStep, ...]) -> Measured:
        """The full load, with a report that shows the steps before it."""
        full = self.full_load(ramp)
        if full.run.ramp == ramp:
            return full
        run = replace(full.run, ramp=ramp, finished=datetime.now(UTC))
        return replace(full, run=run, reports=self._reports.write(run, self._capacity.target_jobs))

    def _decided(self, make: Callable[[], Measured]) -> Measured:
        """What ``make`` measures; the result of a repetition tells of both."""
        return self._once_more.decided(make, self._spoilt, lambda one, told: replace(one, told_before=(told,)))

    def _spoilt(self, measured: Measured) -> str | None:
        """Why a measurement decides nothing because of the tester's own machine; None when it does, or for another
        reason."""
        step = measured.step
        shown = f"{step.succeeded} of {step.asked} opened"
        late = late_for_the_machine(measured.run, self._capacity.success_rate) if step.failed else ""
        why = late or spoilt_by(judge(measured.run))
        return f"{shown}, {why}" if why else None

    def steps(self) -> list[int]:
        """The sizes of the growth: those of the environment below the required number, and that number."""
        target = self._capacity.target_jobs
        return [*(amount for amount in sorted(set(self._capacity.steps)) if amount < target), target]

    def short(self, free_slices: int) -> Measured:
        """More than a cluster with so few free GPU slices has room for."""
        amount = free_slices + ASKED_BEYOND
        return self._measured(self._load("more than there is room for", [requests.live()] * amount))

    def _load(self, title: str, bodies: Sequence[Body], many: bool = True) -> _Made:
        check = self._generator.result() if many else None
        started = datetime.now(UTC)
        before = self._loads.evidence_before()
        try:
            load = self._loads.make(title, list(bodies))
        except BaseException as error:
            self._report_abort(len(bodies), error, check, started, before)
            raise
        return _Made(load, check, started, before)

    def _report_abort(
        self, asked: int, error: BaseException, check: SelfCheck | None, started: datetime, before: ClusterEvidence
    ) -> None:
        """What is known of a load that did not come to its end: a report that says so (``partial``)."""
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
            fingerprint=self._reports.fingerprint,
            generator=self._generator.description(),
            git_revision=self._reports.git_revision,
            stopped_because=f"the load ended early: {why}",
        )
        self._reports.write(run, self._capacity.target_jobs)

    def _full_load(self, ramp: tuple[LoadStep, ...]) -> Measured:
        amount = self._capacity.target_jobs
        quiet = self._probes.quiet()
        made = self._load(f"{amount} investigations", [requests.live()] * amount)
        records = made.step.records
        taken = self._loads.given_to_others(made.load.job_ids)
        given = {(one.stream_host, one.stream_port) for one in records if one.stream_host and one.stream_port}
        streams = {(host, port) for host, port in given if port not in taken}
        with ThreadPoolExecutor(_TRIED_AT_ONCE) as pool:
            refusing = tuple(pool.map(try_to_connect, *zip(*sorted(streams), strict=True))) if streams else ()
        recovery = self._probes.recover(quiet)
        left, published = self._loads.afterwards(made.load.job_ids)
        came_back = tuple(one for one in left if one not in made.step.leftovers)
        measured = self._measured(made, recovery=replace(recovery, leftovers=came_back), ramp=ramp)
        still = tuple(sorted(port for _, port in streams if port in made.load.published | published))
        return replace(measured, refusing=refusing, still_published=still)

    def _measured(
        self,
        made: _Made,
        recovery: Recovery | None = None,
        ramp: tuple[LoadStep, ...] = (),
        report: bool = True,
        judges_answers: bool = True,
        tells_capacity: bool = True,
    ) -> Measured:
        # What the cluster showed explains failures and fills reports; of a success without a report nobody asks for it.
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
            fingerprint=self._reports.fingerprint,
            generator=self._generator.description(),
            git_revision=self._reports.git_revision,
            stopped_because=made.step.stopped_because,
            judges_answers=judges_answers,
        )
        required = self._capacity.target_jobs if tells_capacity else None
        return Measured(run, self._reports.write(run, required) if report else ())

    def _target(self, asked: int) -> Target:
        settled_s = self._limits.deadline("all_open_s")
        limits_s = dict.fromkeys(PHASES, settled_s) | {"answered": self._environment.focus_server.read_timeout_s}
        return Target(asked, self._capacity.success_rate, self._limits.answer_under_load_p95_ms, limits_s)


def _ramp(measured: Sequence[Measured]) -> tuple[LoadStep, ...]:
    return tuple(one.step for one in measured)
