"""Response times for other clients while many investigations open, run and end (PF-02, IN-03)."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any, TypeVar

from support.capacity.load.load_run import LoadRuns
from support.capacity.load.machine import MachineMeter
from support.capacity.load.once_more import MachineBusy, OnceMore
from support.capacity.load.self_check import GeneratorCheck
from support.clients.focus_server.client import ConnectionFailed, FocusServerClient
from support.clients.safety import Budget
from support.config import Environment
from support.infrastructure.mongodb import MongoDBExamination
from support.latency.answers import ENOUGH, Answers, Latency, recorded
from support.model import requests
from support.model.infrastructure import AnswerTime

AT_ONCE = 50
"""Number of investigations opened at the same time."""
MOST_LOADS = 6
"""Largest number of loads made to get enough answers. With too few after that, they are judged as too few."""
ASK_EVERY_S, SHORTEST_PAUSE_S = 0.1, 0.01
"""Ten requests per second of cluster time, as PZ-14033 requires; never more than a hundred."""
ASKING = 10
"""Number of threads that take turns asking. A single one would fall behind when answers take longer than the interval
between two requests, and would report its own queue, however far below their limit the answers are."""
FEWEST_OPENED = 0.8
"""Smallest share of a load that must open for answers to be measured under it."""

Bodies = list[Mapping[str, Any]]
T = TypeVar("T")


class UnderLoad:
    """Makes loads, and meanwhile repeats the same request at fixed moments."""

    def __init__(
        self,
        loads: LoadRuns,
        client: FocusServerClient,
        generator: GeneratorCheck,
        once_more: OnceMore,
        latency: Latency,
        environment: Environment,
        budget: Budget,
    ) -> None:
        self._loads, self._client, self._generator, self._budget = loads, client, generator, budget
        self._once_more, self._latency = once_more, latency
        self._every_s = max(SHORTEST_PAUSE_S, ASK_EVERY_S * environment.limits.time_scale)
        self._index_limit_ms = environment.limits.mongodb_ping_median_ms
        self._timeout_ms = environment.focus_server.read_timeout_s * 1000

    def health_checks(self) -> Answers:
        """Measure the health checks of one client while others open live investigations."""
        answers = self._latency.decided(self._health_checks, self._latency.health_checks_at_once_are_fast)
        return recorded("health_check_under_load_p95_ms", answers)

    def _health_checks(self) -> Answers:
        own_share_ms, meter = self._generator.single_ms(), MachineMeter()
        answers = self._meanwhile(self._health_check, [requests.live()] * AT_ONCE)
        bad = [error for _, error in answers if error]
        error = f"{len(bad)} of {len(answers)} failed, the first: {bad[0]}" if bad else ""
        latencies_ms = tuple(took_ms for took_ms, _ in answers)
        return Answers("health check among openings", latencies_ms, error, own_share_ms, meter.use())

    def index_speed(self, index: MongoDBExamination, times: requests.Times) -> AnswerTime:
        """Measure warm answers of MongoDB while half of the opened investigations look up recordings.

        Raises MachineBusy if the answers are late and the tester's own machine explains it.
        """
        speed = functools.partial(self._index_speed, index, times)
        return self._once_more.decided(speed, lambda _: None, lambda one, _: one)

    def _index_speed(self, index: MongoDBExamination, times: requests.Times) -> AnswerTime:
        bodies: Bodies = [requests.live(), requests.historic(times)] * (AT_ONCE // 2)
        meter = MachineMeter()
        answer_time = index.answer_time_of(self._meanwhile(functools.partial(self._ping, index), bodies))
        use = meter.use()
        if answer_time.median_ms >= self._index_limit_ms and use.explains(answer_time.median_ms, self._index_limit_ms):
            raise MachineBusy(f"{answer_time}, the limit is {self._index_limit_ms:g} ms; this machine was busy: {use}")
        return answer_time

    def _health_check(self, due_s: float) -> tuple[float, str]:
        """Return milliseconds since the request was due, and the error if any. Time spent waiting for an earlier answer
        counts too (docs/facts/capacity.md 2.6)."""
        try:
            answer = self._client.ack()
        except ConnectionFailed as failure:
            return self._timeout_ms, str(failure)
        took_ms = (time.monotonic() - due_s) * 1000
        return took_ms, "" if answer.status == 200 else f"{answer.status} {answer.message}"

    def _ping(self, index: MongoDBExamination, due_s: float) -> float:
        """Return milliseconds since the request was due; else many quick answers would outweigh a few slow ones."""
        index.ping_ms()
        return (time.monotonic() - due_s) * 1000

    def _meanwhile(self, ask: Callable[[float], T], bodies: Bodies) -> list[T]:
        """Collect answers while loads are made, until there are enough.

        Raises AssertionError if a load opened too few investigations, or MachineBusy if this machine explains that.
        """
        self._budget.require_load("ask while many investigations open")
        answers: list[T] = []
        with ThreadPoolExecutor(ASKING) as pool:
            for number in range(MOST_LOADS):
                if len(answers) >= ENOUGH:
                    break
                answers += self._during_one_load(pool, ask, f"load {number + 1} to ask under", bodies)
        return answers

    def _during_one_load(
        self, pool: ThreadPoolExecutor, ask: Callable[[float], T], title: str, bodies: Bodies
    ) -> list[T]:
        has_ended, ended_s, began_s = Event(), list[float](), time.monotonic()

        def go_on_asking(turn: int) -> list[T]:
            answers, due_s = [], began_s + turn * self._every_s
            while not has_ended.wait(due_s - time.monotonic()) or due_s < min(ended_s):
                answers.append(ask(due_s))
                due_s += ASKING * self._every_s
            return answers

        asking = [pool.submit(go_on_asking, turn) for turn in range(ASKING)]
        try:
            step = self._loads.make(title, bodies).step
        finally:
            ended_s.append(time.monotonic())
            has_ended.set()
        answers = [answer for one in asking for answer in one.result()]
        opened = sum("answered" in record.reached for record in step.records)
        if opened < FEWEST_OPENED * step.asked:
            reason = f"no load to ask under: {opened} of {step.asked} were opened"
            if step.machine is not None and step.machine.is_busy:
                raise MachineBusy(f"{reason}; this machine was busy: {step.machine}")
            raise AssertionError(reason)
        return answers
