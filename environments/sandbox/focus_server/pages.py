"""Support for browsers: the page of the last recordings, and CORS headers for scripts of any origin."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

from aiohttp import web

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Recordings of the last day</title></head>
<body><h1>Recordings of the last day</h1>
<table><tr><th>Start (UTC)</th><th>End (UTC)</th></tr>
{rows}
</table></body>
</html>
"""


def timeline_page(recordings: Sequence[Sequence[int]]) -> str:
    """The page of ``GET /get_recordings_timeline`` with ``[start, end]`` of each recording in epoch seconds."""
    cells = ((_time(start_s), "recording" if end_s < 0 else _time(end_s)) for start_s, end_s in recordings)
    return _PAGE.format(rows="\n".join(f"<tr><td>{start}</td><td>{end}</td></tr>" for start, end in cells))


def _time(epoch_s: int) -> str:
    return datetime.fromtimestamp(epoch_s, UTC).isoformat(sep=" ").removesuffix("+00:00")


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
