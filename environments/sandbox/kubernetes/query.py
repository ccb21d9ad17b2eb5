"""Reading the query of a request."""

from __future__ import annotations

from aiohttp import web

from environments.sandbox.kubernetes.store.errors import bad_request


def flag(request: web.Request, name: str) -> bool:
    return request.query.get(name, "").lower() in ("1", "true")


def number(request: web.Request, name: str) -> int | None:
    """A whole number of the query, None when absent; 400 when it is something else."""
    text = request.query.get(name)
    if text is None or text == "":
        return None
    try:
        return int(text)
    except ValueError:
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax (parameter {name})') from None
