"""``GET /openapi.json``: the contract in the form FastAPI publishes it."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]


def _object(required: list[str], **properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": required, "properties": properties}


def _optional(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


def _operation(summary: str, request: str | None = None, parameters: list[Schema] | None = None) -> Schema:
    operation: dict[str, Any] = {"summary": summary, "responses": {"200": {"description": "Successful Response"}}}
    if parameters:
        operation["parameters"] = parameters
    if request:
        content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{request}"}}}
        operation["requestBody"] = {"required": True, "content": content}
        operation["responses"]["422"] = {"description": "Validation Error"}
    return operation


_INTEGER = {"type": "integer"}
_JOB_ID = {"name": "job_id", "in": "path", "required": True, "schema": {"type": "string"}}

OPENAPI: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Focus Server", "version": "11.0.0"},
    "paths": {
        "/ack": {"get": _operation("Liveness")},
        "/channels": {"get": _operation("Channel bounds")},
        "/live_metadata": {"get": _operation("Metadata of the live fibre")},
        "/metadata/{job_id}": {"get": _operation("The answer that opened an investigation", parameters=[_JOB_ID])},
        "/configure": {"post": _operation("Open an investigation", "ConfigureRequest")},
        "/recordings_in_time_range": {"post": _operation("Recordings in a window", "RecordingsInTimeRangeRequest")},
    },
    "components": {
        "schemas": {
            "ViewType": {"type": "string", "enum": ["0", "1", "2"]},
            "ConfigureRequest": _object(
                ["displayInfo", "channels", "view_type"],
                displayInfo=_object(["height"], height=_INTEGER),
                channels=_object(["min", "max"], min=_INTEGER, max=_INTEGER),
                view_type={"$ref": "#/components/schemas/ViewType"},
                displayTimeAxisDuration=_optional(_INTEGER),
                nfftSelection=_optional(_INTEGER),
                frequencyRange=_optional(_object(["min", "max"], min=_INTEGER, max=_INTEGER)),
                start_time=_optional(_INTEGER),
                end_time=_optional(_INTEGER),
            ),
            "RecordingsInTimeRangeRequest": _object(["start_time", "end_time"], start_time=_INTEGER, end_time=_INTEGER),
        }
    },
}
