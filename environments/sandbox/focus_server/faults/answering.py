"""Refusals with the wrong status, the wrong words, or too late."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from environments.sandbox.focus_server.faults.accepting import Active
from environments.sandbox.focus_server.refusals import Refused, RuleViolation, SchemaError
from environments.sandbox.focus_server.routes import Routes

TOO_LATE_S = 2.5
TRACE = """
Traceback (most recent call last):
  File "/home/prisma/debug-codebase/pz/microservices/focus_server/focus_server.py", line 143, in configure
    self._manager.configure(request)
ValueError: invalid request"""


class FaultyRoutes(Routes):
    """Answers refusals badly."""

    def __init__(self, *parts: Any, active: Active) -> None:
        super().__init__(*parts)
        self._active = active

    async def refusal(self, request: web.Request, refused: Refused) -> tuple[int, Any]:
        status, body = await super().refusal(request, refused)
        if request.method == "POST" and 400 <= status < 500 and self._active("refusals-too-late"):
            await asyncio.sleep(TOO_LATE_S)
        return self._status(status), self._body(body, refused)

    def router_refusal(self, error: web.HTTPException) -> tuple[int, Any]:
        status, body = super().router_refusal(error)
        return self._status(status), body

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
