"""Runs the suite against the healthy sandbox and against each fault, on several sandboxes side by side."""

from __future__ import annotations

import queue
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

from support.fault_catalogue import Fault
from tools.fault_matrix.bench import Bench, MatrixError
from tools.fault_matrix.judgement import Judgement, Run
from tools.fault_matrix.plan import Control, Plan, controls, divided
from tools.fault_matrix.rows import Row
from tools.fault_matrix.stored import clear
from tools.fault_matrix.warm import WarmBehave

Benches = queue.SimpleQueue[Bench]
Report = Callable[[Run | Judgement], None]
_BESIDE = 2
"""At most so many sandboxes for what mostly waits, besides those that are at work."""
_LOADED = 1 / 2
"""Of the sandboxes at work so many measure under load at a time: they share two processors with what they measure."""


def run_matrix(plan: Plan, report: Report) -> list[Judgement]:
    """The healthy run, then every fault; ``report`` is told each result as it is there.

    Raises :class:`MatrixError` when the healthy sandbox fails anything.
    """
    clear(plan.reports)
    with ExitStack() as closing:
        beside_them = 0 if plan.is_alone else min(_BESIDE, len(plan.waiting()))
        benches = closing.enter_context(_benches(plan, plan.at_work + beside_them))
        pool, loaded, beside = (
            closing.enter_context(ThreadPoolExecutor(size))
            for size in (plan.at_work, max(1, round(plan.at_work * _LOADED)), max(1, beside_them))
        )
        healthy = _whole("healthy", plan.healthy_rows(), plan.at_work, benches, pool)
        _require_healthy(healthy)
        report(healthy)
        matrix = _Matrix(plan, benches, report)
        found = controls(plan, healthy)
        for control in found:
            if control.row.needs_room:
                matrix.control(control)
        waiting: list[Future[None]] = [beside.submit(matrix.control, one) for one in found if not one.row.needs_room]
        waiting += [beside.submit(matrix.fault, fault) for fault in plan.waiting()]
        try:
            list(pool.map(matrix.fault, plan.quiet()))
            list(loaded.map(matrix.fault, plan.strained()))
            for one in waiting:
                one.result()
        finally:
            for one in waiting:
                one.cancel()
        return matrix.judgements()


class _Matrix:
    """What came of each fault; its methods may be called from several threads at a time."""

    def __init__(self, plan: Plan, benches: Benches, report: Report) -> None:
        self._plan, self._benches, self._report = plan, benches, report
        self._judged: dict[str, Judgement] = {}

    def fault(self, fault: Fault) -> None:
        with _one_of(self._benches) as bench:
            judgement = bench.with_fault(fault, self._plan.rows_with(fault))
        self._judged[fault.id] = judgement
        self._report(judgement)

    def control(self, control: Control) -> None:
        """:class:`MatrixError` when what must pass without the fault does not."""
        with _one_of(self._benches) as bench:
            run = bench.run(f"control/{control.row.id}", [control.row], control.fault.environment)
        _require_healthy(run)
        if control.row.id not in run.passed():
            raise MatrixError(f"{control.row.id} does not run with the variables of {control.fault.id} alone")
        self._report(run)

    def judgements(self) -> list[Judgement]:
        """In the order of the plan."""
        return [self._judged[fault.id] for fault in self._plan.faults]


def run_once(name: str, plan: Plan) -> Run:
    """Every row once, on sandboxes started with the options of the plan."""
    shutil.rmtree(plan.reports / name, ignore_errors=True)
    with _benches(plan, plan.at_work) as benches, ThreadPoolExecutor(plan.at_work) as pool:
        return _whole(name, plan.rows, plan.at_work, benches, pool)


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
def _benches(plan: Plan, amount: int) -> Iterator[Benches]:
    """So many, started side by side."""
    benches: Benches = queue.SimpleQueue()
    behave = WarmBehave()
    with ExitStack() as closing:

        def started(_: int) -> None:
            bench = Bench(plan.settings, plan.reports, plan.tags, behave, plan.options, parallel=plan.parallel)
            closing.callback(bench.close)
            benches.put(bench)

        with ThreadPoolExecutor(amount) as pool:
            list(pool.map(started, range(amount)))
        yield benches


@contextmanager
def _one_of(benches: Benches) -> Iterator[Bench]:
    bench = benches.get()
    try:
        yield bench
    finally:
        benches.put(bench)
