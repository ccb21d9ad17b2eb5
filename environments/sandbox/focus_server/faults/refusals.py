"""Faults: refusals with the wrong status, the wrong words, or too late."""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

from aiohttp import web

from environments.sandbox.focus_server.hooks import Proceed, fault
from environments.sandbox.focus_server.refusals import (
    NoRecording,
    Refused,
    RuleViolation,
    SchemaError,
    WaitingForFibre,
)
from environments.sandbox.focus_server.routes import Routes
from environments.sandbox.focus_server.rules import HIGHEST_FREQUENCY_HZ, MOST_CHANNELS

AGAIN_WITHIN_S = 1.0
TOO_LATE_S = 2.5
TRACE = """
Traceback (most recent call last):
  File "/home/prisma/debug-codebase/pz/microservices/focus_server/focus_server.py", line 143, in configure
    self._manager.configure(request)
ValueError: invalid request"""
LEFTOVERS = (
    "None", "NaN", "undefined", "<View object at 0x7f3a52c1d0>", "['0', '1']", "{field}", "these:",
)  # fmt: skip
"""Program output in place of text for a person."""
Error = Refused | web.HTTPException


@fault("refusals-too-late", at="refusal.word")
async def _(proceed: Proceed, routes: Routes, request: web.Request, error: Error) -> Any:
    status, body = await proceed(routes, request, error)
    if isinstance(error, Refused) and request.method == "POST" and 400 <= status < 500:
        await asyncio.sleep(TOO_LATE_S)
    return status, body


@fault("answers-differ-when-asked-twice", at="refusal.word", memory=lambda: SimpleNamespace(asked=b"", asked_s=0.0))
async def _(before: SimpleNamespace, proceed: Proceed, routes: Routes, request: web.Request, error: Error) -> Any:
    """Refuse the same request within a second in another way."""
    if not isinstance(error, NoRecording | WaitingForFibre):
        return await proceed(routes, request, error)
    asked, now_s = await request.read(), time.monotonic()
    again = before.asked == asked and now_s - before.asked_s < AGAIN_WITHIN_S
    before.asked, before.asked_s = asked, now_s
    return (400, {"error": "Bad request"}) if again else await proceed(routes, request, error)


def _worded(change: Callable[[Error, int, Any], tuple[int, Any]]) -> Any:
    """Replace the status and body of a refusal."""

    async def word(proceed: Proceed, routes: Routes, request: web.Request, error: Error) -> Any:
        return change(error, *await proceed(routes, request, error))

    return word


def _is_of_the_request(error: Error) -> bool:
    return isinstance(error, RuleViolation | SchemaError)


def _without_range(error: Error, status: int, body: Any) -> tuple[int, Any]:
    if isinstance(error, RuleViolation):
        return status, {"error": f"{error.field} {error.problem}"}
    if isinstance(error, SchemaError):
        kept = [{key: detail[key] for key in ("type", "loc", "msg")} for detail in error.details]
        return status, {"detail": [{**detail, "msg": detail["msg"].partition(": got ")[0]} for detail in kept]}
    return status, body


def _longer(body: Any, added: str) -> Any:
    """The body with a text appended to its sentences."""
    if isinstance(body.get("detail"), list):
        return {"detail": [{**detail, "msg": detail["msg"] + added} for detail in body["detail"]]}
    return {name: f"{text}{added}" if name in ("error", "detail") else text for name, text in body.items()}


def _quoting(pattern: str, change: Callable[[re.Match[str]], str]) -> Any:
    """Replace matches of the pattern in the message of a broken rule."""
    return _worded(
        lambda error, status, body: (
            (status, {"error": re.sub(pattern, change, body["error"])})
            if isinstance(error, RuleViolation)
            else (status, body)
        )
    )


def _answering(error_status: int, status: int, body: Any) -> Any:
    return _worded(lambda error, *told: (status, body) if error.status == error_status else told)


def _speaking_like_a_program(concerned: Callable[[Error], bool]) -> Any:
    async def word(
        leftovers: Iterator[str], proceed: Proceed, routes: Routes, request: web.Request, error: Error
    ) -> Any:
        status, body = await proceed(routes, request, error)
        return status, _longer(body, f" for {next(leftovers)}") if concerned(error) else body

    return word


fault("client-errors-answered-500", at="refusal.word")(
    _worded(lambda error, status, body: (500 if 400 <= status < 500 else status, body))
)
fault("refusals-do-not-say-why", at="refusal.word")(
    _worded(lambda error, status, body: (status, {"error": "Bad request"} if _is_of_the_request(error) else body))
)
fault("refusals-without-allowed-range", at="refusal.word")(_worded(_without_range))
fault("stack-trace-in-refusal", at="refusal.word")(
    _worded(lambda error, status, body: (status, _longer(body, TRACE) if _is_of_the_request(error) else body))
)
fault("refusals-cut-the-value-off", at="refusal.word")(
    _worded(
        lambda error, status, body: (
            status,
            {"error": body["error"].replace(", allowed", "..., allowed")} if "error" in body else body,
        )
    )
)
for _fault_id, _concerned in {
    "refusals-with-leftovers": _is_of_the_request,
    "other-refusals-with-leftovers": lambda error: not _is_of_the_request(error),
}.items():
    fault(_fault_id, at="refusal.word", memory=lambda: itertools.cycle(LEFTOVERS))(_speaking_like_a_program(_concerned))

for _fault_id, (_said, _instead) in {
    "refusals-allow-what-is-refused": (str(HIGHEST_FREQUENCY_HZ), lambda said: str(2 * HIGHEST_FREQUENCY_HZ)),
    "refusals-allow-more-channels-than-are-accepted": (str(MOST_CHANNELS), lambda said: "2337"),
    "refusals-allow-less-than-is-accepted": (str(HIGHEST_FREQUENCY_HZ), lambda said: str(HIGHEST_FREQUENCY_HZ // 2)),
    "refusals-allow-a-window-without-length": (r"(?<=end_time from )\d+", lambda said: str(int(said[0]) - 2)),
    "refusals-misquote-the-request": (r"(?<=min=)-?\d+", lambda said: str(int(said[0]) + 1)),
}.items():
    fault(_fault_id, at="refusal.word")(_quoting(_said, _instead))

fault("huge-body-answered-500", at="refusal.word")(_answering(413, 500, {"error": "Error parsing configuration"}))
fault("wrong-method-answered", at="refusal.word")(_answering(405, 200, {"status": "success"}))
fault("unknown-address-answered", at="refusal.word")(
    _worded(lambda error, *told: (200, {"status": "success"}) if isinstance(error, web.HTTPNotFound) else told)
)
