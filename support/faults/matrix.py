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


@dataclass(frozen=True)
class Plan:
    """What the matrix is made of. ``rows`` are those that can run; with ``everything`` all of them run with each
    fault."""

    settings: Mapping[str, int | float | str]
    faults: Sequence[Fault]
    rows: Sequence[Row]
    tags: str
    everything: bool
    workers: int
    reports: Path

    def rows_with(self, fault: Fault) -> list[Row]:
        return list(self.rows) if self.everything else selection(fault, self.rows)

    def healthy_shares(self) -> list[list[Row]]:
        """Every row that runs with any of the faults, a share for each worker; a feature is not divided."""
        concerned = {row.id for fault in self.faults for row in self.rows_with(fault)}
        features = list(dict.fromkeys(row.feature for row in self.rows if row.id in concerned))
        shares = [frozenset(features[number :: self.workers]) for number in range(self.workers)]
        return [[row for row in self.rows if row.id in concerned and row.feature in share] for share in shares if share]


def run_matrix(plan: Plan, report: Callable[[Run | Judgement], None]) -> list[Judgement]:
    """The healthy run, then every fault; ``report`` is told each result as it is there.

    Raises :class:`MatrixError` when the healthy sandbox fails anything.
    """
    shutil.rmtree(plan.reports, ignore_errors=True)
    with _benches(plan) as benches, ThreadPoolExecutor(plan.workers) as pool:

        def healthy_share(numbered: tuple[int, list[Row]]) -> Run:
            number, rows = numbered
            with _one_of(benches) as bench:
                return bench.run(f"healthy-{number}", rows, {})

        def judged(fault: Fault) -> Judgement:
            with _one_of(benches) as bench:
                judgement = bench.with_fault(fault, plan.rows_with(fault))
            report(judgement)
            return judgement

        report(_healthy(pool.map(healthy_share, enumerate(plan.healthy_shares(), start=1))))
        # The longest first, so that none of them is alone at the end.
        order = sorted(plan.faults, key=lambda fault: -len(plan.rows_with(fault)))
        judgements = {judgement.fault.id: judgement for judgement in pool.map(judged, order)}
        return [judgements[fault.id] for fault in plan.faults]


def _healthy(shares: Iterator[Run]) -> Run:
    """The shares as one run; :class:`MatrixError` unless everything passes."""
    runs = list(shares)
    whole = Run(
        {name: entry for run in runs for name, entry in run.scenarios.items()}, sum(run.duration_s for run in runs)
    )
    bad = whole.bad()
    if bad:
        first, reason = next(iter(bad.items()))
        raise MatrixError(f"the healthy sandbox fails {len(bad)} scenarios, the first is {first}: {reason}")
    return whole


@contextmanager
def _benches(plan: Plan) -> Iterator[queue.SimpleQueue[Bench]]:
    """As many as there are workers, started side by side."""
    benches: queue.SimpleQueue[Bench] = queue.SimpleQueue()
    behave = WarmBehave()
    with ExitStack() as closing:

        def started(_: int) -> None:
            bench = Bench(plan.settings, plan.reports, plan.tags, behave)
            closing.callback(bench.close)
            benches.put(bench)

        with ThreadPoolExecutor(plan.workers) as pool:
            list(pool.map(started, range(plan.workers)))
        yield benches


@contextmanager
def _one_of(benches: queue.SimpleQueue[Bench]) -> Iterator[Bench]:
    bench = benches.get()
    try:
        yield bench
    finally:
        benches.put(bench)
