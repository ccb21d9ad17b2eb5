"""``GET /openapi.json``: the contract in the form that FastAPI publishes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from environments.sandbox.focus_server.openapi_schemas import Schema, reference, schemas
from environments.sandbox.focus_server.schema import View

_RULE_BROKEN = "A value breaks a rule; the body was cut off"
_AWAY = "The estate cannot serve it now: no capacity, no fibre, no cluster, no recording index"


def _json(schema: str) -> Schema:
    return {"application/json": {"schema": reference(schema)}}


def _answer(described: str, schema: str) -> Schema:
    return {"description": described, "content": _json(schema)}


def _reading(
    name: str, summary: str, answer: Schema, parameters: list[Schema] | None = None, **others: Schema
) -> Schema:
    responses = {"200": answer, **others, "503": _answer(_AWAY, "Error")}
    operation: Schema = {"operationId": name, "summary": summary, "responses": responses}
    return {**operation, "parameters": parameters} if parameters else operation


def _asking(
    name: str, summary: str, request: str, examples: Mapping[str, Schema], answer: Schema, **others: Schema
) -> Schema:
    responses = {
        "200": answer,
        "400": _answer(_RULE_BROKEN, "Error"),
        "413": _answer("The body is too large", "RouterError"),
        "422": _answer("Validation Error", "HTTPValidationError"),
        "503": _answer(_AWAY, "Error"),
    }
    content = {"schema": reference(request), "examples": {name: {"value": value} for name, value in examples.items()}}
    body = {"required": True, "content": {"application/json": content}}
    return {"operationId": name, "summary": summary, "requestBody": body, "responses": {**responses, **others}}


_JOB_ID: Schema = {"name": "job_id", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
_LIVE: Schema = {"displayInfo": {"height": 1000}, "start_time": None, "end_time": None}
_SPECTRUM: Schema = {
    "displayTimeAxisDuration": 10, "nfftSelection": 1024, "frequencyRange": {"min": 0, "max": 500}, **_LIVE,
}  # fmt: skip
_CONFIGURE_EXAMPLES: Schema = {
    "multichannel": {**_SPECTRUM, "view_type": "0", "channels": {"min": 1, "max": 50}},
    "single channel": {**_SPECTRUM, "view_type": "1", "channels": {"min": 7, "max": 7}},
    "waterfall": {**_LIVE, "view_type": "2", "channels": {"min": 11, "max": 61}, "nfftSelection": 1},
}
_TO_METADATA: Schema = {
    "metadata": {"operationId": "metadata", "parameters": {"job_id": "$response.body#/job_id"}},
}  # fmt: skip

_PATHS: Schema = {
    "/ack": {"get": _reading("ack", "Liveness", {"description": "Alive; nothing is said"})},
    "/channels": {"get": _reading("channels", "Channel bounds", _answer("Lowest and highest channel", "Channels"))},
    "/live_metadata": {
        "get": _reading(
            "live_metadata",
            "Metadata of the live fibre",
            _answer("Of the fibre", "LiveMetadata"),
            [],
            **{"404": _answer("No fibre is connected yet", "Error")},
        )
    },
    "/metadata/{job_id}": {
        "get": _reading(
            "metadata",
            "The answer that opened an investigation",
            _answer("The answer", "ConfigureResponse"),
            [_JOB_ID],
            **{"404": _answer("No open investigation has this job id", "Error")},
        )
    },
    "/configure": {
        "post": _asking(
            "configure",
            "Open an investigation",
            "ConfigureRequest",
            _CONFIGURE_EXAMPLES,
            {**_answer("The investigation is open", "ConfigureResponse"), "links": _TO_METADATA},
            **{"404": _answer("Nothing is recorded in the window", "Error")},
        )
    },
    "/recordings_in_time_range": {
        "post": _asking(
            "recordings_in_time_range",
            "Recordings in a window",
            "RecordingsInTimeRangeRequest",
            {"two hours": {"start_time": 1764946703, "end_time": 1764953903}},
            _answer("By start time", "RecordingsInTimeRangeResponse"),
        )
    },
}


def openapi(highest_view: View) -> dict[str, Any]:
    """The document of a server that offers the views up to ``highest_view``."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Focus Server", "version": "11.0.0"},
        "paths": _PATHS,
        "components": {"schemas": schemas(highest_view)},
    }
