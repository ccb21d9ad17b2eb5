"""What ``exec`` and ``portforward`` have in common: which pod, which protocol, and refusals before the upgrade."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from environments.sandbox.kubernetes.errors import ApiError, bad_request
from environments.sandbox.kubernetes.objects import dig
from environments.sandbox.kubernetes.store import Store
from environments.sandbox.kubernetes.target import Target

Object = dict[str, Any]


def placed_pod(store: Store, target: Target) -> Object:
    """The pod a stream is for; 400 while it is on no node."""
    pod = store.get("pods", target.name or "", target.namespace)
    if not dig(pod, "spec", "nodeName"):
        raise bad_request(f"pod {pod['metadata']['name']} does not have a host assigned")
    return pod


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
