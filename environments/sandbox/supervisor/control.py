"""The control API of the sandbox: state, reset, faults, fibre, recordings, and Toxiproxy's paths for the links.

It serves any client that has read the run file. A web page that runs on this machine has not: it does not know the
token. A host name that resolves to this machine, or a form that a browser sends unasked, does not help it either.
"""

from __future__ import annotations

import hmac
import json
from typing import Any

from aiohttp import web

from environments.sandbox.shared.errors import FaultImpossible
from environments.sandbox.supervisor.addresses import LOOPBACK
from environments.sandbox.supervisor.supervisor import Supervisor

_HOSTS = (LOOPBACK, "localhost")
_JSON = "application/json"
_TOXIPROXY = ("/proxies", "/version")


class _Refusal(Exception):
    """A request refused with a status and one sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class ControlAPI:
    """An HTTP server on loopback that requires the run file's token; each refusal is ``{"error": "one sentence"}``."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        app = web.Application(middlewares=[_errors_as_json, self._only_the_owner])
        app.router.add_get("/state", self._state)
        app.router.add_post("/reset", self._reset)
        app.router.add_get("/faults", self._list_faults)
        for method in ("GET", "PUT", "DELETE"):
            app.router.add_route(method, "/faults/{id}", self._fault)
        app.router.add_post("/fibre", self._fibre)
        app.router.add_post("/recordings", self._recordings)
        for path in _TOXIPROXY:
            app.router.add_route("*", path, self._toxiproxy)
            app.router.add_route("*", path + "/{rest:.*}", self._toxiproxy)
        self._runner = web.AppRunner(app, access_log=None)

    async def start(self, port: int) -> None:
        await self._runner.setup()
        await web.TCPSite(self._runner, LOOPBACK, port, reuse_port=True).start()

    async def stop(self) -> None:
        await self._runner.cleanup()

    @web.middleware
    async def _only_the_owner(self, request: web.Request, handler: Any) -> web.StreamResponse:
        host = request.headers.get("Host", "").rsplit(":", 1)[0]
        if host not in _HOSTS:
            raise _Refusal(403, f"the control API is asked as {LOOPBACK} or localhost, not as {host!r}")
        if "Origin" in request.headers:
            raise _Refusal(403, "the control API does not serve web pages: no Origin is allowed")
        given = request.headers.get("Authorization", "").encode(errors="surrogateescape")
        if not hmac.compare_digest(given, f"Bearer {self._supervisor.control_token}".encode()):
            raise _Refusal(401, "send the token of the run file (control.token) as Authorization: Bearer TOKEN")
        if request.can_read_body and request.headers.get("Content-Type", "").split(";")[0].strip() != _JSON:
            raise _Refusal(415, f"a body must be of Content-Type {_JSON}")
        response: web.StreamResponse = await handler(request)
        return response

    async def _state(self, _: web.Request) -> web.Response:
        return web.json_response(await self._supervisor.state())

    async def _reset(self, _: web.Request) -> web.Response:
        await self._supervisor.reset()
        return web.Response(status=204)

    def _described(self, fault_id: str) -> dict[str, Any]:
        fault = self._supervisor.faults.catalogue.get(fault_id)
        if fault is None:
            raise _Refusal(404, f"no fault {fault_id!r} in the catalogue")
        return {
            "id": fault.id,
            "requirement": fault.requirement,
            "notice": fault.notice,
            "active": fault.id in self._supervisor.faults.active,
        }

    async def _list_faults(self, _: web.Request) -> web.Response:
        return web.json_response([self._described(fault_id) for fault_id in self._supervisor.faults.catalogue])

    async def _fault(self, request: web.Request) -> web.Response:
        fault_id = self._described(request.match_info["id"])["id"]
        active = self._supervisor.faults.active
        if request.method != "GET":
            await self._supervisor.set_faults(active | {fault_id} if request.method == "PUT" else active - {fault_id})
        return web.json_response(self._described(fault_id))

    async def _fibre(self, request: web.Request) -> web.Response:
        body = await _json(request)
        return await self._ask("focus_server", "fibre", body)

    async def _recordings(self, request: web.Request) -> web.Response:
        body = await _json(request)
        recordings = body.get("recordings", []) if isinstance(body, dict) else []
        if not isinstance(recordings, list) or not all(isinstance(each, dict) for each in recordings):
            raise _Refusal(400, f"recordings must be a list of JSON objects, got {json.dumps(recordings)[:80]}")
        return await self._ask("mongodb", "seed", body)

    async def _ask(self, package: str, command: str, body: Any) -> web.Response:
        if not isinstance(body, dict):
            raise _Refusal(400, f"the body must be a JSON object, got {json.dumps(body)[:80]}")
        try:
            answer = await self._supervisor.children[package].request(command, body)
        except RuntimeError as error:
            raise _Refusal(400, str(error)) from None
        return web.json_response(answer)

    async def _toxiproxy(self, request: web.Request) -> web.Response:
        body = await _json(request) if request.can_read_body else None
        answer = await self._supervisor.toxiproxy(request.method, request.path, body)
        if answer["body"] is None:
            return web.Response(status=answer["status"])
        return web.json_response(answer["body"], status=answer["status"])


async def _json(request: web.Request) -> Any:
    try:
        return await request.json()
    except (ValueError, RecursionError, LookupError, web.RequestPayloadError) as error:
        raise _Refusal(400, f"the body is not JSON: {' '.join(str(error).split())}") from None


@web.middleware
async def _errors_as_json(request: web.Request, handler: Any) -> web.StreamResponse:
    try:
        response: web.StreamResponse = await handler(request)
        return response
    except _Refusal as error:
        status, sentence = error.status, str(error)
    except web.HTTPException as error:
        absent = f"the control API has no {request.method} {request.path}"
        status = error.status
        sentence = absent if status in (404, 405) else f"the request is refused: {error.text}"
    except (FaultImpossible, RuntimeError) as error:
        status, sentence = 409 if isinstance(error, FaultImpossible) else 500, str(error)
    return web.json_response({"error": sentence}, status=status)
