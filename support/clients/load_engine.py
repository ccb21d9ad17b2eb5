"""The load engine: many requests at once, each on its own thread and connection, measured without coordinated omission.

docs/facts/capacity.md 2.2, 2.3 and 2.6 describe the measurements and the reasons for this design: with the
interpreter's default switch interval, the client itself adds 56 ms to the P95 of a burst of 200; with a lower interval,
it adds 1 ms.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from support import processor

SWITCH_INTERVAL_S = 0.0005
STAGGER_S = 0.001
START_AFTER_S = 0.02
"""The minimum time from starting the threads to the first request, so that none is late from the beginning."""


class CapExceeded(Exception):
    """A load beyond the caps of this suite; nothing was sent. One sentence."""


class EngineReply(Protocol):
    """The result of a :class:`Sender`. Timestamps are monotonic seconds; ``status`` is None if no answer came."""

    @property
    def sent_s(self) -> float: ...
    @property
    def done_s(self) -> float: ...
    @property
    def status(self) -> int | None: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def body(self) -> bytes: ...
    @property
    def error(self) -> str: ...


class Sender(Protocol):
    """One prepared request on a connection of its own."""

    def send(self) -> EngineReply:
        """Send the request once and wait for the whole answer. Does not raise if no answer comes."""


@dataclass(frozen=True)
class Caps:
    """The maximum number of requests in one burst, and the seconds after which those without an answer are given up."""

    requests: int = 500
    seconds: float = 120.0


@dataclass(frozen=True)
class Sample:
    """One request of a burst: its intended, actual and end times (monotonic seconds), and its answer.

    A request that was given up has no status and ends at that moment: its latency is a lower bound.
    """

    number: int
    intended_s: float
    sent_s: float
    done_s: float
    status: int | None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    error: str = ""
    lost_s: float = 0.0
    """The part of the time from sending to the end in which the suite did not get the processor."""

    @property
    def response_ms(self) -> float:
        """The time from the intended moment of sending, as a user of a full site waits (no coordinated omission)."""
        return (self.done_s - self.intended_s) * 1000

    @property
    def service_ms(self) -> float:
        """The time from the actual moment of sending."""
        return (self.done_s - self.sent_s) * 1000


@dataclass(frozen=True)
class Burst:
    """All requests of one burst in order. ``stopped_because`` says why some have no answer; it is empty otherwise."""

    samples: tuple[Sample, ...]
    stopped_because: str = ""

    @property
    def in_flight(self) -> list[tuple[float, float]]:
        """The start and end of each request."""
        return [(sample.sent_s, sample.done_s) for sample in self.samples]


@contextmanager
def fair_turns(interval_s: float = SWITCH_INTERVAL_S) -> Iterator[None]:
    """Let threads take turns often: one whose answer has arrived must not wait for long turns of 200 others."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(interval_s)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def fire(
    senders: Sequence[Sender],
    caps: Caps,
    *,
    stagger_s: float = STAGGER_S,
    on_done: Callable[[Sample], None] = lambda sample: None,
    stop: threading.Event | None = None,
) -> Burst:
    """Send all requests, ``stagger_s`` apart, and wait for the answers, at most ``caps.seconds``.

    ``on_done`` is called in the thread of the request as soon as its answer arrives, even after the request was given
    up: a late answer may have opened an investigation. Once ``stop`` is set, no further request is sent, and those in
    flight are waited for. Raises :class:`CapExceeded`.
    """
    if len(senders) > caps.requests:
        raise CapExceeded(f"{len(senders)} requests at once are refused: the cap is {caps.requests}")
    run = _Run(len(senders), on_done, stop or threading.Event())
    with fair_turns():
        start_s = time.monotonic() + START_AFTER_S + len(senders) * stagger_s / 4
        for number, sender in enumerate(senders):
            thread = threading.Thread(target=run.one, args=(number, sender, start_s + number * stagger_s), daemon=True)
            thread.start()
        try:
            why = run.wait(start_s + caps.seconds, caps)
        except BaseException:
            # Ctrl-C: send nothing more, and wait for the requests in flight, so that what they open can be released.
            run.stop()
            run.wait_for_threads(start_s + caps.seconds)
            raise
    now_s = time.monotonic()
    given_up = {
        number: Sample(number, start_s + number * stagger_s, start_s + number * stagger_s, now_s, None, error=why)
        for number in range(len(senders))
    }
    return Burst(tuple((given_up | run.done()).values()), why)


class _Run:
    """The state that the threads of one burst share."""

    def __init__(self, amount: int, on_done: Callable[[Sample], None], stop: threading.Event) -> None:
        self._amount, self._on_done, self._stop = amount, on_done, stop
        self._changed = threading.Condition()
        self._done: dict[int, Sample] = {}
        self._ended = 0
        self._trouble: BaseException | None = None

    def one(self, number: int, sender: Sender, intended_s: float) -> None:
        try:
            if not self._stop.wait(_left(intended_s)):
                lost_before_s = processor.heartbeat.lost_s()
                reply = sender.send()
                self._take_in(number, intended_s, reply, processor.heartbeat.lost_s() - lost_before_s)
        except BaseException as error:
            self._trouble = error
            raise
        finally:
            with self._changed:
                self._ended += 1
                self._changed.notify_all()

    def _take_in(self, number: int, intended_s: float, reply: EngineReply, lost_s: float) -> None:
        times = intended_s, reply.sent_s, reply.done_s
        sample = Sample(number, *times, reply.status, reply.headers, reply.body, reply.error, lost_s)
        self._on_done(sample)
        with self._changed:
            self._done[number] = sample

    def wait(self, until_s: float, caps: Caps) -> str:
        """Wait until every thread has ended, at most until ``until_s``. Returns why requests have no answer, or "".

        Raises the error of a sender or of ``on_done``.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._ended == self._amount or self._trouble is not None, _left(until_s))
            if self._trouble is not None:
                raise self._trouble
            if self._ended < self._amount:
                return f"no answer within the cap of {caps.seconds:g} s for the whole load"
            return "" if len(self._done) == self._amount else "the load was stopped before it was complete"

    def stop(self) -> None:
        """Cancel the requests that are not sent yet."""
        self._stop.set()

    def wait_for_threads(self, until_s: float) -> None:
        """Wait until every thread has ended, with or without an error, at most until ``until_s``."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended == self._amount, _left(until_s))

    def done(self) -> dict[int, Sample]:
        with self._changed:
            return dict(self._done)


def _left(until_s: float) -> float:
    return max(0.0, until_s - time.monotonic())
