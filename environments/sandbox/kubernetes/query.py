"""Readers of query parameters."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from environments.sandbox.kubernetes.store import errors
from environments.sandbox.kubernetes.store.errors import bad_request


def flag(request: web.Request, name: str) -> bool:
    return request.query.get(name, "").lower() in ("1", "true")


def number(request: web.Request, name: str) -> int | None:
    """Return an integer query parameter, None if it is absent. Raises 400 if it is not an integer."""
    text = request.query.get(name)
    if text is None or text == "":
        return None
    try:
        return int(text)
    except ValueError:
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax (parameter {name})') from None


def is_dry_run(asked: Any, options: str) -> bool:
    """Whether the request is only checked, not carried out. ``asked`` is from the query or from DeleteOptions."""
    if asked in (None, "", []):
        return False
    if asked in ("All", ["All"]):
        return True
    raise errors.unsupported_option(options, "dryRun", asked, ("All",))
