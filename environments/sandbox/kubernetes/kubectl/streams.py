"""Common parts of ``exec`` and ``portforward``: the check for a scheduled pod and the WebSocket upgrade."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from environments.sandbox.kubernetes.store.errors import ApiError, bad_request
from environments.sandbox.kubernetes.store.objects import dig


def check_placed(pod: Mapping[str, Any]) -> None:
    """Raise 400 while the pod of the stream is not scheduled on a node."""
    if not dig(pod, "spec", "nodeName"):
        raise bad_request(f"pod {pod['metadata']['name']} does not have a host assigned")


async def upgraded(request: web.Request, known: Sequence[str]) -> web.WebSocketResponse:
    """Open the WebSocket with the best protocol that both sides support. Raises 400 or 501 before the upgrade."""
    if request.headers.get("Upgrade", "").lower() != "websocket":
        if request.headers.get("Upgrade"):
            message = "the sandbox serves exec and port-forward over WebSocket only, as kubectl 1.31 and newer ask for"
            raise ApiError(501, "NotImplemented", message)
        raise bad_request("Upgrade request required")
    offered = [each.strip() for each in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
    if not set(offered).intersection(known):
        raise bad_request(f"unable to negotiate protocol: client supports {offered}, server supports {list(known)}")
    chosen = next(each for each in known if each in offered)
    response = web.WebSocketResponse(protocols=(chosen,), compress=False)
    await response.prepare(request)
    return response
