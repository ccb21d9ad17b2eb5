"""Requests and answers in the API's form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from environments.sandbox.kubernetes.http import protobuf
from environments.sandbox.kubernetes.store.errors import ApiError, bad_request, unsupported_media_type
from environments.sandbox.shared.json_text import encode

JSON = "application/json"


def json_answer(body: Any, code: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return raw_answer(encode(body), code, headers)


def raw_answer(body: bytes, code: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(body=body, status=code, headers={"Content-Type": JSON, **(headers or {})})


def error_answer(error: ApiError) -> web.Response:
    return json_answer(error.status(), error.code, headers=error.headers)


async def json_body(request: web.Request) -> Any:
    """Return the parsed body, None if it is empty. Raises 400 if it is not JSON, 415 for an unsupported media type.

    The media type of a patch is not checked here: patches have JSON types of their own, which are checked before.
    """
    try:
        text = await request.read()
    except web.RequestPayloadError as error:
        raise bad_request(f"the body cannot be read: {' '.join(str(error).split())}") from None
    if not text:
        return None
    media_type = request.headers.get("Content-Type", JSON).split(";")[0].strip()
    if media_type == protobuf.CONTENT_TYPE:
        return protobuf.decode(text)
    if media_type != JSON and request.method != "PATCH":
        raise unsupported_media_type((JSON, protobuf.CONTENT_TYPE))
    try:
        return json.loads(text, parse_constant=_no_number)
    except ValueError as error:
        raise bad_request(f"the object provided is unrecognized (must be of type JSON): {error}") from None


def _no_number(text: str) -> None:
    raise ValueError(f"invalid character {text[0]!r} looking for beginning of value")


def method_not_allowed() -> ApiError:
    return ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})


def no_such_resource() -> ApiError:
    return ApiError(404, "NotFound", "the server could not find the requested resource", {})
