"""Refusals with the wrong status, the wrong words, or too late."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from environments.sandbox.focus_server.faults.accepting import Active
from environments.sandbox.focus_server.faults.surviving import FragileRoutes
from environments.sandbox.focus_server.refusals import (
    NoRecording,
    Refused,
    RuleViolation,
    SchemaError,
    WaitingForFibre,
)

AGAIN_WITHIN_S = 1.0
TOO_LATE_S = 2.5
WRONGLY_KNOWN = {404: "unknown-address-answered", 405: "wrong-method-answered"}
"""Status of the router's refusal -> the fault that answers as if all were well."""
TRACE = """
Traceback (most recent call last):
  File "/home/prisma/debug-codebase/pz/microservices/focus_server/focus_server.py", line 143, in configure
    self._manager.configure(request)
ValueError: invalid request"""


class FaultyRoutes(FragileRoutes):
    """Answers refusals badly."""

    def __init__(self, *parts: Any, active: Active) -> None:
        super().__init__(*parts, active=active)
        self._refused_last: tuple[bytes, float] = b"", 0.0

    async def refusal(self, request: web.Request, refused: Refused) -> tuple[int, Any]:
        status, body = await super().refusal(request, refused)
        if request.method == "POST" and 400 <= status < 500 and self._active("refusals-too-late"):
            await asyncio.sleep(TOO_LATE_S)
        if isinstance(refused, NoRecording | WaitingForFibre) and await self._is_asked_again(request):
            return 400, {"error": "Bad request"}
        return self._status(status), self._body(body, refused)

    async def _is_asked_again(self, request: web.Request) -> bool:
        """The same as in the refusal just before, while that matters."""
        asked, now_s = await request.read(), time.monotonic()
        (before, before_s), self._refused_last = self._refused_last, (asked, now_s)
        again = before == asked and now_s - before_s < AGAIN_WITHIN_S
        return again and self._active("answers-differ-when-asked-twice")

    def router_refusal(self, error: web.HTTPException) -> tuple[int, Any]:
        status, body = super().router_refusal(error)
        if status in WRONGLY_KNOWN and self._active(WRONGLY_KNOWN[status]):
            return 200, {"status": "success"}
        return self._status(status), body

    async def _ack(self, request: web.Request) -> web.Response:
        answer = await super()._ack(request)
        if self._active("health-check-talks"):
            answer.body = b'{"status":"warming up"}'
        return answer

    def channels(self) -> Mapping[str, int]:
        channels = super().channels()
        if self._active("channels-reversed"):
            return dict(zip(channels, reversed(channels.values()), strict=True))
        return channels

    def _status(self, status: int) -> int:
        return 500 if 400 <= status < 500 and self._active("client-errors-answered-500") else status

    def _body(self, body: Any, refused: Refused) -> Any:
        if not isinstance(refused, RuleViolation | SchemaError):
            return body
        if self._active("refusals-do-not-say-why"):
            return {"error": "Bad request"}
        if self._active("refusals-without-allowed-range"):
            body = _without_range(refused)
        if self._active("stack-trace-in-refusal"):
            body = _with_trace(body)
        return body


def _without_range(refused: RuleViolation | SchemaError) -> Any:
    if isinstance(refused, RuleViolation):
        return {"error": f"{refused.field} {refused.problem}"}
    kept = [{key: detail[key] for key in ("type", "loc", "msg")} for detail in refused.details]
    return {"detail": [{**detail, "msg": detail["msg"].partition(": got ")[0]} for detail in kept]}


def _with_trace(body: Any) -> Any:
    if "error" in body:
        return {"error": body["error"] + TRACE}
    return {"detail": [{**detail, "msg": detail["msg"] + TRACE} for detail in body["detail"]]}
