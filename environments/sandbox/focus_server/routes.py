"""The HTTP layer: paths, bodies, error shapes and the access log."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import web

from environments.sandbox.focus_server.cors import admit_every_origin
from environments.sandbox.focus_server.hooks import hook
from environments.sandbox.focus_server.openapi import openapi
from environments.sandbox.focus_server.refusals import Misconfigured, MongoDbAway, Refused
from environments.sandbox.focus_server.service import FocusService
from environments.sandbox.focus_server.wording import Wording

PREFIXES = ("", "/focus-server")
PHRASES = {413: "Request Entity Too Large", 422: "Unprocessable Entity"}
"""Reason phrases that differ in Python 3.13 and newer (RFC 9110)."""
LARGEST_BODY_BYTES = 1024 * 1024
"""The limit of the ingress in front of the real server."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Routes:
    """The aiohttp application of one service."""

    def __init__(
        self, service: FocusService, log: logging.Logger, access_log: logging.Logger, wording: Wording
    ) -> None:
        self.service, self._log, self._access_log, self._wording = service, log, access_log, wording
        self.requests_by_status: Counter[int] = Counter()
        self.misconfigured: str | None = None
        """The defect of the settings, if any: each request is then refused with this text."""
        self._under_way: set[asyncio.Task[Any]] = set()

    def application(self) -> web.Application:
        middlewares = [admit_every_origin, self._answer]
        application = web.Application(middlewares=middlewares, client_max_size=LARGEST_BODY_BYTES)
        for prefix in PREFIXES:
            application.add_routes(
                [
                    web.get(f"{prefix}/ack", self._ack, allow_head=False),
                    web.get(f"{prefix}/channels", self._channels, allow_head=False),
                    web.get(f"{prefix}/live_metadata", self._live_metadata, allow_head=False),
                    web.get(f"{prefix}/metadata/{{job_id}}", self._metadata, allow_head=False),
                    web.get(f"{prefix}/openapi.json", self._openapi, allow_head=False),
                    web.post(f"{prefix}/configure", self._configure),
                    web.post(f"{prefix}/recordings_in_time_range", self._recordings),
                ]
            )
        return application

    @hook("request.handle")
    async def handled(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        return await handler(request)

    @hook("request.body")
    async def body(self, request: web.Request) -> bytes:
        """Read the whole body, however slowly it arrives."""
        return await request.read()

    @hook("refusal.word")
    async def refusal(self, request: web.Request, error: Refused | web.HTTPException) -> tuple[int, Any]:
        """The status and body of a refusal; the router has its own for unknown routes, wrong methods, large bodies."""
        if isinstance(error, web.HTTPException):
            return error.status, {"detail": _phrase(error.status)}
        return error.status, self._wording.refusal(error)

    @web.middleware
    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        status = 500  # the answer of aiohttp, without a trace, to an unexpected error
        serving = asyncio.current_task()
        assert serving is not None
        self._under_way.add(serving)
        try:
            if self.misconfigured is not None:
                raise Misconfigured(self.misconfigured)
            response = await self.handled(request, handler)
            status = response.status
        except Refused as refused:
            self._log_refusal(request, refused)
            status, body = await self.refusal(request, refused)
            response = _json(body, status=status)
        except web.HTTPException as error:
            status, body = await self.refusal(request, error)
            allow = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
            response = _json(body, status=status, headers=allow)
        except web.RequestPayloadError:
            status = 400
            response = _json({"error": "request body is broken: got less than announced"}, status=status)
        except ConnectionError:
            status = 400  # the client left before its request was complete, so no answer is read
            raise
        finally:
            self._under_way.discard(serving)
            self._log_access(request, status)
        return response

    async def end_all(self) -> None:
        """Cancel all requests in progress without an answer."""
        ended = list(self._under_way)
        for serving in ended:
            serving.cancel()
        await asyncio.gather(*ended, return_exceptions=True)

    def _log_refusal(self, request: web.Request, refused: Refused) -> None:
        level = logging.ERROR if isinstance(refused, MongoDbAway) else logging.INFO
        self._log.log(level, "%s refused: %s", request.path.rsplit("/", 1)[-1], refused)

    def _log_access(self, request: web.Request, status: int) -> None:
        self.requests_by_status[status] += 1
        client = (request.transport.get_extra_info("peername") if request.transport else None) or ("-", 0)
        line = f'{client[0]}:{client[1]} - "{request.method} {request.path_qs} HTTP/1.1"'
        self._access_log.info("%s %d %s", line, status, _phrase(status))

    async def _ack(self, request: web.Request) -> web.Response:
        return _EmptyAnswer()

    async def _channels(self, request: web.Request) -> web.Response:
        return _json(self._wording.channels(self.service.channels()))

    async def _live_metadata(self, request: web.Request) -> web.Response:
        return _json(self._wording.live_metadata(self.service.live_metadata()))

    async def _metadata(self, request: web.Request) -> web.Response:
        return _json(self._wording.opened(await self.service.metadata(request.match_info["job_id"])))

    async def _openapi(self, request: web.Request) -> web.Response:
        return _json(openapi(self.service.highest_view))

    async def _configure(self, request: web.Request) -> web.Response:
        return _json(self._wording.opened(await self.service.configure(await self.body(request))))

    async def _recordings(self, request: web.Request) -> web.Response:
        return _json(await self.service.recordings_in_time_range(await self.body(request)))


def _phrase(status: int) -> str:
    return PHRASES.get(status) or HTTPStatus(status).phrase


class _EmptyAnswer(web.Response):
    """200 without a body and without a content type, as the real ``/ack`` answers."""

    async def _prepare_headers(self) -> None:
        await super()._prepare_headers()
        self._headers.popall("Content-Type", None)


def _json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """An answer with exactly the content type ``application/json``."""
    body = json.dumps(value, separators=(",", ":")).encode()
    return web.Response(body=body, status=status, headers=headers, content_type="application/json")
