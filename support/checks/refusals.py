"""Reasons for which a request is refused, by their wording in the features."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from support.checks.answers import is_refused
from support.checks.matcher import Judged
from support.checks.messages import named_in
from support.clients.focus_server.client import Answer, ShapeError
from support.clients.kubernetes.client import Node
from support.config import Environment, Limits
from support.model.requests import Body
from support.redaction import shortened


@dataclass(frozen=True)
class Refusal:
    """A reason for a refusal. The message must contain one word of ``about``, and the status must be in ``statuses``.

    ``or_as_invalid`` also allows the statuses that the environment defines for invalid requests.
    """

    about: tuple[str, ...]
    statuses: frozenset[int]
    or_as_invalid: bool = False


REFUSALS: Mapping[str, Refusal] = {
    "no fibre is connected": Refusal(("fiber", "fibre"), frozenset({503})),
    "of the configured stream address": Refusal(("stream address",), frozenset({503})),
    "the cluster takes no further job": Refusal(("job", "quota"), frozenset({503})),
    "the cluster gives no further port": Refusal(("port", "quota"), frozenset({503})),
    "the site is full": Refusal(("room", "capacity", "full", "free"), frozenset({429, 503})),
    "the job id is unknown": Refusal(("job id", "job_id"), frozenset({404})),
    "of its size": Refusal(("large", "size"), frozenset({413}), or_as_invalid=True),
}


def highest_of(limits: Limits) -> dict[str, float]:
    """Return the highest values that may be requested, by the server's name of the field."""
    frequencies = dict.fromkeys(("frequencyRange.min", "frequencyRange.max"), limits.highest_frequency_hz)
    return {**frequencies, "channels": limits.most_channels}


def lowest_of(request: Body) -> dict[str, float]:
    """Return the lowest allowed end of the window if the request sends an end that is not after its start."""
    start_s, end_s = (None, None) if isinstance(request, bytes) else map(request.get, ("start_time", "end_time"))
    return {"end_time": start_s + 1} if isinstance(start_s, int) and isinstance(end_s, int) and end_s <= start_s else {}


def is_refused_because(reason: Refusal, environment: Environment) -> Judged[Answer]:
    """Match a refusal for this reason, within the time that the environment allows for a refusal."""
    statuses = reason.statuses | (environment.refusal_statuses if reason.or_as_invalid else frozenset())
    return is_refused(statuses, reason.about, environment.limits.refusal_s)


def names_what_is_missing(live: Mapping[str, Any]) -> Judged[Answer]:
    """Match the refusal for lack of a fibre: it gives the fibre's state, names missing fields, and says what to do.

    The fields must really be missing.
    """

    def mismatch(answer: Answer) -> str | None:
        try:
            body = answer.json()
        except ShapeError as error:
            return str(error)
        fibre, action = (body.get(name) if isinstance(body, dict) else None for name in ("fiber", "action"))
        if not isinstance(fibre, dict) or not isinstance(action, str) or "connect" not in action:
            return f"it does not say what to do: {shortened(answer.text, 300)}"
        missing = fibre.get("missing")
        if "waiting" not in str(fibre.get("state")) or not isinstance(missing, list) or not missing:
            return f"it does not say what is missing: {shortened(answer.text, 300)}"
        there = [name for name in missing if live.get(name)]
        return f"{there[0]} is not missing: the server tells {live[there[0]]!r}" if there else None

    return Judged("a refusal that says what is missing of the fibre, and what to do", mismatch)


def names_every_address(nodes: Iterable[Node]) -> Judged[Answer]:
    """Match a refusal that names all names and addresses of nodes as allowed, each once, in order."""
    wanted = sorted({host for node in nodes for host in (node.name, *node.addresses)})

    def mismatch(answer: Answer) -> str | None:
        named = named_in(answer.message.rpartition("allowed")[2], wanted)
        if missing := [host for host in wanted if host not in named]:
            return f"{answer.message!r} does not name {', '.join(missing)}"
        return None if named == wanted else f"{answer.message!r} names them as {', '.join(named)}"

    return Judged(f"a refusal that names {', '.join(wanted)}", mismatch)
