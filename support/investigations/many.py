"""Many investigations opened at one moment."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from support.clients.focus_server.client import Answer, OpenedInvestigation, ShapeError
from support.clients.focus_server.load_client import BurstClient
from support.clients.load_engine import Burst, Caps, Sample
from support.model import requests


@dataclass(frozen=True)
class Opening:
    """One of many requests to open, with its measurement; ``opened`` is None if it opened nothing."""

    sample: Sample
    answer: Answer | None
    opened: OpenedInvestigation | None

    @property
    def job_id(self) -> str | None:
        """The job that the answer names, even if the rest of the answer is not valid."""
        return self.answer.announced_job_id if self.answer is not None else None


@dataclass(frozen=True)
class Openings:
    """Many requests to open at one moment, and the jobs that existed before them."""

    burst: Burst
    each: tuple[Opening, ...]
    bodies: tuple[requests.Body, ...]
    """As they were sent: with the channels of this run."""
    jobs_before: frozenset[str]

    @property
    def job_ids(self) -> frozenset[str]:
        """The jobs that the answers name."""
        return frozenset(opening.job_id for opening in self.each if opening.job_id)


def open_at_once(
    load: BurstClient,
    bodies: Sequence[requests.Body],
    caps: Caps,
    jobs_before: frozenset[str],
    take_in: Callable[[Opening], None],
    stop: threading.Event | None,
    apart_s: float,
) -> Openings:
    """Send all ``bodies``, each ``apart_s`` after the one before.

    ``take_in`` is called with each result, in the thread that received it.
    """
    openings: dict[int, Opening] = {}

    def done(sample: Sample) -> None:
        openings[sample.number] = _opening(sample)
        take_in(openings[sample.number])

    burst = load.burst("POST", "/configure", bodies, caps, on_done=done, stop=stop, apart_s=apart_s)
    each = (_opening(sample) if sample.status is None else openings[sample.number] for sample in burst.samples)
    return Openings(burst, tuple(each), tuple(bodies), jobs_before)


def _opening(sample: Sample) -> Opening:
    if sample.status is None:
        return Opening(sample, None, None)
    answer = Answer(sample.status, sample.headers, sample.body, sample.done_s - sample.sent_s, lost_s=sample.lost_s)
    try:
        return Opening(sample, answer, answer.opened())
    except ShapeError:
        return Opening(sample, answer, None)
