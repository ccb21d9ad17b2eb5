"""Matchers for the Focus Server as a process: it starts, logs that it did, and keeps answering."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from support.checks.matcher import Judged
from support.clients.focus_server.client import Answer, ConnectionFailed
from support.clients.kubernetes.client import Pod

Outcome = Answer | ConnectionFailed

_ERROR = re.compile(
    r"\b(ERROR|CRITICAL|FATAL)\b|Traceback \(most recent call last\)"
    r"|\b(Import|ModuleNotFound|Key|Attribute|Syntax|Name|JSONDecode|YAML|Scanner|Parser)Error\b"
    r"|(?i:\bautocfg\b.*\b(error|fail|failed|invalid|missing|unknown)\b)"
)
_CONFIGURATION = re.compile(r"config", re.IGNORECASE)
_REASON = re.compile(r"\bline \d+|\w*Error\b|\b(invalid|missing|unknown|unexpected|unterminated)\b", re.IGNORECASE)


def said(outcome: Outcome) -> str:
    """Describe the outcome of a request in words."""
    if isinstance(outcome, ConnectionFailed):
        return str(outcome)
    return f"it was answered {outcome.status} {outcome.message!r} after {outcome.given_s:.2f} s"


def is_alive(within_s: float) -> Judged[Outcome]:
    """Match a health check that is answered with status 200 in time."""

    def mismatch(outcome: Outcome) -> str | None:
        alive = isinstance(outcome, Answer) and outcome.status == 200 and outcome.given_s <= within_s
        return None if alive else f"asked whether it is alive, {said(outcome)}"

    return Judged(f"a server that says within {within_s:g} s that it is alive", mismatch)


def are_all_told(within_s: float) -> Judged[Collection[Outcome]]:
    """Match health checks that were all answered with status 200 in time."""
    alive = is_alive(within_s)

    def mismatch(outcomes: Collection[Outcome]) -> str | None:
        bad = [outcome for outcome in outcomes if not alive.matches(outcome)]
        if bad:
            return f"{len(bad)} of {len(outcomes)} were not told; of the first: {said(bad[0])}"
        return None if outcomes else "nobody asked"

    return Judged(f"everybody told within {within_s:g} s that the server is alive", mismatch)


def is_served() -> Judged[Outcome]:
    return Judged(
        "an answer to what was asked",
        lambda outcome: None if isinstance(outcome, Answer) and outcome.status == 200 else said(outcome),
    )


def are_ready(amount: int) -> Judged[list[Pod]]:
    """Match exactly ``amount`` servers, all of them running and ready."""

    def mismatch(pods: list[Pod]) -> str | None:
        ready = [pod for pod in pods if pod.phase == "Running" and pod.ready]
        if len(ready) == len(pods) == amount:
            return None
        return "; ".join(f"{pod.name} is {pod.phase}, ready: {pod.ready}" for pod in pods) or "there is no new server"

    return Judged(f"{amount} new server(s), Running and Ready", mismatch)


def were_not_restarted() -> Judged[list[Pod]]:
    def mismatch(pods: list[Pod]) -> str | None:
        again = [f"{pod.name} was restarted {pod.restarts} times while it started" for pod in pods if pod.restarts]
        return "; ".join(again) or (None if pods else "there is no server")

    return Judged("servers that were started once", mismatch)


def tells_of_no_error() -> Judged[str]:
    """Match a log that is not empty and reports no error, such as a failed import, module, key, syntax or autocfg."""

    def mismatch(log: str) -> str | None:
        lines = log.splitlines()
        errors = [line for line in lines if _ERROR.search(line)]
        if errors:
            return f"the log tells of {len(errors)} errors since the start, the first: {errors[0]}"
        return None if any(line.strip() for line in lines) else "the log is empty"

    return Judged("a log without any error since the start", mismatch)


def says_what_is_wrong_with_the_configuration() -> Judged[str]:
    """Match a log with a line that names the configuration and the reason why it cannot be loaded."""

    def mismatch(log: str) -> str | None:
        lines = log.splitlines()
        if any(_CONFIGURATION.search(line) and _REASON.search(line) for line in lines):
            return None
        last = f"; its last line: {lines[-1]}" if lines else ""
        return f"none of the {len(lines)} lines of the log says what is wrong with the configuration{last}"

    return Judged("a log that says what is wrong with the configuration", mismatch)


def are_answered_alike() -> Judged[Sequence[Answer]]:
    """Match answers that are all served, or all refused with the same message, without a failure of the server."""

    def mismatch(outcomes: Sequence[Answer]) -> str | None:
        failures = [answer for answer in outcomes if answer.status >= 500 and answer.status != 503]
        if failures:
            return f"the server itself failed: {said(failures[0])}"
        answers = [(answer.status, "" if answer.status == 200 else answer.message) for answer in outcomes]
        if len(set(answers)) == 1:
            return None
        return "asked the same again, it answered differently: " + " and then ".join(f"{s} {m!r}" for s, m in answers)

    return Judged("the same answer each time, and no failure of the server", mismatch)
