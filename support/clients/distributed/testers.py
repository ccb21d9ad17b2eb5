"""The testers of a load: the Locust workers that have connected, each with its users and the offset of its clock."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from support.clients.distributed.processes import LoadTestersError, Processes
from support.clients.machine import require_room_for

COME_WITHIN_S = 60.0
"""The time to wait for workers: they load Python, gevent and Locust, and in a cluster also an image."""
CONNECT_WITHIN_S = 120.0
PINGS = 7
LOOPBACK = "127.0.0.1:0"


@dataclass
class LoadTester:
    """One worker. Its monotonic clock is ``ahead_s`` ahead of that of this process, plus or minus half of ``round_s``,
    the round-trip time of the measurement."""

    id: str
    name: str = ""
    users: int = 0
    ahead_s: float = 0.0
    round_s: float = float("inf")
    lost: bool = False
    cpu_s: float = 0.0
    kilobytes: int = 0


Answers = Callable[[Mapping[str, Any]], None]


class LoadTesters:
    """The workers of a load: started on this machine, or expected from other machines at ``listen`` (HOST:PORT).

    The ``with`` statement starts and ends them. Raises :class:`LoadTestersError` if they do not come in time.
    """

    def __init__(
        self, amount: int, *, listen: str | None = None, within_s: float = COME_WITHIN_S, plan: Mapping[str, Any]
    ) -> None:
        self.amount, self._elsewhere, self._within_s, self._plan = amount, listen is not None, within_s, plan
        self.listen = listen or LOOPBACK
        self.host = self.listen.rpartition(":")[0]
        self._changed = threading.Condition()
        self._known: dict[str, LoadTester] = {}
        self._port: int | None = None
        self._ended = False
        self._pongs = self._connected = self._used = 0
        self._expected: dict[range, Answers] = {}
        self._tickets = self._users = 0

    @property
    def present(self) -> list[LoadTester]:
        """The workers that have connected and are not lost."""
        return [one for one in list(self._known.values()) if one.name and not one.lost]

    @property
    def lost(self) -> list[str]:
        """The names of the lost workers."""
        return [one.name for one in list(self._known.values()) if one.lost]

    def __enter__(self) -> LoadTesters:
        self._processes = Processes(self.listen)
        self._reader = threading.Thread(target=self._read, name="testers", daemon=True)
        self._reader.start()
        try:
            self._wait(lambda: self._port is not None, COME_WITHIN_S, "the master of Locust did not start")
            if not self._elsewhere:
                for process in self._processes.add_workers(self.amount, self._port or 0):
                    threading.Thread(target=self._mourn, args=(process,), daemon=True).start()
            self._wait(lambda: len(self.present) >= self.amount, self._within_s, "")
            self._processes.say("plan", dict(self._plan))
            self._learn_clocks()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._processes.stop()

    def connect(self, amount: int, url: str, at_once: int) -> list[tuple[LoadTester, int]]:
        """Connect ``amount`` users anew by a GET of ``url``, at most ``at_once`` at a time, at least one per tester.

        Returns the places to hand tickets to, as pairs of tester and user number, in turns among the testers. Raises
        :class:`LoadTestersError`.
        """
        if not self._elsewhere:
            require_room_for(amount)
        present = self.present
        if not present:
            raise LoadTestersError(f"no tester is left: {', '.join(self.lost)} ended")
        each, more = divmod(amount, len(present))
        for place, tester in enumerate(present):
            tester.users = each + (place < more)
        self._connected = 0
        self._have_users(each + bool(more), len(present))
        wanted = [one for one in present if one.users]
        for first in range(0, len(wanted), max(at_once, 1)):
            self._connect_together(wanted[first : first + at_once], wanted[: first + at_once], url, at_once)
        places = [(tester, user) for tester in wanted for user in range(tester.users)]
        return sorted(places, key=lambda place: place[1])

    def _connect_together(
        self, testers: Sequence[LoadTester], so_far: Sequence[LoadTester], url: str, at_once: int
    ) -> None:
        """Connect the users of at most ``at_once`` testers, each with its share of ``at_once``."""
        for tester in testers:
            share = {"users": tester.users, "url": url, "at_once": at_once // len(testers)}
            self._processes.say("connect", share, tester.id)
        self._wait(
            lambda: self._connected + sum(one.lost for one in so_far) >= len(so_far),
            CONNECT_WITHIN_S,
            f"the testers did not connect {sum(one.users for one in testers)} clients within {CONNECT_WITHIN_S:g} s",
        )

    def _have_users(self, each: int, present: int) -> None:
        """Make sure that each tester has at least ``each`` users.

        Locust distributes users evenly, but in an order of its own; with the same number for each tester, the order
        does not matter. The number never decreases, because that would stop users in the middle of a request.
        """
        if each > self._users:
            self._users = each
            self._processes.say("users", each * present)

    def expect(self, amount: int, take: Answers) -> int:
        """Reserve ``amount`` unused ticket numbers and return the first.

        Answers for these tickets go to ``take``, in the thread that reads from the testers, until :meth:`forget` is
        called: a late answer may have opened an investigation.
        """
        first, self._tickets = self._tickets, self._tickets + amount
        with self._changed:
            self._expected[range(first, self._tickets)] = take
        return first

    def forget(self, first: int) -> None:
        """Stop expecting answers for the ticket numbers that begin with ``first``."""
        with self._changed:
            self._expected = {numbers: take for numbers, take in self._expected.items() if numbers.start != first}

    def hand_out(self, tester: LoadTester, tickets: Sequence[Mapping[str, Any]]) -> None:
        """Hand tickets to a tester, which sends each at its ``at_s``, a time of this process's clock."""
        converted = [{**ticket, "at_s": ticket["at_s"] + tester.ahead_s} for ticket in tickets]
        self._processes.say("tickets", converted, tester.id)

    def use(self) -> list[LoadTester]:
        """Return the testers with their use of processor and memory so far."""
        self._used = 0
        present = self.present
        self._processes.say("use", None)
        self._wait(lambda: self._used >= len(present), self._within_s, "the testers do not tell what they use")
        return present

    def _learn_clocks(self) -> None:
        """Measure the testers' clocks several times. The shortest round trip is the most exact, being least delayed."""
        for _ in range(PINGS):
            self._ping_all()

    def _ping_all(self) -> None:
        before = self._pongs
        self._processes.say("ping", {"asked": time.monotonic()})
        self._wait(lambda: self._pongs >= before + self.amount, self._within_s, "a tester is silent")

    def _wait(self, done: Callable[[], bool], within_s: float, otherwise: str) -> None:
        with self._changed:
            self._changed.wait_for(lambda: done() or self._ended, within_s)
            if done():
                return
        if self._ended:
            raise LoadTestersError(f"the master of Locust at {self.listen} has ended: {self._processes.last_words()}")
        came = f"{len(self.present)} of {self.amount} workers came within {within_s:g} s to {self.host}:{self._port}"
        raise LoadTestersError(otherwise or f"{came}; start those that are missing, or expect fewer")

    def _read(self) -> None:
        for said in self._processes.heard():
            with self._changed:
                self._take_in(said["told"], said["worker"], said["data"])
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            for tester in self._known.values():
                tester.lost = True
            self._changed.notify_all()

    def _mourn(self, process: subprocess.Popen[bytes]) -> None:
        """Mark a worker of this machine as lost when its process ends: the master would notice it later."""
        process.wait()
        with self._changed:
            for tester in self._known.values():
                tester.lost = tester.lost or tester.name == f"worker {process.pid}"
            self._changed.notify_all()

    def _take_in(self, kind: str, worker: str | None, data: Any) -> None:
        tester = self._known.setdefault(worker, LoadTester(worker)) if worker is not None else None
        if tester is None:
            self._port = data
        elif kind == "here":
            if len(self.present) < self.amount:
                tester.name = f"worker {data['name']}"
        elif kind == "lost":
            # A worker of this machine is lost only when its process ends: a busy machine may delay its heartbeats.
            tester.lost = tester.lost or self._elsewhere
        elif kind == "pong":
            self._note_clock(tester, data["asked"], data["clock_s"])
        elif kind == "connected":
            self._connected += 1
        elif kind == "used":
            tester.cpu_s, tester.kilobytes = data["cpu_s"], data["kilobytes"]
            self._used += 1
        elif kind == "answers":
            self._pass_on(tester, data)

    def _pass_on(self, tester: LoadTester, answers: Sequence[Mapping[str, Any]]) -> None:
        """Pass answers on to those who expect them, with their times converted to this process's clock."""
        for one in answers:
            at_home = {name: one[name] - tester.ahead_s for name in ("sent_s", "done_s")}
            for numbers, take in self._expected.items():
                if one["number"] in numbers:
                    take({**one, **at_home})

    def _note_clock(self, tester: LoadTester, asked_s: float, clock_s: float) -> None:
        now_s = time.monotonic()
        self._pongs += 1
        if now_s - asked_s < tester.round_s:
            tester.round_s, tester.ahead_s = now_s - asked_s, clock_s - (asked_s + now_s) / 2
