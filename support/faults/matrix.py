"""Runs the suite against the healthy sandbox and against each fault, on several sandboxes side by side."""

from __future__ import annotations

import queue
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.faults.bench import Bench, MatrixError
from support.faults.catalogue import Fault
from support.faults.judgement import Judgement, Run
from support.faults.rows import Row, selection
from support.faults.warm import WarmBehave

Benches = queue.SimpleQueue[Bench]
_ROOM_FOR_LOAD = 2
"""What measures under load has so many times the room of the others."""


@dataclass(frozen=True)
class Plan:
    """What the matrix is made of. ``rows`` are those that can run; with ``everything`` all of them run with each
    fault. ``options`` are further words for ``sandbox up``."""

    settings: Mapping[str, int | float | str]
    faults: Sequence[Fault]
    rows: Sequence[Row]
    tags: str
    everything: bool
    workers: int
    reports: Path
    options: Sequence[str] = ()

    def rows_with(self, fault: Fault) -> list[Row]:
        return list(self.rows) if self.everything else selection(fault, self.rows)

    def healthy_rows(self) -> list[Row]:
        """Every row that runs with any of the faults."""
        concerned = {row.id for fault in self.faults for row in self.rows_with(fault)}
        return [row for row in self.rows if row.id in concerned]

    def strains(self, fault: Fault) -> bool:
        """Whether something runs with it that measures under load."""
        return any(row.needs_room for row in self.rows_with(fault))

    def is_slow(self, fault: Fault) -> bool:
        """Whether something runs with it that takes long."""
        return any(row.is_load and not row.needs_room for row in self.rows_with(fault))


@dataclass(frozen=True)
class Control:
    """A row that runs only with what the variables of ``fault`` ask for: with them, and without the fault, it passes.

    Without that a scenario that always fails would look as if it had caught something.
    """

    row: Row
    fault: Fault


def controls(plan: Plan, healthy: Run) -> list[Control]:
    """For every row that the healthy run has left out, and that a fault with variables of its own expects."""
    left_out = [row for row in plan.healthy_rows() if row.id not in healthy.passed()]
    return [Control(row, fault) for row in left_out if (fault := _enabling(row, plan.faults)) is not None]


def _enabling(row: Row, faults: Sequence[Fault]) -> Fault | None:
    """The first fault that is switched on, brings variables, and expects the row."""
    return next(
        (one for one in faults if one.is_switch and one.environment and any(map(row.is_meant_by, one.scenarios))), None
    )


def divided(rows: Sequence[Row], shares: int) -> list[list[Row]]:
    """The rows in at most so many parts; a feature is not divided."""
    features = list(dict.fromkeys(row.feature for row in rows))
    parts = [frozenset(features[number::shares]) for number in range(shares)]
    return [[row for row in rows if row.feature in part] for part in parts if part]


def run_matrix(plan: Plan, report: Callable[[Run | Judgement], None]) -> list[Judgement]:
    """The healthy run, then every fault; ``report`` is told each result as it is there.

    Raises :class:`MatrixError` when the healthy sandbox fails anything.
    """
    shutil.rmtree(plan.reports, ignore_errors=True)
    with _benches(plan) as benches, ThreadPoolExecutor(plan.workers) as pool:

        def judged(fault: Fault) -> Judgement:
            with _one_of(benches) as bench:
                judgement = bench.with_fault(fault, plan.rows_with(fault))
            report(judgement)
            return judgement

        def controlled(control: Control) -> None:
            with _one_of(benches) as bench:
                run = bench.run(f"control/{control.row.id}", [control.row], control.fault.environment)
            _require_healthy(run)
            if control.row.id not in run.passed():
                raise MatrixError(f"{control.row.id} does not run with the variables of {control.fault.id} alone")
            report(run)

        healthy = _whole("healthy", plan.healthy_rows(), plan.workers, benches, pool)
        _require_healthy(healthy)
        report(healthy)
        found = controls(plan, healthy)
        for control in found:
            if control.row.needs_room:
                controlled(control)
        waiting = [pool.submit(controlled, control) for control in found if not control.row.needs_room]
        # The longest first, so that none of them is alone at the end.
        order = sorted(plan.faults, key=lambda fault: (not plan.is_slow(fault), -len(plan.rows_with(fault))))
        quiet = list(pool.map(judged, [fault for fault in order if not plan.strains(fault)]))
        for one in waiting:
            one.result()
        with ThreadPoolExecutor(max(1, plan.workers // _ROOM_FOR_LOAD)) as few:
            strained = list(few.map(judged, [fault for fault in order if plan.strains(fault)]))
        judgements = {judgement.fault.id: judgement for judgement in [*quiet, *strained]}
        return [judgements[fault.id] for fault in plan.faults]


def run_once(name: str, plan: Plan) -> Run:
    """Every row once, on sandboxes started with the options of the plan."""
    shutil.rmtree(plan.reports / name, ignore_errors=True)
    with _benches(plan) as benches, ThreadPoolExecutor(plan.workers) as pool:
        return _whole(name, plan.rows, plan.workers, benches, pool)


def _whole(name: str, rows: Sequence[Row], workers: int, benches: Benches, pool: ThreadPoolExecutor) -> Run:
    """The rows as one run: divided among the sandboxes, and then what measures under load alone on one of them."""

    def share(numbered: tuple[int, list[Row]]) -> Run:
        number, rows = numbered
        with _one_of(benches) as bench:
            return bench.run(f"{name}/{number}", rows, {})

    shares = divided([row for row in rows if not row.is_load], workers)
    runs = list(pool.map(share, enumerate(shares, start=1)))
    under_load = [row for row in rows if row.is_load]
    runs += [share((len(shares) + 1, under_load))] if under_load else []
    scenarios = {scenario_id: entry for run in runs for scenario_id, entry in run.scenarios.items()}
    return Run(scenarios, sum(run.duration_s for run in runs))


def _require_healthy(healthy: Run) -> None:
    bad = healthy.bad()
    if bad:
        first, reason = next(iter(bad.items()))
        raise MatrixError(f"the healthy sandbox fails {len(bad)} scenarios, the first is {first}: {reason}")


@contextmanager
def _benches(plan: Plan) -> Iterator[Benches]:
    """As many as there are workers, started side by side."""
    benches: Benches = queue.SimpleQueue()
    behave = WarmBehave()
    with ExitStack() as closing:

        def started(_: int) -> None:
            bench = Bench(plan.settings, plan.reports, plan.tags, behave, plan.options)
            closing.callback(bench.close)
            benches.put(bench)

        with ThreadPoolExecutor(plan.workers) as pool:
            list(pool.map(started, range(plan.workers)))
        yield benches


@contextmanager
def _one_of(benches: Benches) -> Iterator[Bench]:
    bench = benches.get()
    try:
        yield bench
    finally:
        benches.put(bench)
