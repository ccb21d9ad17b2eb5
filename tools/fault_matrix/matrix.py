"""Runs the suite against the healthy sandbox and against each fault, on several sandboxes side by side."""

from __future__ import annotations

import queue
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager

from tools.fault_matrix.bench import Bench, MatrixError
from tools.fault_matrix.judgement import Judgement, Run, judge
from tools.fault_matrix.plan import Control, Part, Plan, controls, divided
from tools.fault_matrix.rows import Row
from tools.fault_matrix.stored import clear
from tools.fault_matrix.warm import WarmBehave

Benches = queue.SimpleQueue[Bench]
Report = Callable[[Run | Judgement], None]
_BESIDE = 2
"""Maximum number of sandboxes for faults that mostly wait and for long measurements, in addition to the sandboxes at
work."""


def run_matrix(plan: Plan, report: Report) -> list[Judgement]:
    """Run the healthy sandbox, then every fault; ``report`` is called with each result as soon as it is available.

    Rows that tolerate no neighbour run while no other sandbox is at work; otherwise they would measure its load. Raises
    :class:`MatrixError` when the healthy sandbox fails anything.
    """
    clear(plan.reports)
    with ExitStack() as closing:
        beside_them = 0 if plan.is_alone else min(_BESIDE, len(plan.waiting()))
        benches = closing.enter_context(_benches(plan, plan.at_work + beside_them))
        pool, beside = (closing.enter_context(ThreadPoolExecutor(size)) for size in (plan.at_work, max(1, beside_them)))
        healthy = _whole("healthy", plan.healthy_rows(), plan.at_work, benches, pool)
        _require_healthy(healthy)
        report(healthy)
        matrix = _Matrix(plan, benches, report)
        found = controls(plan, healthy)
        for control in (one for one in found if not one.row.lasts):
            matrix.control(control)
        lasting = [one for one in found if one.row.lasts]
        _all_of(
            *(pool.submit(matrix.control, one) for one in lasting if one.fault.waits),
            *(pool.submit(matrix.part, part) for part in plan.lasting(waits=True)),
            *(beside.submit(matrix.part, part) for part in plan.lasting(waits=False)),
            *(beside.submit(matrix.control, one) for one in lasting if not one.fault.waits),
        )
        _all_of(
            *(beside.submit(matrix.part, part) for part in plan.waiting()),
            *(pool.submit(matrix.part, part) for part in plan.quiet()),
        )
        for part in plan.apart():
            matrix.part(part)
        return matrix.judgements()


def _all_of(*work: Future[None]) -> None:
    """Wait for all of the work. When one part fails, the parts that have not begun are cancelled."""
    try:
        for one in as_completed(work):
            one.result()
    finally:
        for one in work:
            one.cancel()


class _Matrix:
    """The results by fault; the methods may be called from several threads at a time."""

    def __init__(self, plan: Plan, benches: Benches, report: Report) -> None:
        self._plan, self._benches, self._report = plan, benches, report
        self._lock = threading.Lock()
        self._missing = {fault.id: len(plan.parts(fault)) for fault in plan.faults}
        self._runs: dict[str, Run] = {}
        self._unfit: dict[str, str] = {}
        self._judged: dict[str, Judgement] = {}

    def part(self, part: Part) -> None:
        """Run one part of a fault. The fault is judged when its last part has run."""
        with _one_of(self._benches) as bench:
            run = bench.with_fault(part.name, part.fault, part.rows)
        fault = part.fault
        with self._lock:
            before = self._runs.get(fault.id)
            self._runs[fault.id] = run = before.with_those_of(run) if before else run
            self._missing[fault.id] -= 1
            if self._missing[fault.id]:
                return
        self._judged[fault.id] = judge(fault, run).without_proof_by(self._unfit)
        self._report(self._judged[fault.id])

    def control(self, control: Control) -> None:
        """Run a row without the fault. If it does not pass, its failure with the fault proves nothing."""
        with _one_of(self._benches) as bench:
            run = bench.with_variables_of(control.fault, f"control/{control.row.id}", [control.row])
        if control.row.id in run.passed():
            self._report(run)
        else:
            reason = run.bad().get(control.row.id, "it does not run")
            self._unfit[control.row.id] = f"with the variables of {control.fault.id} and without the fault: {reason}"

    def judgements(self) -> list[Judgement]:
        """Return the judgements in the order of the plan."""
        return [self._judged[fault.id].without_proof_by(self._unfit) for fault in self._plan.faults]


def run_once(name: str, plan: Plan) -> Run:
    """Run every row once, on sandboxes started with the options of the plan."""
    shutil.rmtree(plan.reports / name, ignore_errors=True)
    with _benches(plan, plan.at_work) as benches, ThreadPoolExecutor(plan.at_work) as pool:
        return _whole(name, plan.rows, plan.at_work, benches, pool)


def _whole(name: str, rows: Sequence[Row], workers: int, benches: Benches, pool: ThreadPoolExecutor) -> Run:
    """Run the rows as one run, divided among the sandboxes. Rows that tolerate no neighbour run last, on one
    sandbox."""

    def share(numbered: tuple[int, list[Row]]) -> Run:
        number, rows = numbered
        with _one_of(benches) as bench:
            return bench.run(f"{name}/{number}", rows, {})

    shares = divided([row for row in rows if not row.is_apart], workers)
    runs = list(pool.map(share, enumerate(shares, start=1)))
    apart = [row for row in rows if row.is_apart]
    runs += [share((len(shares) + 1, apart))] if apart else []
    scenarios = {scenario_id: entry for run in runs for scenario_id, entry in run.scenarios.items()}
    return Run(scenarios, sum(run.duration_s for run in runs))


def _require_healthy(healthy: Run) -> None:
    bad = healthy.bad()
    if bad:
        first, reason = next(iter(bad.items()))
        raise MatrixError(f"the healthy sandbox fails {len(bad)} scenarios, the first is {first}: {reason}")


@contextmanager
def _benches(plan: Plan, amount: int) -> Iterator[Benches]:
    """Start ``amount`` benches in parallel, and close them at the end."""
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
