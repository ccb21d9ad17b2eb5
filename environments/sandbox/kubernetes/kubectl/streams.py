"""What ``exec`` and ``portforward`` have in common: a pod on a node, a protocol, and refusals before the upgrade."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from environments.sandbox.kubernetes.store.errors import ApiError, bad_request
from environments.sandbox.kubernetes.store.objects import dig


def check_placed(pod: Mapping[str, Any]) -> None:
    """400 while the pod a stream is for is on no node."""
    if not dig(pod, "spec", "nodeName"):
        raise bad_request(f"pod {pod['metadata']['name']} does not have a host assigned")


async def upgraded(request: web.Request, known: Sequence[str]) -> web.WebSocketResponse:
    """The open WebSocket with the best protocol both sides know."""
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
