"""The capacity measurements of a run. The full load is made once; later calls return the same result."""

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
"""Number of investigations requested beyond the room of a cluster with few slices, to make it fall short (CA-07)."""
HISTORIC, MIXED = 50, 100
"""Number of historic investigations alone, and number of each kind when both are opened together (CA-09)."""
HISTORIC_STEPS = (5, 10, 25, 50)
"""Growing numbers of historic investigations (CA-09). Together with live ones, a hundred of each are opened."""
WINDOWS = 30
"""Number of windows a client may have open (docs/facts/focus-server.md 2.3)."""


def _note(run: CapacityRun) -> None:
    """Record the P95 of the answers to the full load. Metrics and trends take it from there."""
    times = phase_times(run.step.records, ANSWERED, run.target.limit_s(ANSWERED)) if run.step is not None else None
    if times is not None:
        reporting.current().figure(OPENINGS_FIGURE, times.p95.value)


class LoadMeasurements:
    """The loads that scenarios request, and the reports on them."""

    def __init__(self, maker: LoadMaker, environment: Environment) -> None:
        self._maker, self._capacity = maker, environment.capacity
        self._full: Measured | None = None

    @made_once(FULL_LOAD)
    def full_load(self, ramp: tuple[LoadStep, ...] = ()) -> Measured:
        """Open the required number at once, release it and observe the recovery. Made once in a run, as the last step
        of a growth if one was made before."""
        if self._full is None:
            self._full = self._maker.decided(functools.partial(self._maker.full_load, ramp))
            _note(self._full.run)
        self._maker.reports.use(self._full.reports)
        return self._full

    def baseline(self) -> list[Measured]:
        """Open a single investigation, several times in a row."""

        def single() -> Measured:
            return self._maker.measured(
                self._maker.load("one investigation", [requests.live()], many=False), report=False
            )

        return [single() for _ in range(BASELINE_LOADS)]

    def heavy(self) -> Measured:
        """Open several investigations of the heaviest configuration at once."""
        wanted = self._capacity
        bodies = [requests.heavy(wanted.heavy_channels, wanted.heavy_nfft)] * wanted.heavy_jobs
        return self._maker.counted("heavy investigations", bodies, report=False)

    def heavy_historic(self, times: requests.Times) -> Measured:
        """Open several investigations of the heaviest configuration over recorded data."""
        wanted = self._capacity
        bodies = [requests.heavy_historic(wanted.heavy_channels, wanted.heavy_nfft, times)] * wanted.heavy_jobs
        return self._maker.counted("heavy historic investigations", bodies, report=False)

    def windows(self, times: requests.Times) -> Measured:
        """Open as many investigations as one client may have, each over another window of recorded data (CA-09)."""
        windows = one_after_the_other(times, WINDOWS)
        bodies = [requests.historic(one) for one in windows]
        measured = self._maker.counted("windows of one client", bodies, tells_capacity=False)
        return replace(measured, windows=tuple(windows))

    def historic(self, times: requests.Times) -> Measured:
        """Open many investigations over recorded data (CA-09)."""
        bodies = [requests.historic(times)] * HISTORIC
        return self._maker.make("historic investigations", bodies, tells_capacity=False)

    def mixed(self, times: requests.Times) -> Measured:
        """Open many live investigations, each together with one over recorded data (CA-09)."""
        bodies = [requests.live(), requests.historic(times)] * MIXED
        return self._maker.make("mixed investigations", bodies, tells_capacity=False)

    @made_once(FULL_LOAD)
    def growth(self) -> Growth:
        """Make loads of growing size up to the full load, and stop after a step that fails badly."""
        *smaller, target = self.steps()
        grown = self._growing(smaller, requests.live(), target)
        if grown.stopped_because:
            return grown
        return Growth((*grown.measured, self._last_step(_ramp(grown.measured))))

    def historic_growth(self, times: requests.Times) -> Growth:
        """Make loads of growing size over recorded data (CA-09)."""
        return self._growing(HISTORIC_STEPS, requests.historic(times), None)

    def _growing(self, amounts: Sequence[int], body: Body, required: int | None) -> Growth:
        """Make one load for each amount. Stop after one that fails badly, and write a report on it."""
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
        """Make one step of a growth."""
        load = self._maker.load(f"step of {amount}", [body] * amount)
        return self._maker.measured(load, ramp=ramp, report=False, judges_answers=False)

    def _last_step(self, ramp: tuple[LoadStep, ...]) -> Measured:
        """Make the full load, with a report that shows the steps before it."""
        full = self.full_load(ramp)
        if full.run.ramp == ramp:
            return full
        run = replace(full.run, ramp=ramp, finished=datetime.now(UTC))
        return replace(full, run=run, reports=self._maker.reports.write(run, self._capacity.target_jobs))

    def steps(self) -> list[int]:
        """Return the sizes of the growth: the environment's steps below the required number, and that number."""
        target = self._capacity.target_jobs
        return [*(amount for amount in sorted(set(self._capacity.steps)) if amount < target), target]

    def short(self, free_slices: int) -> Measured:
        """Open more investigations than a cluster with ``free_slices`` GPU slices has room for."""
        bodies = [requests.live()] * (free_slices + ASKED_BEYOND)
        return self._maker.counted("more than there is room for", bodies)


def _ramp(measured: Sequence[Measured]) -> tuple[LoadStep, ...]:
    return tuple(one.step for one in measured)
