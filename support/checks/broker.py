"""Matchers for the message broker (requirement IN-09)."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from support.checks.matcher import Judged
from support.clients.amqp.client import BrokerOutcome, owner_of

_SHOWN = 3


def lets_in_within(limit_s: float) -> Judged[BrokerOutcome]:
    """Match a login that succeeds in time."""

    def mismatch(outcome: BrokerOutcome) -> str | None:
        if outcome.kind != "ok":
            return f"{outcome.kind}: {outcome.message}"
        return f"it took {outcome.duration_s:.2f} s" if outcome.duration_s > limit_s else None

    return Judged(f"a broker that lets the user in within {limit_s:g} s", mismatch)


def refuses_the_password() -> Judged[BrokerOutcome]:
    return Judged(
        "a wrong password that is refused as such",
        lambda outcome: None if outcome.kind == "authentication_failed" else f"{outcome.kind}: {outcome.message}",
    )


def answers() -> Judged[BrokerOutcome]:
    """Match a broker that answers, even if it refuses the login."""
    return Judged("a broker that answers", lambda outcome: outcome.message if outcome.kind == "unreachable" else None)


def is_there(exchange: str) -> Judged[bool]:
    return Judged(f"exchange {exchange}", lambda there: None if there else f"the broker has no exchange {exchange}")


def has_a_queue() -> Judged[Sequence[str]]:
    """Match a non-empty list of the queues of one investigation."""
    return Judged("a queue of it", lambda names: None if names else "the broker has none")


def has_no_queue_of(job_ids: Collection[str]) -> Judged[Sequence[str]]:
    """Match a list of all queues of the broker in which none belongs to one of these investigations."""
    wanted = frozenset(job_ids)

    def mismatch(names: Sequence[str]) -> str | None:
        if not wanted:
            return "no investigation was opened, so none can have left anything"
        left = [name for name in names if owner_of(name) in wanted]
        return f"{len(left)} left: {', '.join(left[:_SHOWN])}" if left else None

    return Judged(f"no queue of {len(wanted)} investigations", mismatch)


def has_no_queue() -> Judged[Sequence[str]]:
    return Judged("no queue of it", lambda names: f"left: {', '.join(names)}" if names else None)
