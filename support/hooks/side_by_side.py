"""Runs scenarios that do not exclude each other in several processes on one environment: one record, one console.

This process runs scenarios as well. The others are forked before it has any connection, wait until the environment
is ready, and receive one scenario after the other. Scenarios that must run alone run here when all others are done.
"""

from __future__ import annotations

import functools
import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from support.clients.kubernetes.tunnel import StillListening
from support.clients.processes import ProcessId
from support.clients.safety import Budget, SafetyPolicy
from support.hooks.strangers import Strangers, told_by_scenario
from support.hooks.units import Unit, side_by_side, units_of
from support.hooks.worker import Farewell, WorkerOutcome, outcome_of, serve
from support.investigations.register import NOTHING
from support.reporting.record import context as reporting
from support.reporting.record.identity import identify
from support.reporting.record.model import Trouble, now

_END_S = 30.0
AMBIENT = "while the scenario ran, "


class SideBySide:
    """The processes of a run, and the scenarios that are left to run."""

    def __init__(self, runner: Any, wanted: int | None) -> None:
        self._runner, self._wanted = runner, wanted
        self._report = reporting.current()
        self._together = side_by_side(self._report.selected)
        self._left: deque[int] = deque()
        self._workers: list[tuple[BaseProcess, Connection]] = []
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._shared: dict[str, tuple[str, ...]] = {}
        self._strange: dict[str, tuple[str, ...]] = {}
        self._asked = NOTHING
        self._strangers: Strangers | None = None
        self._known: frozenset[str] = frozenset()
        self._stopped = False
        self._budget: Budget | None = None
        self.requests: list[tuple[str, float]] = []
        """The requests of the other processes, from their journals."""

    # Before the run.

    def prepare(self, by_environment: int, policy: SafetyPolicy, connect: Callable[..., None]) -> Budget:
        """Fork the other processes, before this one has a thread or a connection.

        Returns the budget of all processes together. :func:`serve` calls ``connect``, which also receives this
        ``budget``.
        """
        amount = max(1, min(self._wanted or by_environment, len(self._together)))
        context = _forking()
        if amount > 1 and context is None:
            print("scenarios run one after the other: this system cannot fork a process")
            amount = 1
        ProcessId.own()  # the identity of all of them
        self._budget = budget = Budget(policy, amount, context.Lock() if amount > 1 else None)
        for lane in range(1, amount):
            ours, theirs = context.Pipe()
            arguments = (theirs, functools.partial(connect, budget=budget), self._run_here, self._farewell)
            process = context.Process(
                target=self._serve, args=(lane, ours, arguments), daemon=True, name=f"scenarios-{lane}"
            )
            process.start()
            theirs.close()
            self._workers.append((process, ours))
        return budget

    def _serve(self, lane: int, ours: Connection, arguments: Any) -> None:
        if self._budget is not None:
            self._budget.in_process(lane)
        for _, connection in self._workers:
            connection.close()  # the connections of the processes forked before this one
        ours.close()
        self._runner.formatters = []
        self._report.side_by_side = True
        self._report.suite_errors, self._report.leftovers = [], []
        with self._runner.context._use_with_behave_mode():  # it was forked in a hook, and runs scenarios
            serve(*arguments)

    def go(self, run_file: Path | None) -> None:
        """Start the work of the processes, because the environment is ready."""
        if not self._workers:
            return
        self._report.side_by_side = True
        world = self._runner.context.world
        world.neighbours.side_by_side = True
        self._known = world.releases.there_now()
        self._strangers = Strangers(world.cluster.watch)
        numbers = {id(one): number for number, one in enumerate(self._report.selected)}
        self._left.extend(numbers[id(one)] for one in self._together)
        shift = world.register.channels.shift
        for lane, (process, connection) in enumerate(self._workers, start=1):
            connection.send((run_file, shift + lane))  # no two have the same channels
            thread = threading.Thread(target=self._attend, args=(lane, process, connection), daemon=True)
            thread.start()
            self._threads.append(thread)

    # The run.

    def features(self, everything: Sequence[Any]) -> Iterator[Any]:
        """Yield what this process runs: its part of the scenarios side by side, and then, alone, everything else."""
        if not self._workers or "world" not in self._runner.context:
            yield from everything  # without a world no scenario runs; behave notes that
            return
        while not self._over() and (number := self._next()) is not None:
            scenario = self._report.selected[number]
            yield Unit([scenario])
            self._take_in(number, outcome_of(scenario, self._runner.context.world.register.asked()))
        for thread in self._threads:
            thread.join()
        self._alone_again()
        if not self._over():
            yield from self._whose_troubles()
        if self._runner.config.stop and self._stopped:
            return
        yield from units_of(one for one in self._report.selected if id(one) not in self._report.elsewhere)

    def _over(self) -> bool:
        """Whether the run has ended early. If so, end the other processes as well."""
        if self._runner.aborted or self._stopped:
            self.end()
            return True
        return False

    def _next(self) -> int | None:
        with self._lock:
            return self._left.popleft() if self._left else None

    def _run_here(self, number: int) -> WorkerOutcome:
        """Run one scenario and return its outcome. Called in another process."""
        scenario = self._report.selected[number]
        self._report.scenario_starts[id(scenario)] = now()
        Unit([scenario]).run(self._runner)
        return outcome_of(scenario, self._runner.context.world.register.asked())

    def _attend(self, lane: int, process: BaseProcess, connection: Connection) -> None:
        """Send one process one scenario after the other until none is left. Runs in a thread."""
        number = None
        try:
            while (number := self._next()) is not None:
                connection.send(number)
                answer = connection.recv()
                if isinstance(answer, Farewell):
                    break
                self._take_in(number, answer)
            else:
                connection.send(None)
                answer = connection.recv()
            self._part(answer, number)
        except (EOFError, OSError):
            process.join(_END_S)
            if self._budget is not None:
                self._budget.without(lane)
            self._died(number, f"the process that ran it ended with {process.exitcode}")

    def _part(self, answer: Any, number: int | None) -> None:
        with self._lock:
            self.requests += answer.requests
            self._report.suite_errors += answer.troubles
            if number is not None and not self._stopped:
                self._left.appendleft(number)  # the process ended before it began this scenario: another one runs it

    def _died(self, number: int | None, why: str) -> None:
        with self._lock:
            if self._stopped:
                return
            if number is None:
                self._report.suite_errors.append(Trouble("side by side", why))
            else:
                scenario = self._report.selected[number]
                self._report.scenario_troubles.setdefault(id(scenario), []).append(Trouble("side by side", why))
                self._report.suite_errors.append(Trouble("side by side", f"{identify(scenario).id}: {why}"))

    def _take_in(self, number: int, outcome: WorkerOutcome) -> None:
        scenario = self._report.selected[number]
        with self._lock:
            self._report.elsewhere[id(scenario)] = outcome.result
            self._report.leftovers += [one for one in outcome.leftovers if one not in self._report.leftovers]
            self._asked |= outcome.asked
            if outcome.shared:
                self._shared[outcome.result.id] = outcome.shared
            if outcome.result.is_bad and self._runner.config.stop:
                self._stopped = True
            self._show(scenario.feature)

    def _show(self, feature: Any) -> None:
        """Show a feature when the last of its scenarios that run side by side is done."""
        mine = {id(one): one for one in self._together if one.feature is feature}
        if not mine.keys() <= self._report.elsewhere.keys():
            return
        decided = {key for key, one in mine.items() if identify(one).id not in self._shared}
        for formatter in self._runner.formatters:
            if hasattr(formatter, "show_together"):
                formatter.show_together([one for one in self._report.selected if id(one) in decided])

    # After it.

    def _alone_again(self) -> None:
        """Return to running alone. On an exclusive site, record leftovers and jobs that no process has announced."""
        world = self._runner.context.world
        self._report.side_by_side = world.neighbours.side_by_side = False
        if world.environment.exclusive and not self._stopped:
            self._report.leftovers += world.releases.unannounced(self._known)
            if self._strangers is not None:
                strangers = self._strangers.besides(self._asked | world.register.asked())
                self._strange = told_by_scenario(strangers, self._report.elsewhere.values())
                attributed = {text for texts in self._strange.values() for text in texts}
                for text in sorted({str(one) for one in strangers} - attributed):
                    self._report.suite_error("side by side", text)

    def _whose_troubles(self) -> Iterator[Unit]:
        """Yield the scenarios that run once more, alone, because a problem arose while several ran.

        These are the scenarios during which the server had problems or an unrequested job was started. If the server
        had problems, failed scenarios run again as well. The result of running alone decides.
        """
        suspected = self._shared.keys() | self._strange.keys()
        done = [one for one in self._report.selected if id(one) in self._report.elsewhere]
        again = [
            one
            for one in done
            if identify(one).id in suspected or (self._shared and self._report.elsewhere[id(one)].is_bad)
        ]
        for scenario in again:
            del self._report.elsewhere[id(scenario)]
            yield Unit([scenario])
            self._report.elsewhere[id(scenario)] = outcome_of(scenario).result
        results = [self._report.elsewhere[id(one)] for one in again]
        self._explained(self._shared, any(AMBIENT in (one.reason or "") for one in results))
        self._explained(self._strange, any(one.is_bad for one in results if one.id in self._strange))

    def _explained(self, troubles: dict[str, tuple[str, ...]], by_one_alone: bool) -> None:
        """Record problems that no scenario causes alone as an error of the run."""
        if troubles and not by_one_alone:
            description = "; ".join(dict.fromkeys(text for texts in troubles.values() for text in texts))
            ids = ", ".join(troubles)
            self._report.suite_error("side by side", f"while {ids} ran, {description}; none of them alone does this")

    def end(self) -> None:
        """Let the other processes clean up and end, as Ctrl-C would. Does nothing if they have ended already."""
        with self._lock:
            self._left.clear()
            self._stopped = self._stopped or any(process.is_alive() for process, _ in self._workers)
        for process, _ in self._workers:
            if process.is_alive():
                process.terminate()
        for process, _ in self._workers:
            process.join(_END_S)
        for thread in self._threads:
            thread.join(_END_S)

    def _farewell(self) -> tuple[list[tuple[str, float]], list[str]]:
        """Close the connections of another process, in which it is called.

        Returns the requests that the process made, and what it could not remove.
        """
        context = self._runner.context
        if "world" not in context:
            return [], []
        left = context.world.releases.release_all() if context.world.investigations.open_ids else []
        try:
            context.world.close()
        except StillListening as error:
            left = [*left, str(error)]
        return context.world.requests_made(), left


def _forking() -> Any:
    """Return the context that forks processes, or None if the system cannot fork."""
    if hasattr(os, "fork"):
        return multiprocessing.get_context("fork")
    return None
