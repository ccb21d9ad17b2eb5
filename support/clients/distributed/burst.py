"""One burst of many testers: tickets are handed out in time, each within the budget, and answers are collected."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

from requests.structures import CaseInsensitiveDict

from support.clients.distributed.testers import LoadTester, LoadTesters
from support.clients.load_engine import Burst, Caps, Sample
from support.clients.safety import Budget, SafetyError

LEAD_S = 1.0
"""The time before its moment at which a ticket is handed out. Until then, it can still be stopped."""
START_AFTER_S = 0.25
_LOOK_EVERY_S = 0.1


class DistributedBurst:
    """One burst: its tickets, the testers that send them, and the answers so far."""

    def __init__(
        self,
        testers: LoadTesters,
        served_by: Sequence[LoadTester],
        tickets: Sequence[Mapping[str, Any]],
        apart_s: float,
        on_done: Callable[[Sample], None],
        takers: ThreadPoolExecutor,
    ) -> None:
        self._takers = takers
        self._testers, self._served_by, self._tickets, self._on_done = testers, served_by, tickets, on_done
        self._apart_s = apart_s
        self._changed = threading.Condition()
        self._done: dict[int, Sample] = {}
        self._budgets: dict[int, ExitStack] = {}
        self._start_s, self._first, self._handed = 0.0, 0, 0
        self._trouble: BaseException | None = None

    def take_in(self, one: Mapping[str, Any]) -> None:
        """Take in a tester's answer for a ticket, in the thread that reads from the testers."""
        number = one["number"] - self._first
        headers, body = CaseInsensitiveDict(one["headers"]), one["body"].encode()
        moments = (self._intended_s(number), one["sent_s"], one["done_s"])
        sample = Sample(number, *moments, one["status"], headers, body, one["error"])
        self._takers.submit(self._take, sample).add_done_callback(self._note_trouble)

    def _take(self, sample: Sample) -> None:
        """Record one answer. Runs in its own thread: the one that reads from the testers must not wait for the disk."""
        self._on_done(sample)
        with self._changed:
            self._done[sample.number] = sample
            self._budgets.pop(sample.number, ExitStack()).close()
            if len(self._done) == self._handed:
                self._changed.notify_all()

    def _note_trouble(self, taken: Future[None]) -> None:
        with self._changed:
            self._trouble = self._trouble or taken.exception()

    def run(self, caps: Caps, budget: Budget, opens: bool, stop: threading.Event) -> Burst:
        """Hand out all tickets in time and wait for the answers.

        Raises the error of ``on_done``, and ``SafetyError`` if the budget of the run is used up; requests in flight are
        waited for first.
        """
        self._first = self._testers.expect(len(self._tickets), self.take_in)
        self._start_s = time.monotonic() + START_AFTER_S
        until_s = self._start_s + caps.seconds
        refused: SafetyError | None = None
        try:
            while self._handed < len(self._tickets) and not (stop.is_set() or self._trouble or refused):
                refused = self._hand_out_due(budget, opens)
                next_s = self._intended_s(self._handed) - LEAD_S - time.monotonic()
                stop.wait(min(_LOOK_EVERY_S, max(0.0, next_s)))
            self._wait(until_s)
        except KeyboardInterrupt:
            self._wait(until_s)  # so that the investigations they open can be released
            raise
        finally:
            with self._changed:
                for one in self._budgets.values():
                    one.close()
        if (error := self._trouble or refused) is not None:
            raise error
        return self._burst(caps)

    def _hand_out_due(self, budget: Budget, opens: bool) -> SafetyError | None:
        """Hand out the tickets whose moment is near, each within the budget. Returns the error if that is used up."""
        due: dict[str, tuple[LoadTester, list[Mapping[str, Any]]]] = {}
        refused = None
        while self._handed < len(self._tickets) and self._intended_s(self._handed) <= time.monotonic() + LEAD_S:
            permit, number = ExitStack(), self._handed
            try:
                permit.enter_context(budget.asking(opens=opens))
            except SafetyError as error:
                refused = error
                break
            with self._changed:
                self._budgets[number], self._handed = permit, number + 1
            tester = self._served_by[number]
            ticket = {**self._tickets[number], "number": self._first + number, "at_s": self._intended_s(number)}
            due.setdefault(tester.id, (tester, []))[1].append(ticket)
        for tester, tickets in due.values():
            self._testers.hand_out(tester, tickets)
        return refused

    def _wait(self, until_s: float) -> None:
        """Wait until all tickets handed out are answered or their testers are lost, at most until ``until_s``.

        Ends early if ``on_done`` has raised an error.
        """

        def over() -> bool:
            left = (number for number in range(self._handed) if number not in self._done)
            return self._trouble is not None or all(self._served_by[number].lost for number in left)

        with self._changed:
            while not over() and time.monotonic() < until_s:
                self._changed.wait(_LOOK_EVERY_S)

    def _burst(self, caps: Caps) -> Burst:
        with self._changed:
            done = dict(self._done)
        now_s = time.monotonic()
        missing = [number for number in range(len(self._tickets)) if number not in done]
        lost = sorted({self._served_by[number].name for number in missing if self._served_by[number].lost})
        why = "" if not missing else f"no answer within the cap of {caps.seconds:g} s for the whole load"
        if lost:
            why = f"{', '.join(lost)} was lost before its answers came"
        elif self._handed < len(self._tickets):
            why = "the load was stopped before it was complete"
        if not missing:
            self._testers.forget(self._first)
        for number in missing:
            intended_s = self._intended_s(number)
            done[number] = Sample(number, intended_s, intended_s, max(now_s, intended_s), None, error=why)
        return Burst(tuple(done[number] for number in range(len(self._tickets))), why)

    def _intended_s(self, number: int) -> float:
        return self._start_s + number * self._apart_s
