"""The one place where investigations are opened and released."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from hamcrest import assert_that

from support import waits
from support.checks.answers import opens
from support.checks.matcher import judged
from support.clients.focus_server.client import Answer, FocusServerClient, OpenedInvestigation
from support.clients.focus_server.load_client import LoadClient
from support.clients.kubernetes.client import KubernetesClient, Snapshot
from support.clients.load_engine import Caps
from support.config import Environment
from support.investigations.jobs import Jobs, traces_in
from support.investigations.many import Opening, Openings, open_at_once
from support.investigations.run_ledger import RunLedger
from support.investigations.streams import StreamClients
from support.model import requests
from support.model.attempts import Attempt, Investigation
from support.model.job_view import JobView

RELEASED_AT_ONCE = 4


class Investigations:
    """Opens investigations and keeps the ledger of what this run has opened.

    Everything opened is released at the end of its scenario by :meth:`release_all`, which also proves it. On a cluster
    that the suite has to itself, a job that appeared without having been announced is its doing too, and is swept.
    """

    def __init__(
        self,
        client: FocusServerClient,
        load: LoadClient,
        cluster: KubernetesClient,
        jobs: Jobs,
        clients: StreamClients,
        environment: Environment,
        ledger: RunLedger,
    ) -> None:
        self._client = client
        self._load = load
        self._cluster = cluster
        self._jobs = jobs
        self._clients = clients
        self._environment = environment
        self._ledger = ledger
        self._node_hosts = frozenset(host for node in cluster.nodes() for host in (node.name, *node.addresses))
        self.job_ids: list[str] = []
        self._open: list[str] = []
        self._before_scenario: frozenset[str] = frozenset()

    def begin_scenario(self) -> None:
        """Remember what is there already: it is not ours."""
        self._before_scenario = self._cluster.snapshot().job_ids
        self._open = []

    @property
    def open_ids(self) -> tuple[str, ...]:
        """The investigations of this scenario that were not released yet."""
        return tuple(self._open)

    def attempt(self, request: requests.Body) -> Attempt:
        """Send ``request`` whatever it holds; a job id in the answer is ours to release from here on."""
        before = self._cluster.snapshot().job_ids
        answer = self._client.configure(request)
        self._note_opened(answer.announced_job_id)
        return Attempt(request, answer, before)

    def _note_opened(self, job_id: str | None) -> None:
        if job_id is not None:
            self._ledger.opened(job_id)
            self.job_ids.append(job_id)
            self._open.append(job_id)

    def open_briefly(self) -> Answer:
        """Open a live investigation and order its removal at once; the end of the scenario proves it."""
        answer = self._client.configure(requests.live())
        job_id = answer.announced_job_id
        self._note_opened(job_id)
        if job_id is not None:
            self._cluster.release(job_id)
        return answer

    def open_many(
        self,
        bodies: Sequence[Mapping[str, Any]],
        caps: Caps,
        *,
        on_opening: Callable[[Opening], None] = lambda opening: None,
        stop: threading.Event | None = None,
    ) -> Openings:
        """Send all of ``bodies`` at one moment; whatever they open is ours, however late the answer comes.

        A client connects to each stream at once and stays. Raises ``SafetyError`` where no load is permitted.
        """
        before = self._cluster.snapshot().job_ids

        def take_in(opening: Opening) -> None:
            self._note_opened(opening.job_id)
            self._connect(opening.opened)
            on_opening(opening)

        return open_at_once(self._load, bodies, caps, before, take_in, stop)

    def stream_of(self, job_id: str) -> float | None:
        """When the client of this investigation was connected (monotonic); None while it is not."""
        return self._clients.connected_since_s(job_id)

    def still_streams(self, job_id: str) -> bool:
        """Whether the client of this investigation is connected now."""
        return self._clients.is_connected(job_id)

    def attempt_twice(self, request: Mapping[str, Any]) -> tuple[Attempt, Attempt]:
        """The same request again as soon as the first one is answered."""
        return self.attempt(request), self.attempt(request)

    def cancel(self, job_id: str) -> Answer:
        """What a client does who has seen enough; only investigations of this scenario are ever cancelled."""
        if job_id not in self._open:
            raise AssertionError(f"job {job_id} was not opened by this scenario")
        return self._client.cancel(job_id)

    def fail_to_open(self) -> Attempt:
        """A live investigation that the server cannot open at the moment."""
        attempt = self.attempt(requests.live())
        assert_that(
            attempt.answer.status,
            judged("a refusal", lambda status: "an investigation was opened" if status == 200 else None),
        )
        return attempt

    def list_recordings(self, times: requests.Times) -> Attempt:
        """Ask for the recordings of a window; absent times are left out, because a list knows no live form."""
        request = {key: value for key, value in times.items() if value is not None}
        before = self._cluster.snapshot().job_ids
        return Attempt(request, self._client.recordings_in_time_range(request), before)

    def attempt_elsewhere(self, place: requests.Place) -> Attempt:
        """Send a request that would open an investigation where, or how, none is opened."""
        before = self._cluster.snapshot().job_ids
        request = requests.live() if place.method == "POST" else None
        answer = self._client.request(place.method, place.path, body=request)
        return Attempt(request or b"", answer, before)

    def open(self, request: Mapping[str, Any], *, connect: bool = True) -> Investigation:
        """Open, or fail with what the server said instead. A client connects to the stream unless told not to."""
        attempt = self.attempt(request)
        assert_that(attempt.answer, opens())
        opened = attempt.answer.opened()
        if connect:
            self._connect(opened)
        return Investigation(attempt, opened)

    def _connect(self, opened: OpenedInvestigation | None) -> None:
        """Only nodes of the cluster are ever connected to, whatever an answer says."""
        if opened is not None and opened.stream_host in self._node_hosts and 1 <= opened.stream_port <= 65535:
            within_s = self._environment.limits.deadline("all_open_s")
            self._clients.join(opened.job_id, opened.stream_host, opened.stream_port, within_s)

    def open_live(self, *, connect: bool = True) -> Investigation:
        return self.open(requests.live(), connect=connect)

    def open_historic(self, times: requests.Times) -> Investigation:
        return self.open(requests.historic(times))

    def open_running(self) -> tuple[Investigation, JobView]:
        """A live investigation whose job runs."""
        investigation = self.open_live()
        return investigation, self._jobs.wait_until_running(investigation.job_id)

    def open_and_release(self) -> Investigation:
        """A live investigation that has come and gone."""
        investigation = self.open_live()
        self._jobs.wait_until_running(investigation.job_id)
        self.release(investigation.job_id)
        return investigation

    def lose_work(self, job_id: str) -> None:
        """Take the pod of an investigation of this scenario away, as a crash would; nobody else's is ever touched."""
        if job_id not in self._open:
            raise AssertionError(f"job {job_id} was not opened by this scenario")
        self._cluster.delete_job_pod(self._jobs.view(job_id).pod.name)

    def release(self, job_id: str) -> None:
        """Remove everything of one investigation and prove that it is gone; :class:`AssertionError` names what
        stays."""
        self._clients.leave(job_id)
        self._cluster.release(job_id)
        self._jobs.wait_until_gone(job_id, "release_s")
        if job_id in self._open:
            self._released(job_id)

    def release_all(self) -> list[str]:
        """End of the scenario: release what is still open and answer what could not be removed, in words."""
        self.end_all()
        within_s = self._environment.limits.deadline("release_s")
        # The watch is asked first, because it costs nothing; that everything is gone is what the cluster says.
        waits.settle(self._traces_watched, within_s=within_s, changes=self._jobs.watch)
        left = waits.settle(self._left_over, within_s=within_s, changes=self._jobs.watch)
        if not left:
            for job_id in list(self._open):
                self._released(job_id)
        self._open = []
        return left

    def end_all(self) -> None:
        """Let every client go, and order the removal of everything that is ours, without waiting for it."""
        for job_id in self._open:
            self._clients.leave(job_id)
        with ThreadPoolExecutor(RELEASED_AT_ONCE) as pool:
            list(pool.map(self._cluster.release, self._ours(self._cluster.snapshot())))

    def left_behind(self) -> list[str]:
        """What appears during the time of observation although everything was released, by the word of the cluster.

        What was released last is given its time to go.
        """
        found: list[str] = []
        within_s = self._environment.limits.deadline("release_s")
        waits.settle(self._traces_watched, within_s=within_s, changes=self._jobs.watch)

        def look() -> list[str]:
            found.extend(trace for trace in self._left_over() if trace not in found)
            return ["still looking"]

        waits.settle(look, within_s=self._environment.limits.observation_s)
        return found

    def left_of_earlier(self) -> list[str]:
        """What is there of investigations that this run has opened and released before."""
        snapshot, earlier = self._cluster.snapshot(), set(self.job_ids) - set(self._open)
        return [trace for job_id in sorted(snapshot.job_ids & earlier) for trace in traces_in(snapshot, job_id)]

    def _traces_watched(self) -> list[str]:
        watch, mine = self._jobs.watch, set(self._open)
        objects = (*watch.jobs().values(), *watch.pods().values(), *watch.services().values())
        return [one.name for one in objects if one.job_id in mine]

    def _released(self, job_id: str) -> None:
        self._open.remove(job_id)
        self._ledger.released(job_id)

    def _ours(self, snapshot: Snapshot) -> list[str]:
        if self._environment.identity.exclusive:
            return sorted(snapshot.job_ids - self._before_scenario)
        return sorted(snapshot.job_ids & set(self.job_ids))

    def _left_over(self) -> list[str]:
        snapshot = self._cluster.snapshot()
        return [trace for job_id in self._ours(snapshot) for trace in traces_in(snapshot, job_id)]
