"""Why a request is refused, in the words of the features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from support.checks.answers import is_refused
from support.checks.matcher import Judged
from support.clients.focus_server.client import Answer
from support.config import Environment


@dataclass(frozen=True)
class Refusal:
    """``about`` are what the server calls the reason, one of them is enough; ``statuses`` are the answers it may have.

    ``or_as_invalid``: also those the environment names for a request that is not valid.
    """

    about: tuple[str, ...]
    statuses: frozenset[int]
    or_as_invalid: bool = False


REFUSALS: Mapping[str, Refusal] = {
    "no fibre is connected": Refusal(("fiber", "fibre"), frozenset({503})),
    "of the configured stream address": Refusal(("stream address",), frozenset({503})),
    "the cluster takes no further job": Refusal(("job", "quota"), frozenset({503})),
    "the site is full": Refusal(("room", "capacity", "full", "free"), frozenset({429, 503})),
    "the job id is unknown": Refusal(("job id", "job_id"), frozenset({404})),
    "of its size": Refusal(("large", "size"), frozenset({413}), or_as_invalid=True),
}


def is_refused_because(reason: Refusal, environment: Environment) -> Judged[Answer]:
    """Refused for this reason, within the time the environment allows for a refusal."""
    statuses = reason.statuses | (environment.refusal_statuses if reason.or_as_invalid else frozenset())
    return is_refused(statuses, reason.about, environment.limits.refusal_s)
