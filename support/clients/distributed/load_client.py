"""Many requests at the same moment, from many testers: as the load client does it from threads, and with its caps."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

from requests.structures import CaseInsensitiveDict

from support.clients import tls
from support.clients.distributed.testers import LoadTester, LoadTesters
from support.clients.focus_server.client import Body, encoded
from support.clients.focus_server.load_client import WARMING_AT_ONCE, asked, headers_of, note_exchange
from support.clients.journal import Journal
from support.clients.load_engine import STAGGER_S, Burst, CapExceeded, Caps, Sample
from support.clients.safety import Budget, SafetyError, opens_an_investigation
from support.clients.settings import FocusServerSettings

LEAD_S = 1.0
"""So long before its moment a ticket is handed out; what was not handed out can still be stopped."""
START_AFTER_S = 0.25
_LOOK_EVERY_S = 0.1


def plan_of(settings: FocusServerSettings) -> dict[str, Any]:
    """What workers must know of a Focus Server: whom to trust and how long to wait. They have no files of ours."""
    trust = tls.ServerTrust.of(settings, "focus_server")
    trust.context()  # a certificate file that cannot be read is found here
    ca = trust.ca_file.read_text(encoding="utf-8") if trust.ca_file is not None else ""
    return {
        "verify": trust.verify,
        "ca": ca,
        "pin": trust.pin or "",
        "connect_s": settings.connect_timeout_s,
        "read_s": settings.read_timeout_s,
    }


class DistributedLoadClient:
    """Hands requests to the testers, each with its moment, within the budget of the run.

    A tester has no budget and sends nothing that was not handed to it: what is counted, is counted here.
    """

    engine = "Locust, FastHttpUser"

    def __init__(self, settings: FocusServerSettings, journal: Journal, budget: Budget, testers: LoadTesters) -> None:
        self._base_url = settings.base_url.rstrip("/")
        self._journal, self._budget, self._testers = journal, budget, testers
        self._takers = ThreadPoolExecutor(1, "answers")

    def burst(
        self,
        method: str,
        path: str,
        bodies: Sequence[Body | None],
        caps: Caps,
        *,
        on_done: Callable[[Sample], None] = lambda sample: None,
        stop: threading.Event | None = None,
        apart_s: float = STAGGER_S,
    ) -> Burst:
        """As :meth:`LoadClient.burst`. A tester that is lost has not answered what was handed to it; that is why the
        burst was stopped."""
        if len(bodies) > caps.requests:
            raise CapExceeded(f"{len(bodies)} requests at once are refused: the cap is {caps.requests}")
        self._budget.require_at_once(len(bodies))
        with ExitStack() as warming:
            at_once = min(WARMING_AT_ONCE, len(bodies))
            for _ in range(at_once):
                warming.enter_context(self._budget.asking(opens=False))
            places = self._testers.connect(len(bodies), f"{self._base_url}/ack", at_once)
        payloads = [encoded(body) for body in bodies]
        tickets = [
            {"method": method, "url": self._base_url + path, "headers": headers_of(payload)}
            | {"body": None if payload is None else payload.decode(), "user": user}
            for payload, (_, user) in zip(payloads, places, strict=False)
        ]
        made = _DistributedBurst(
            self._testers, [tester for tester, _ in places], tickets, apart_s, on_done, self._takers
        )
        with self._testers.answers_to(made.take_in):
            burst = made.run(caps, self._budget, opens_an_investigation(method, path), stop or threading.Event())
        for payload, sample in zip(payloads, burst.samples, strict=True):
            text = "" if payload is None else payload.decode("utf-8", errors="replace")
            note_exchange(self._journal, asked(method, self._base_url + path, text), sample)
        return burst


class _DistributedBurst:
    """One burst: what was handed out, what came back, and to whom the rest was given."""

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
        self._apart_s, self._first = apart_s, testers.number_tickets(len(tickets))
        self._changed = threading.Condition()
        self._done: dict[int, Sample] = {}
        self._budgets: dict[int, ExitStack] = {}
        self._start_s = 0.0
        self._trouble: BaseException | None = None

    def take_in(self, worker: str, answers: Sequence[Mapping[str, Any]]) -> None:
        """What a tester tells, in the thread that hears it; a ticket of an earlier burst is that burst's."""
        for one in answers:
            number = one["number"] - self._first
            if not 0 <= number < len(self._tickets):
                continue
            sample = Sample(
                number,
                self._intended_s(number),
                one["sent_s"],
                one["done_s"],
                one["status"],
                CaseInsensitiveDict(one["headers"]),
                one["body"].encode(),
                one["error"],
            )
            self._takers.submit(self._take, sample).add_done_callback(self._note_trouble)

    def _take(self, sample: Sample) -> None:
        """In a thread of its own: who hears the testers does not wait for the disk."""
        self._on_done(sample)
        with self._changed:
            self._done[sample.number] = sample
            self._budgets.pop(sample.number, ExitStack()).close()
            self._changed.notify_all()

    def _note_trouble(self, taken: Future[None]) -> None:
        with self._changed:
            self._trouble = self._trouble or taken.exception()
            self._changed.notify_all()

    def run(self, caps: Caps, budget: Budget, opens: bool, stop: threading.Event) -> Burst:
        """Hand out everything in time and wait for the answers. Raises what ``on_done`` raised, and ``SafetyError``
        when the budget of the run is used up; what is under way is waited for first."""
        self._start_s = time.monotonic() + START_AFTER_S
        until_s = self._start_s + caps.seconds
        handed, refused = 0, None
        try:
            while handed < len(self._tickets) and not stop.is_set() and self._trouble is None and refused is None:
                handed, refused = self._hand_out_due(handed, budget, opens)
                if not stop.wait(min(_LOOK_EVERY_S, max(0.0, self._intended_s(handed) - LEAD_S - time.monotonic()))):
                    continue
            self._wait(handed, until_s)
        except KeyboardInterrupt:
            self._wait(handed, until_s)  # so that what they open can be released
            raise
        finally:
            with self._changed:
                for one in self._budgets.values():
                    one.close()
        if self._trouble is not None or refused is not None:
            raise self._trouble or refused or AssertionError
        return self._burst(handed, caps)

    def _hand_out_due(self, handed: int, budget: Budget, opens: bool) -> tuple[int, SafetyError | None]:
        """Every ticket whose moment is near, each within the budget. Answers how many are handed out now."""
        due: dict[str, tuple[LoadTester, list[Mapping[str, Any]]]] = {}
        refused = None
        while handed < len(self._tickets) and self._intended_s(handed) <= time.monotonic() + LEAD_S:
            try:
                permit = ExitStack()
                permit.enter_context(budget.asking(opens=opens))
            except SafetyError as error:
                refused = error
                break
            tester = self._served_by[handed]
            with self._changed:
                self._budgets[handed] = permit
            ticket = {**self._tickets[handed], "number": self._first + handed, "at_s": self._intended_s(handed)}
            due.setdefault(tester.id, (tester, []))[1].append(ticket)
            handed += 1
        for tester, tickets in due.values():
            self._testers.hand_out(tester, tickets)
        return handed, refused

    def _wait(self, handed: int, until_s: float) -> None:
        """Until everything that was handed out is answered, is given up, or was handed to a tester that is lost."""

        def over() -> bool:
            left = (number for number in range(handed) if number not in self._done)
            return self._trouble is not None or all(self._served_by[number].lost for number in left)

        with self._changed:
            while not over() and time.monotonic() < until_s:
                self._changed.wait(_LOOK_EVERY_S)

    def _burst(self, handed: int, caps: Caps) -> Burst:
        with self._changed:
            done = dict(self._done)
        now_s = time.monotonic()
        missing = [number for number in range(len(self._tickets)) if number not in done]
        lost = sorted({self._served_by[number].name for number in missing if self._served_by[number].lost})
        why = "" if not missing else f"no answer within the cap of {caps.seconds:g} s for the whole load"
        if lost:
            why = f"{', '.join(lost)} was lost before its answers came"
        elif handed < len(self._tickets):
            why = "the load was stopped before it was complete"
        for number in missing:
            intended_s = self._intended_s(number)
            done[number] = Sample(number, intended_s, intended_s, max(now_s, intended_s), None, error=why)
        return Burst(tuple(done[number] for number in range(len(self._tickets))), why)

    def _intended_s(self, number: int) -> float:
        return self._start_s + number * self._apart_s
