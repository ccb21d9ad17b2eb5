"""Outages: each is recorded on disk before it is made, in force before anything is judged, and undone in any case."""

from __future__ import annotations

from typing import Any

from hamcrest import assert_that

from support.checks import outages as checks
from support.checks.ambient import AmbientChecks
from support.clients.change_journal import Change, Changes, Undo
from support.resilience.cuts import CUT_OFF, Cuts
from support.resilience.links import DISTURBED, Disturbance, Links
from support.resilience.parts import MONGODB, SERVER, Parts
from support.resilience.recovery import OutageRecovery
from support.resilience.workloads import CRASHED, STOPPED, Crash, Stop, Workloads

RECOVERY = "recovery"


class Outages:
    """Outages of one run. At the end of a scenario, everything it took away is back and found by the server."""

    def __init__(
        self,
        parts: Parts,
        workloads: Workloads,
        cuts: Cuts,
        links: Links,
        recovery: OutageRecovery,
        ambient: AmbientChecks,
        changes: Changes,
    ) -> None:
        self._parts, self._workloads, self._cuts, self._links = parts, workloads, cuts, links
        self._recovery, self._ambient, self._changes = recovery, ambient, changes
        self._stops: dict[str, Stop] = {}
        self._ended: dict[str, Stop] = {}
        self._others: list[Change] = []
        self._servers_before: dict[str, int] = {}

    def undoers(self) -> dict[str, Undo]:
        """Return the functions that undo each kind of change."""
        return {
            STOPPED: self._workloads.put_back,
            CRASHED: self._workloads.wait_for_crashed,
            CUT_OFF: self._cuts.lift,
            DISTURBED: self._links.calm,
            RECOVERY: self._recovery.prove,
        }

    def stop(self, *names: str) -> None:
        """Stop parts, one after the other, and wait until nothing of them runs any more."""
        self.begin()
        for name in names:
            self._stops[name] = self._workloads.stop(name)

    def stop_mongodb(self) -> None:
        """Stop MongoDB, the one part without which requests are refused."""
        self.stop(MONGODB)

    def cut_off(self) -> None:
        """Cut MongoDB off: it runs, but no client can reach it."""
        self.begin()
        self._others.append(self._cuts.cut_mongodb_off())

    def disturb(self, disturbance: Disturbance) -> None:
        """Disturb the connections between the server and MongoDB: they exist but do not work."""
        self.begin()
        self._others.append(self._links.disturb(disturbance))

    def crash(self, *names: str) -> list[Crash]:
        """Crash parts at the same moment."""
        self.begin()
        self._recovery.begin()
        return self._workloads.crash(*names)

    def wait_until_replaced(self, crashes: list[Crash]) -> list[Any]:
        """Wait until each crashed part is replaced, within its deadlines. Returns the pods that replaced them."""
        return [pod for crash in crashes for pod in self._workloads.wait_until_replaced(crash)]

    def end(self) -> None:
        """Bring back everything that was taken away. Other methods observe whether the server finds it."""
        for name in list(self._stops):
            self.start(name)
        while self._others:
            self._changes.undo(self._others.pop())
        self._recovery.begin()

    def start(self, *names: str) -> None:
        """Start these parts again, one after the other, each when the one before it is ready."""
        for name in names:
            self._ended[name] = self._stops.pop(name)
            self._workloads.start(self._ended[name])
        self._recovery.begin()

    def assert_runs_as_often_as_before(self, name: str) -> None:
        """Require that a part that was stopped and started again has as many replicas as before."""
        self._workloads.assert_runs_as_often_as_before(self._ended[name])

    def assert_server_not_started_again(self) -> None:
        """Require that the servers are those that existed when the outage began, and were not restarted."""
        pods = self._parts.pods(self._parts.named(SERVER))
        assert_that(pods, checks.were_not_started_again_since(self._servers_before))

    def assert_server_started_once(self) -> None:
        assert_that(self._parts.pods(self._parts.named(SERVER)), checks.were_started_once())

    def begin(self) -> None:
        """Prepare for an outage: record what must have recovered at the end, after the outage itself is undone."""
        self._ambient.expect_errors()
        if not self._changes.has_made(RECOVERY):
            # The first outage of its scenario: what the scenario before had taken away was put back at its end.
            for of_before in (self._stops, self._ended, self._others):
                of_before.clear()
            answered = self._recovery.answered_before()
            self._changes.begin(RECOVERY, "the server may not have found again what was away", answered=answered)
            self._servers_before = {pod.uid: pod.restarts for pod in self._parts.pods(self._parts.named(SERVER))}
