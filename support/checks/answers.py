"""Matchers for the answers of the Focus Server."""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from support.checks.matcher import Judged
from support.checks.messages import leftover_in
from support.clients.focus_server.client import Answer, OpenedInvestigation, ShapeError
from support.clients.kubernetes.client import Node
from support.model.fields import MISSING
from support.redaction import shortened

_JOB_ID = re.compile(r"^[0-9]+-[0-9]+$")
_SAYS_WHAT_IS_ALLOWED = re.compile(r"\b(allowed|must|both|neither|between|at least|at most)\b", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![\w.-])\d+(?:\.\d+)?(?![\w.])")
_SAYS_IT_IS_MISSING = re.compile(r"\b(missing|required|null|none|nothing)\b", re.IGNORECASE)


def is_refused(statuses: Collection[int], about: Collection[str], within_s: float) -> Judged[Answer]:
    """Match a refusal with one of ``statuses`` and a word of ``about``, in time and free of leftovers of a program."""

    def mismatch(answer: Answer) -> str | None:
        said = f"it was answered {answer.status} {answer.message!r}"
        if answer.status not in statuses:
            return said
        if not any(word.lower() in answer.message.lower() for word in about):
            return f"{said}, which does not say that it is about {' or '.join(about)}"
        if (leftover := leftover_in(answer)) is not None:
            return f"{said}, which contains {leftover}"
        if answer.given_s > within_s:
            return f"{said} only after {answer.given_s:.2f} s"
        return None

    wanted = f"a refusal ({' or '.join(str(status) for status in sorted(statuses))})"
    return Judged(f"{wanted} about {' or '.join(about)}, within {within_s:g} s, in words for people", mismatch)


def opens() -> Judged[Answer]:
    """Match an accepted request whose answer has the documented shape."""

    def mismatch(answer: Answer) -> str | None:
        if answer.status != 200:
            return f"it was answered {answer.status} {answer.message!r}"
        try:
            answer.opened()
        except ShapeError as error:
            return str(error)
        return None

    return Judged("an investigation that opens", mismatch)


def says_no_recording_was_found() -> Judged[Answer]:
    """Match the answer that requirement PV-02 demands: status 404 and a message that no recording was found."""

    def mismatch(answer: Answer) -> str | None:
        said = f"it was answered {answer.status} {answer.message!r}"
        if answer.status != 404 or not re.search(r"no recordings? (was |were )?found", answer.message, re.IGNORECASE):
            return said
        leftover = leftover_in(answer)
        return None if leftover is None else f"{said}, which contains {leftover}"

    return Judged("404 and a message that no recording was found", mismatch)


def says_what_to_do(
    wrong: Mapping[str, object],
    highest: Mapping[str, float] | None = None,
    lowest: Mapping[str, float] | None = None,
) -> Judged[Answer]:
    """Match a message that names a wrong field, its value (or that it is missing) and what is allowed.

    ``highest`` and ``lowest`` are the last allowed values by field. The message must not allow anything beyond them. If
    it names numbers, the limit itself must be among them, or the number before it.
    """

    def mismatch(answer: Answer) -> str | None:
        message = answer.message
        named = {field: value for field, value in wrong.items() if field in message}
        if not named and not any(field.split(".")[0] in message for field in wrong):
            return f"{message!r} names none of the fields {', '.join(wrong)}"
        values = list((named or wrong).values())
        if not any(_says(value, message) for value in values):
            return f"{message!r} does not name the value {' or '.join(map(_shown, values))}"
        if (misquoted := _misquoted(message, wrong)) is not None:
            return misquoted
        if not _SAYS_WHAT_IS_ALLOWED.search(message):
            return f"{message!r} does not say what is allowed"
        meant = named.keys() or {field.split(".")[0] for field in wrong}
        limits = [limit for field, limit in (highest or {}).items() if field in meant]
        least = [limit for field, limit in (lowest or {}).items() if field in meant]
        too_far = _range_told(message, min(limits)) if limits else None
        return too_far or (_begin_told(message, max(least)) if least else None)

    return Judged("a message that names the field, its value and what is allowed", mismatch)


def _misquoted(message: str, sent: Mapping[str, object]) -> str | None:
    """Return an objection if the message quotes a field as ``field=number`` with another number than was sent."""
    for field, value in sent.items():
        quoted = re.search(rf"(?<![\w.]){field.rpartition('.')[2]}=(-?\d+(?:\.\d+)?)", message)
        if quoted and isinstance(value, int | float) and float(quoted[1]) != value:
            return f"{message!r} names {quoted[0]}, and {value} was sent"
    return None


def _numbers_allowed(message: str) -> list[float]:
    return [float(number) for number in _NUMBER.findall(message.rpartition("allowed")[2])]


def _begin_told(message: str, lowest: float) -> str | None:
    """Return what is wrong with the lower end of the allowed range. The message may name the last number below it."""
    allowed = _numbers_allowed(message)
    if not allowed or lowest - 1 <= min(allowed) <= lowest:
        return None
    if min(allowed) < lowest:
        return f"{message!r} allows {min(allowed):g}, which is refused"
    return f"{message!r} allows {min(allowed):g} and more only, and {lowest:g} is accepted"


def _range_told(message: str, highest: float) -> str | None:
    """Return what is wrong with the upper end of the allowed range.

    The message may name the number before ``highest``, which is the limit of the lower end of a range.
    """
    allowed = _numbers_allowed(message)
    if not allowed or highest - 1 <= max(allowed) <= highest:
        return None
    if max(allowed) > highest:
        return f"{message!r} allows {max(allowed):g}, which is refused"
    return f"{message!r} allows up to {max(allowed):g} only, and {highest:g} is accepted"


def the_server_does_not_know(what: str) -> Judged[Answer]:
    """Match the refusal of an unknown ``address`` (404) or ``method`` (405), without leftovers of the program."""
    status = {"address": 404, "method": 405}[what]

    def mismatch(answer: Answer) -> str | None:
        said = f"it was answered {answer.status} {answer.message!r}"
        if answer.status != status:
            return said
        leftover = leftover_in(answer)
        return None if leftover is None else f"{said}, which contains {leftover}"

    return Judged(f"{status}: the server does not know this {what}", mismatch)


def _says(value: object, message: str) -> bool:
    """Whether the message names the value itself and in full: 100 does not name 10, and -1 or 1... does not name 1."""
    if value is None or value is MISSING:
        return bool(_SAYS_IT_IS_MISSING.search(message))
    return bool(re.search(rf"(?<![\w.-]){re.escape(str(value))}(?!\w|\.\d|['\"]?(?:\.{{3}}|\u2026))", message))


def _shown(value: object) -> str:
    return "that is missing" if value is None or value is MISSING else str(value)


def identifies_a_job() -> Judged[OpenedInvestigation]:
    return Judged(
        "a job id made of slot and serial number, like 3-17",
        lambda opened: None if _JOB_ID.match(opened.job_id) else f"the job id is {opened.job_id!r}",
    )


def is_new_among(earlier: Collection[str]) -> Judged[OpenedInvestigation]:
    def mismatch(opened: OpenedInvestigation) -> str | None:
        if not earlier:
            return "no job id was used before, so there is none to compare with"
        return f"job id {opened.job_id!r} was used before" if opened.job_id in earlier else None

    return Judged("a job id that was never used before", mismatch)


def streams_from(nodes: Collection[Node]) -> Judged[OpenedInvestigation]:
    """Match an http stream URL whose host is the name or an address of one of ``nodes``."""
    hosts = {host for node in nodes for host in (node.name, *node.addresses)}

    def mismatch(opened: OpenedInvestigation) -> str | None:
        said = f"the stream URL is {opened.stream_url!r}"
        if not opened.stream_url.startswith("http://"):
            return f"{said}, which is not an http URL"
        if opened.stream_host in hosts:
            return None
        try:
            ipaddress.ip_address(opened.stream_host)
        except ValueError:
            return f"{said}, whose host is neither an IP address nor the name of a node"
        return f"{said}, whose address belongs to no node of the cluster"

    return Judged(f"a stream URL whose host is one of {', '.join(sorted(hosts))}", mismatch)


def streams_from_address(configured: str) -> Judged[OpenedInvestigation]:
    """Match the configured stream URL, with or without a trailing slash."""

    def mismatch(opened: OpenedInvestigation) -> str | None:
        is_it = opened.stream_url.rstrip("/") == configured.rstrip("/")
        return (
            None if is_it else f"the stream URL is {opened.stream_url!r}, the server is configured with {configured!r}"
        )

    return Judged(f"the stream URL {configured!r}", mismatch)


_OF_ONE_JOB = frozenset({"job_id", "stream_url", "stream_port", "status", "metadata"})
"""Facts in which two answers to the same request may differ."""


def opens_like(first: OpenedInvestigation) -> Judged[Answer]:
    """Match an answer that opens another job with the same facts, except those that belong to one job alone."""

    def mismatch(answer: Answer) -> str | None:
        opened = answer.opened()
        if opened.job_id == first.job_id:
            return f"both were given job {opened.job_id}"
        facts = (opened.raw.keys() | first.raw.keys()) - _OF_ONE_JOB
        wrong = [
            f"{fact} is {shortened(repr(opened.raw.get(fact)))} instead of {shortened(repr(first.raw.get(fact)))}"
            for fact in sorted(facts)
            if opened.raw.get(fact) != first.raw.get(fact)
        ]
        return "; ".join(wrong) or None

    return Judged(f"a job of its own that shows the same as job {first.job_id}", mismatch)


def has_a_port_number() -> Judged[OpenedInvestigation]:
    return Judged(
        "a stream port from 1 to 65535",
        lambda opened: None if 1 <= opened.stream_port <= 65535 else f"the stream port is {opened.stream_port}",
    )


def has_slot_and_port_of(earlier: OpenedInvestigation) -> Judged[OpenedInvestigation]:
    """Match an investigation with the slot and port of ``earlier``. The slot is the first part of the job id."""
    slot, port = earlier.job_id.split("-")[0], earlier.stream_port

    def mismatch(opened: OpenedInvestigation) -> str | None:
        if opened.job_id.split("-")[0] == slot and opened.stream_port == port:
            return None
        return f"job {opened.job_id} has port {opened.stream_port}"

    return Judged(f"slot {slot} and port {port} again, as job {earlier.job_id} had", mismatch)


class OneOfMany(Protocol):
    """One of several investigations requested together."""

    @property
    def opened(self) -> OpenedInvestigation | None: ...


def are_all_different() -> Judged[Sequence[OneOfMany]]:
    """Match openings that all succeeded, no two with the same job or the same port."""

    def mismatch(openings: Sequence[OneOfMany]) -> str | None:
        if len(openings) < 2:
            return f"{len(openings)} were asked for, which cannot be compared"
        opened = [one.opened for one in openings if one.opened is not None]
        mismatches = [f"{len(openings) - len(opened)} of {len(openings)} did not open"] * (len(opened) < len(openings))
        jobs, ports = Counter(one.job_id for one in opened), Counter(one.stream_port for one in opened)
        mismatches += [f"job {job} was named {times} times" for job, times in jobs.items() if times > 1]
        mismatches += [f"port {port} was named {times} times" for port, times in ports.items() if times > 1]
        return "; ".join(mismatches) or None

    return Judged("a job and a port of its own for each", mismatch)
