"""The one place where investigations are opened."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hamcrest import assert_that

from support.checks.answers import opens
from support.checks.matcher import judged
from support.clients.focus_server.client import Answer, FocusServerClient
from support.clients.focus_server.load_client import BurstClient
from support.clients.kubernetes.client import KubernetesClient
from support.clients.load_engine import STAGGER_S, Caps
from support.config import Environment
from support.investigations.jobs import Jobs
from support.investigations.many import Opening, Openings, open_at_once
from support.investigations.own_streams import OwnStreams
from support.investigations.register import DuplicateJobId, Register
from support.investigations.release import Releases
from support.investigations.stream_clients import StreamKeeper
from support.model import requests
from support.model.attempts import Attempt, Investigation, Unanswered
from support.model.job_view import JobView

AT_ONE_MOMENT = 10


class Investigations:
    """Opens investigations with the channels of this run. Each request is recorded in the ledger before it is sent.

    Everything opened is released at the end of its scenario, see :class:`Releases`. An answer that names a job which
    existed before the request raises :class:`DuplicateJobId`: that job belongs to another client and is left alone.
    """

    def __init__(
        self,
        client: FocusServerClient,
        load: BurstClient,
        cluster: KubernetesClient,
        jobs: Jobs,
        clients: StreamKeeper,
        register: Register,
        releases: Releases,
        environment: Environment,
    ) -> None:
        self._client, self._load, self._cluster, self._jobs = client, load, cluster, jobs
        self._register, self._releases, self._environment = register, releases, environment
        self.streams = OwnStreams(clients, cluster, environment)

    @property
    def job_ids(self) -> list[str]:
        """All job ids that answers have named to this run, in order."""
        return self._register.job_ids

    @property
    def open_ids(self) -> tuple[str, ...]:
        """Investigations of this scenario that are not released yet."""
        return self._register.open_ids

    def attempt(self, request: requests.Body, place: requests.Place = requests.CONFIGURE) -> Attempt:
        """Send ``request``, valid or not. From then on, a job id in the answer is ours to release."""
        own = self._register.channels.on(request)
        before = self._cluster.snapshot().job_ids
        return Attempt(own, self._send(own, before, place), before)

    def _send(self, request: requests.Body, before: frozenset[str], place: requests.Place) -> Answer:
        intended = self._register.intend(request, before)
        body = None if place.method == "GET" else request
        answer = self._client.request(place.method, place.path, body=body)
        job_id = answer.announced_job_id
        if not self._register.take_in(intended, job_id):
            raise DuplicateJobId(str(job_id))
        if job_id is not None:
            self._register.all_named(intended)
        return answer

    def attempt_twice(self, request: Mapping[str, Any]) -> tuple[Attempt, Attempt]:
        """Send the same request again as soon as the first one is answered."""
        return self.attempt(request), self.attempt(request)

    def attempt_elsewhere(self, place: requests.Place) -> Attempt:
        """Send a request that would open an investigation to a place, or with a method, that opens none."""
        return self.attempt(requests.live() if place.method == "POST" else b"", place)

    def fail_to_open(self) -> Attempt:
        """Request a live investigation that the server cannot open at the moment, and require it to refuse."""
        attempt = self.attempt(requests.live())
        assert_that(
            attempt.answer.status,
            judged("a refusal", lambda status: "an investigation was opened" if status == 200 else None),
        )
        return attempt

    def open_briefly(self) -> Answer:
        """Open a live investigation and order its removal at once; the end of the scenario proves that it is gone."""
        own = self._register.channels.on(requests.live())
        # The existing jobs are taken from the watch, because listing them would affect what is measured here.
        answer = self._send(own, self._jobs.job_ids_watched(), requests.CONFIGURE)
        if answer.announced_job_id is not None:
            self._releases.order(answer.announced_job_id)
        return answer

    def unanswered(self, leave: Callable[[requests.Body], None]) -> Unanswered:
        """Request a live investigation through ``leave``, which does not wait for the answer. Its job is found by the
        intention recorded before."""
        own = self._register.channels.on(requests.live())
        before = self._cluster.snapshot().job_ids
        self._register.intend(own, before)
        leave(own)
        return Unanswered(own, before)

    def open_at_one_moment(self) -> Openings:
        """Open several live investigations at the same moment."""
        caps = Caps(AT_ONE_MOMENT, 2 * self._environment.focus_server.read_timeout_s)
        return self.open_many([requests.live()] * AT_ONE_MOMENT, caps)

    def open_many(
        self,
        bodies: Sequence[Mapping[str, Any]],
        caps: Caps,
        *,
        on_opening: Callable[[Opening], None] = lambda opening: None,
        stop: threading.Event | None = None,
        apart_s: float = STAGGER_S,
    ) -> Openings:
        """Send all ``bodies``, each ``apart_s`` after the one before; the default counts as one moment.

        Everything they open is ours, however late the answer comes. A client connects to each stream at once and stays.
        Raises ``SafetyError`` where no load is permitted.
        """
        own = [self._register.channels.on(body) for body in bodies]
        before = self._cluster.snapshot().job_ids
        intended = self._register.intend(own[0], before, len(own))
        foreign: list[str] = []

        def take_in(opening: Opening) -> None:
            if self._register.take_in(intended, opening.job_id):
                self.streams.join(opening.opened)
            else:
                foreign.append(str(opening.job_id))
            on_opening(opening)

        openings = open_at_once(self._load, own, caps, before, take_in, stop, apart_s)
        self._register.identify()
        if foreign:
            raise DuplicateJobId(*sorted(set(foreign)))
        if all(opening.job_id is not None for opening in openings.each):
            self._register.all_named(intended)
        return openings

    def open(self, request: Mapping[str, Any], *, connect: bool = True) -> Investigation:
        """Open an investigation, or fail with the server's answer. With ``connect``, a client joins its stream."""
        attempt = self.attempt(request)
        assert_that(attempt.answer, opens())
        opened = attempt.answer.opened()
        if connect:
            self.streams.join(opened)
        return Investigation(attempt, opened)

    def open_live(self, *, connect: bool = True) -> Investigation:
        return self.open(requests.live(), connect=connect)

    def open_historic(self, times: requests.Times) -> Investigation:
        return self.open(requests.historic(times))

    def open_running(self, request: Mapping[str, Any] | None = None) -> tuple[Investigation, JobView]:
        """Open an investigation, a live one by default, and wait until its job runs."""
        investigation = self.open(requests.live() if request is None else request)
        return investigation, self._jobs.wait_until_running(investigation.job_id)

    def open_and_release(self) -> Investigation:
        """Open a live investigation, wait until it runs, and release it."""
        investigation, _ = self.open_running()
        self._releases.release(investigation.job_id)
        return investigation
