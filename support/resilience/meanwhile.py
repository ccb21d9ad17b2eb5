"""Client actions while an outage goes on, or begins."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from hamcrest import assert_that

from support import waits
from support.checks import outages as checks
from support.checks.matcher import Judged
from support.checks.server import Outcome
from support.clients.focus_server.client import Answer, ConnectionFailed, FocusServerClient
from support.clients.load_engine import Caps
from support.config import Environment
from support.investigations.effects import Effects
from support.investigations.jobs import Jobs
from support.investigations.many import Opening, Openings
from support.investigations.service import Investigations
from support.model import requests
from support.model.attempts import Unanswered
from support.model.job_view import JobView
from support.product.server_life import ServerLife
from support.resilience.outages import Outages
from support.resilience.parts import SERVER
from support.resilience.workloads import Crash

CLIENTS, OUTAGE_AFTER, LATE, ASKERS = 20, 5, 5, 4
"""Number of clients that open one after the other, number of answers after which the outage begins, number of the
clients that come when MongoDB is certainly away, however slow this machine is, and number of those that ask for
recordings."""
_APART_S = 0.1
_LONG_AGO_S = 1_000_000


@dataclass(frozen=True)
class Interrupted:
    """Openings with an outage in their middle: those that met it, and those that came after it had begun."""

    bursts: tuple[Openings, ...]

    @property
    def openings(self) -> list[Opening]:
        return [opening for burst in self.bursts for opening in burst.each]

    @property
    def answers(self) -> list[Answer | None]:
        return [opening.answer for opening in self.openings]

    @property
    def opened(self) -> list[str]:
        """The job ids of the investigations that were opened."""
        return [opening.opened.job_id for opening in self.openings if opening.opened is not None]


class Meanwhile:
    def __init__(
        self,
        investigations: Investigations,
        effects: Effects,
        jobs: Jobs,
        client: FocusServerClient,
        server: ServerLife,
        outages: Outages,
        environment: Environment,
    ) -> None:
        self._investigations, self._effects, self._jobs = investigations, effects, jobs
        self._client, self._server, self._outages = client, server, outages
        self._limits = environment.limits

    def ask_for_recordings_and_for_life(self) -> list[Outcome]:
        """Send health checks while other clients wait for recordings that the server cannot look up."""
        with ThreadPoolExecutor(ASKERS) as pool:
            asking = [pool.submit(self._ask_for_recordings) for _ in range(ASKERS)]
            outcomes = [self._server.asked_whether_alive()]
            while not all(one.done() for one in asking):
                outcomes.append(self._server.asked_whether_alive())
        return outcomes

    def _ask_for_recordings(self) -> Outcome:
        start_s = int(time.time()) - _LONG_AGO_S
        try:
            return self._client.recordings_in_time_range({"start_time": start_s, "end_time": start_s + 60})
        except ConnectionFailed as failure:
            return failure

    def open_while_mongodb_stops(self, times: requests.Times) -> Interrupted:
        """Open a window with many clients, one shortly after the other, and stop MongoDB after some were answered."""
        body = requests.historic(times)
        met = self._interrupted(body, self._outages.stop_mongodb, CLIENTS - LATE)
        return Interrupted((*met.bursts, self._investigations.open_many([body] * LATE, self._caps(LATE))))

    def open_while_server_crashes(self) -> tuple[Interrupted, list[Crash]]:
        """Do the same with live investigations and a crash of the server."""
        crashes: list[Crash] = []
        return self._interrupted(requests.live(), lambda: crashes.extend(self._outages.crash(SERVER)), CLIENTS), crashes

    def _interrupted(self, body: Mapping[str, Any], outage: Callable[[], None], clients: int) -> Interrupted:
        self._outages.begin()  # sends its requests now, so that the outage itself is not delayed
        with ThreadPoolExecutor(1) as pool:
            beginning: list[Future[None]] = []
            answered, lock = [0], threading.Lock()

            def count(opening: Opening) -> None:
                with lock:
                    answered[0] += 1
                    if answered[0] == OUTAGE_AFTER:
                        beginning.append(pool.submit(outage))

            openings = self._investigations.open_many(
                [body] * clients, self._caps(clients), on_opening=count, apart_s=_APART_S
            )
            for one in beginning:
                one.result()
        return Interrupted((openings,))

    def _caps(self, clients: int) -> Caps:
        return Caps(clients, clients * _APART_S + 2 * self._limits.outage_answer_s)

    def assert_all_or_nothing(self, interrupted: Interrupted) -> None:
        """Require that each opening has created everything or nothing, and that it stays so."""
        within_s = self._limits.deadline("job_running_s")
        self._assert_whole(interrupted, within_s, checks.are_too_many(interrupted.opened))

    def assert_all_or_nothing_in_the_end(self, interrupted: Interrupted) -> None:
        """Require the same in the end: an investigation that was opened but never answered is unused and cleaned up."""
        self._assert_whole(interrupted, sum(map(self._limits.deadline, ("job_running_s", "idle_cleanup_s"))))

    def _assert_whole(
        self, interrupted: Interrupted, within_s: float, hopeless: Judged[Mapping[str, JobView]] | None = None
    ) -> None:
        expected = checks.are_whole(interrupted.opened)
        waits.until(
            lambda: self._started(interrupted.bursts[0]),
            expected,
            within_s=within_s,
            what="each opening to be whole or absent",
            changes=self._jobs.watch,
            abort_if=hopeless,
        )
        waits.holds(
            lambda: self._started(interrupted.bursts[0]),
            expected,
            for_s=self._limits.observation_s,
            what="each opening is whole or absent",
            changes=self._jobs.watch,
        )

    def assert_came_in_the_middle(self, interrupted: Interrupted) -> None:
        assert_that(interrupted.answers, checks.came_in_the_middle(self._limits.outage_answer_s))

    def assert_cut_short(self, interrupted: Interrupted) -> None:
        assert_that(interrupted.answers, checks.were_cut_short())

    def _started(self, openings: Openings) -> dict[str, JobView]:
        sent = Unanswered(openings.bodies[0], openings.jobs_before)  # all ask for the same channels
        return {job_id: self._jobs.view(job_id) for job_id in self._effects.started_since(sent)}
