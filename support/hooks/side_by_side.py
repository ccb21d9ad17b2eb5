"""Runs scenarios in several processes: one record, one console.

Scenarios that do not exclude each other run beside each other on one environment. Scenarios that need a site to
themselves run beside them on further sandboxes, one after the other on each. This process runs scenarios as well. The
others are forked before it has any connection, wait until the environment is ready, and receive one scenario after the
other. Scenarios that need the message broker run here, as soon as nothing else uses this site. So do scenarios that
measure at the pace of the real system; otherwise they run alone, when all others are done.
"""

from __future__ import annotations

import functools
import multiprocessing
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from support.clients.kubernetes.tunnel import StillListening
from support.clients.processes import ProcessId
from support.clients.safety import Budget, SafetyPolicy
from support.gherkin.sharing import Sharing
from support.hooks.suspects import Suspects
from support.hooks.units import Concurrency, Unit, apart, beside_copies, side_by_side, units_of
from support.hooks.worker import Farewell, WorkerOutcome, outcome_of, serve
from support.reporting.record import context as reporting
from support.reporting.record.figures import worst
from support.reporting.record.identity import identify
from support.reporting.record.model import Trouble, now

_END_S = 30.0
_WORTH_A_COPY = 8
"""The number of scenarios for which a further sandbox is started. To start one takes as long as a few scenarios."""
Connect = Callable[..., None]


@dataclass
class Lane:
    """Another process of the run. It takes scenarios from ``left``, as others do.

    ``on_a_copy`` means that it has a sandbox of its own. ``thread`` is the thread of this process that serves it.
    """

    number: int
    process: BaseProcess
    connection: Connection
    left: deque[int]
    on_a_copy: bool
    thread: threading.Thread | None = None


class SideBySide:
    """The processes of a run, and the scenarios that are left to run."""

    def __init__(self, runner: Any, wanted: int | None) -> None:
        self._runner, self._wanted = runner, wanted
        self._report = reporting.current()
        self._together = side_by_side(self._report.selected)
        self._apart: list[Any] = []
        self._here: list[Any] = []
        """What runs here while others run on further sandboxes."""
        self._left: deque[int] = deque()
        self._left_apart: deque[int] = deque()
        self._left_here: deque[int] = deque()
        self._lanes: list[Lane] = []
        self._lock = threading.Lock()
        self._suspects = Suspects(self._report)
        self._stopped = False
        self._declined: list[str] = []
        self._budget: Budget | None = None
        self.requests: list[tuple[str, float]] = []
        """The requests of the other processes, from their journals."""

    # Before the run.

    def prepare(self, allowed: Concurrency, policy: SafetyPolicy, connect: Connect, connect_apart: Connect) -> Budget:
        """Fork the other processes, before this one has a thread or a connection.

        ``allowed`` is what the environment allows. Returns the budget of all processes together. Each process calls
        ``connect``, or ``connect_apart`` if it has a sandbox of its own; both also receive this ``budget``.
        """
        amount = self._wanted or allowed.parallel
        sharing = Sharing(self._runner.step_registry) if allowed.measures_beside else None
        elsewhere = apart(self._report.selected, sharing) if amount > 1 and allowed.copies else []
        copies = min(allowed.copies, len(elsewhere) // _WORTH_A_COPY)
        amount = max(1, min(amount, len(self._together)))
        context = _forking()
        if amount + copies > 1 and context is None:
            print("scenarios run one after the other: this system cannot fork a process")
            amount, copies = 1, 0
        if copies:  # otherwise they run here, with those that measure
            self._apart = elsewhere
            others = [*self._together, *self._apart]
            self._here = beside_copies(self._report.selected, others, allowed.measures_beside)
        ProcessId.own()  # the identity of all of them
        self._budget = budget = Budget(policy, amount + copies, context.Lock() if amount + copies > 1 else None)
        for number in range(1, amount + copies):
            on_a_copy = number >= amount
            connected = functools.partial(connect_apart if on_a_copy else connect, budget=budget)
            self._lanes.append(self._forked(context, number, on_a_copy, connected))
        return budget

    def _forked(self, context: Any, number: int, on_a_copy: bool, connect: Connect) -> Lane:
        ours, theirs = context.Pipe()
        arguments = (theirs, connect, self._run_here, functools.partial(self._farewell, on_a_copy))
        process = context.Process(
            target=self._serve, args=(number, ours, arguments), daemon=True, name=f"scenarios-{number}"
        )
        process.start()
        theirs.close()
        return Lane(number, process, ours, self._left_apart if on_a_copy else self._left, on_a_copy)

    def _serve(self, number: int, ours: Connection, arguments: Any) -> None:
        if self._budget is not None:
            self._budget.in_process(number)
        for lane in self._lanes:
            lane.connection.close()  # the connections of the processes forked before this one
        ours.close()
        self._runner.formatters = []
        self._report.side_by_side = True
        self._report.suite_errors, self._report.leftovers = [], []
        with self._runner.context._use_with_behave_mode():  # it was forked in a hook, and runs scenarios
            serve(*arguments)

    def go(self, run_file: Path | None) -> None:
        """Start the work of the processes, because the environment is ready."""
        if not self._lanes:
            return
        self._report.side_by_side = True
        world = self._runner.context.world
        if not all(lane.on_a_copy for lane in self._lanes):
            self._suspects.watch(world)
        numbers = {id(one): number for number, one in enumerate(self._report.selected)}
        self._left.extend(numbers[id(one)] for one in self._together)
        self._left_apart.extend(numbers[id(one)] for one in self._apart)
        self._left_here.extend(numbers[id(one)] for one in self._here)
        shift = world.register.channels.shift
        for lane in self._lanes:
            lane.connection.send((run_file, shift + lane.number))  # no two have the same channels
            lane.thread = threading.Thread(target=self._attend, args=(lane,), daemon=True)
            lane.thread.start()

    # The run.

    def features(self, everything: Sequence[Any]) -> Iterator[Any]:
        """Yield what this process runs: its part of the scenarios that need not run alone, and then everything else."""
        if not self._lanes or "world" not in self._runner.context:
            yield from everything  # without a world no scenario runs; behave notes that
            return
        yield from self._part_of(self._left)
        self._join(on_a_copy=False)
        if not self._stopped:
            self._suspects.conclude(self._runner.context.world, self._ran_together())
        yield from self._part_of(self._left_here)
        yield from self._part_of(self._left_apart)
        self._join(on_a_copy=True)
        self._report.side_by_side = False
        for why in [] if self._stopped else self._declined:
            print(f"note: one sandbox less: {why}", file=sys.stderr)
        if not self._over():
            yield from self._suspects.run_again(self._ran_together())
        if self._runner.config.stop and self._stopped:
            return
        yield from units_of(one for one in self._report.selected if id(one) not in self._report.elsewhere)

    def _part_of(self, left: deque[int]) -> Iterator[Unit]:
        """Yield scenarios of which other processes may take some as well, until none is left."""
        while not self._over() and (number := self._next(left)) is not None:
            scenario = self._report.selected[number]
            yield Unit([scenario])
            self._take_in(number, outcome_of(scenario, self._runner.context.world.register.asked()))

    def _join(self, on_a_copy: bool) -> None:
        for lane in self._lanes:
            if lane.on_a_copy == on_a_copy and lane.thread is not None:
                lane.thread.join()

    def _ran_together(self) -> list[Any]:
        return [one for one in self._together if id(one) in self._report.elsewhere]

    def _over(self) -> bool:
        """Whether the run has ended early. If so, end the other processes as well."""
        if self._runner.aborted or self._stopped:
            self.end()
            return True
        return False

    def _next(self, left: deque[int]) -> int | None:
        with self._lock:
            return left.popleft() if left else None

    def _run_here(self, number: int) -> WorkerOutcome:
        """Run one scenario and return its outcome. Called in another process."""
        scenario = self._report.selected[number]
        self._report.scenario_starts[id(scenario)] = now()
        Unit([scenario]).run(self._runner)
        return outcome_of(scenario, self._runner.context.world.register.asked())

    def _attend(self, lane: Lane) -> None:
        """Send one process one scenario after the other until none is left. Runs in a thread."""
        number = None
        try:
            while (number := self._next(lane.left)) is not None:
                lane.connection.send(number)
                answer = lane.connection.recv()
                if isinstance(answer, Farewell):
                    break
                self._take_in(number, answer, lane.on_a_copy)
            else:
                lane.connection.send(None)
                answer = lane.connection.recv()
            self._part(lane, answer, number)
        except (EOFError, OSError):
            lane.process.join(_END_S)
            if self._budget is not None:
                self._budget.without(lane.number)
            self._died(number, f"the process that ran it ended with {lane.process.exitcode}")

    def _part(self, lane: Lane, answer: Farewell, number: int | None) -> None:
        with self._lock:
            self.requests += answer.requests
            self._report.suite_errors += answer.troubles
            if number is not None and not self._stopped:
                lane.left.appendleft(number)  # the process ended before it began this scenario: another one runs it
            if answer.declined is not None:
                self._declined.append(answer.declined)

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

    def _take_in(self, number: int, outcome: WorkerOutcome, on_a_copy: bool = False) -> None:
        scenario = self._report.selected[number]
        with self._lock:
            self._report.elsewhere[id(scenario)] = outcome.result
            self._report.leftovers += [one for one in outcome.leftovers if one not in self._report.leftovers]
            self._report.figures = worst([self._report.figures, outcome.figures])
            if not on_a_copy:
                self._suspects.note(outcome)
            if outcome.result.is_bad and self._runner.config.stop:
                self._stopped = True
            self._show(scenario.feature)

    def _show(self, feature: Any) -> None:
        """Show a feature when the last of its scenarios that need not run alone is done."""
        mine = {id(one): one for one in (*self._together, *self._apart, *self._here) if one.feature is feature}
        if not mine.keys() <= self._report.elsewhere.keys():
            return
        decided = {key for key, one in mine.items() if not self._suspects.includes(identify(one).id)}
        for formatter in self._runner.formatters:
            if hasattr(formatter, "show_together"):
                formatter.show_together([one for one in self._report.selected if id(one) in decided])

    # After it.

    def end(self) -> None:
        """Let the other processes clean up and end, as Ctrl-C would. Does nothing if they have ended already."""
        with self._lock:
            self._left.clear()
            self._left_apart.clear()
            self._left_here.clear()
            self._stopped = self._stopped or any(lane.process.is_alive() for lane in self._lanes)
        for lane in self._lanes:
            if lane.process.is_alive():
                lane.process.terminate()
        for lane in self._lanes:
            lane.process.join(_END_S)
        for lane in self._lanes:
            if lane.thread is not None:
                lane.thread.join(_END_S)

    def _farewell(self, on_a_copy: bool) -> tuple[list[tuple[str, float]], list[str]]:
        """Close the connections of another process, in which it is called, and end its sandbox if it has one.

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
        if on_a_copy:
            context.sandbox.stop()
        return context.world.requests_made(), left


def _forking() -> Any:
    """Return the context that forks processes, or None if the system cannot fork."""
    if hasattr(os, "fork"):
        return multiprocessing.get_context("fork")
    return None
