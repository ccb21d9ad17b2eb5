"""CORS headers, for scripts of any origin."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web


@web.middleware
async def admit_every_origin(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """The CORS policy of the real server: any origin, any method, any header."""
    asked = request.headers
    if "Origin" not in asked:
        return await handler(request)
    if request.method == "OPTIONS" and "Access-Control-Request-Method" in asked:
        response: web.StreamResponse = web.Response(text="OK")
        response.headers["Access-Control-Allow-Methods"] = asked["Access-Control-Request-Method"]
        response.headers["Access-Control-Allow-Headers"] = asked.get("Access-Control-Request-Headers", "*")
    else:
        response = await handler(request)
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response
