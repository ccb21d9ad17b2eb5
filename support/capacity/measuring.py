"""The capacity measurements of a run. The full load is made once, and whoever asks again is told what came of it."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from support.capacity.load.phases import phase_times
from support.capacity.load.results import LoadStep
from support.capacity.load.run import CapacityRun
from support.capacity.making import Body, LoadMaker
from support.capacity.measured import Growth, Measured
from support.config import Environment
from support.gherkin.sharing import FULL_LOAD, made_once
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


def _note(run: CapacityRun) -> None:
    """How fast the required number was answered at once goes to the record, and from there to metrics and trends."""
    times = phase_times(run.step.records, ANSWERED, run.target.limit_s(ANSWERED)) if run.step is not None else None
    if times is not None:
        reporting.current().figure(OPENINGS_FIGURE, times.p95.value)


class LoadMeasurements:
    """The loads that scenarios ask for, and the reports on them."""

    def __init__(self, maker: LoadMaker, environment: Environment) -> None:
        self._maker, self._capacity = maker, environment.capacity
        self._full: Measured | None = None

    @made_once(FULL_LOAD)
    def full_load(self, ramp: tuple[LoadStep, ...] = ()) -> Measured:
        """The required number at once, released again, with what came after; made once in a run, as the last step of
        the growth where there was one before."""
        if self._full is None:
            self._full = self._maker.decided(functools.partial(self._maker.full_load, ramp))
            _note(self._full.run)
        self._maker.reports.use(self._full.reports)
        return self._full

    def baseline(self) -> list[Measured]:
        """A single investigation, again and again."""

        def single() -> Measured:
            return self._maker.measured(
                self._maker.load("one investigation", [requests.live()], many=False), report=False
            )

        return [single() for _ in range(BASELINE_LOADS)]

    def heavy(self) -> Measured:
        """Several of the heaviest configuration at once."""
        wanted = self._capacity
        bodies = [requests.heavy(wanted.heavy_channels, wanted.heavy_nfft)] * wanted.heavy_jobs
        return self._maker.make("heavy investigations", bodies, report=False)

    def heavy_historic(self, times: requests.Times) -> Measured:
        """Several of the heaviest configuration over recorded data."""
        wanted = self._capacity
        bodies = [requests.heavy_historic(wanted.heavy_channels, wanted.heavy_nfft, times)] * wanted.heavy_jobs
        return self._maker.make("heavy historic investigations", bodies, report=False)

    def windows(self, times: requests.Times) -> Measured:
        """As many as one client may have open, each over another window of recorded data (CA-09)."""
        windows = one_after_the_other(times, WINDOWS)
        bodies = [requests.historic(one) for one in windows]
        measured = self._maker.make("windows of one client", bodies, tells_capacity=False)
        return replace(measured, windows=tuple(windows))

    def historic(self, times: requests.Times) -> Measured:
        """Many over recorded data (CA-09)."""
        bodies = [requests.historic(times)] * HISTORIC
        return self._maker.make("historic investigations", bodies, tells_capacity=False)

    def mixed(self, times: requests.Times) -> Measured:
        """Many live ones, each beside one over recorded data (CA-09)."""
        bodies = [requests.live(), requests.historic(times)] * MIXED
        return self._maker.make("mixed investigations", bodies, tells_capacity=False)

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
            measured.append(self._maker.decided(functools.partial(self._grown, amount, body, _ramp(measured))))
            share, limit = measured[-1].step.succeeded / amount, self._capacity.stop_below_rate
            if share < limit:
                last = measured[-1]
                measured[-1] = replace(last, reports=self._maker.reports.write(last.run, required))
                return Growth(
                    tuple(measured), f"stopped at {amount}: {last.step.succeeded} of them opened, less than {limit:.0%}"
                )
        return Growth(tuple(measured))

    def _grown(self, amount: int, body: Body, ramp: tuple[LoadStep, ...]) -> Measured:
        """One step of a growth."""
        load = self._maker.load(f"step of {amount}", [body] * amount)
        return self._maker.measured(load, ramp=ramp, report=False, judges_answers=False)

    def _last_step(self, ramp: tuple[LoadStep, ...]) -> Measured:
        """The full load, with a report that shows the steps before it."""
        full = self.full_load(ramp)
        if full.run.ramp == ramp:
            return full
        run = replace(full.run, ramp=ramp, finished=datetime.now(UTC))
        return replace(full, run=run, reports=self._maker.reports.write(run, self._capacity.target_jobs))

    def steps(self) -> list[int]:
        """The sizes of the growth: those of the environment below the required number, and that number."""
        target = self._capacity.target_jobs
        return [*(amount for amount in sorted(set(self._capacity.steps)) if amount < target), target]

    def short(self, free_slices: int) -> Measured:
        """More than a cluster with so few free GPU slices has room for."""
        amount = free_slices + ASKED_BEYOND
        return self._maker.measured(self._maker.load("more than there is room for", [requests.live()] * amount))


def _ramp(measured: Sequence[Measured]) -> tuple[LoadStep, ...]:
    return tuple(one.step for one in measured)
