"""The requests and answers as JSON schemas of the OpenAPI document.

The limits of single fields come from the rules; relations between two fields are explained in the descriptions.
"""

from __future__ import annotations

from typing import Any

from environments.sandbox.focus_server.rules import (
    ALLOWED_NFFT,
    HIGHEST_CHANNEL,
    HIGHEST_FREQUENCY_HZ,
    LOWEST_CHANNEL,
)
from environments.sandbox.focus_server.schema import INTEGER_LIMIT, View

Schema = dict[str, Any]


def reference(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _integer(minimum: int = -INTEGER_LIMIT, maximum: int = INTEGER_LIMIT - 1) -> Schema:
    return {"type": "integer", "minimum": minimum, "maximum": maximum}


def _number(**limits: float) -> Schema:
    return {"type": "number", **limits}


def _array(items: Schema, **limits: int) -> Schema:
    return {"type": "array", "items": items, **limits}


def _object(described: str = "", required: list[str] | None = None, **properties: Schema) -> Schema:
    """An object schema; all properties are required unless ``required`` names the required ones."""
    names = list(properties) if required is None else required
    schema: Schema = {"type": "object", "required": names, "properties": properties}
    return {**schema, "description": described} if described else schema


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


_TEXT: Schema = {"type": "string", "minLength": 1}
_NULL: Schema = {"type": "null"}
_CHANNEL = _integer(LOWEST_CHANNEL, HIGHEST_CHANNEL)
_LIVE: Schema = {"properties": {"start_time": _NULL, "end_time": _NULL}}
_HISTORIC: Schema = {
    "required": ["start_time", "end_time"],
    "properties": {"start_time": {"type": "integer"}, "end_time": {"type": "integer"}},
}
_TIMES = "start_time and end_time, epoch seconds UTC, are both given (historic) or both left out or null (live)"


def _request(view: View, described: str, **fields: Schema) -> Schema:
    always = ["displayInfo", "channels", "view_type", "nfftSelection"]
    needed = [name for name, schema in fields.items() if schema is not _NULL]
    request = _object(
        f"{described} {_TIMES}; end_time is after start_time, neither lies in the future.",
        [*always, *needed],
        view_type={"type": "string", "const": str(view.value)},
        displayInfo=_object("The canvas, in pixels.", height=_integer(1)),
        channels=_object("First and last channel, max not below min.", min=_CHANNEL, max=_CHANNEL),
        nfftSelection={"type": "integer", "enum": list(ALLOWED_NFFT[view])},
        start_time=_or_null(_integer(0)),
        end_time=_or_null(_integer(0)),
        **fields,
    )
    return {**request, "oneOf": [_LIVE, _HISTORIC]}


_SPECTRUM = {
    "displayTimeAxisDuration": _integer(1),
    "frequencyRange": _object(
        "Hz, max above min.", min=_integer(0, HIGHEST_FREQUENCY_HZ - 1), max=_integer(1, HIGHEST_FREQUENCY_HZ)
    ),
}
_WATERFALL = {"displayTimeAxisDuration": _NULL, "frequencyRange": _NULL}
_VARIANTS = {
    View.MULTICHANNEL: ("MultichannelRequest", "A spectrogram of many channels.", _SPECTRUM),
    View.SINGLE_CHANNEL: ("SingleChannelRequest", "One channel: max equals min.", _SPECTRUM),
    View.WATERFALL: ("WaterfallRequest", "A waterfall, without time axis and band.", _WATERFALL),
    View.HEAT_MAP: ("HeatMapRequest", "A heat map of many channels.", _SPECTRUM),
}


def schemas(highest_view: View) -> Schema:
    """All schemas of a server that offers the views up to ``highest_view``."""
    variants = {str(view.value): (view, *told) for view, told in _VARIANTS.items() if view <= highest_view}
    asked = {name: _request(view, described, **fields) for view, name, described, fields in variants.values()}
    answer = dict(_ANSWERS["ConfigureResponse"])
    answer["properties"] = {**answer["properties"], "view_type": {"type": "integer", "enum": list(map(int, variants))}}
    return {
        **_ANSWERS,
        **asked,
        "ConfigureRequest": {
            "type": "object",
            "required": ["view_type"],
            "properties": {"view_type": {"type": "string", "enum": list(variants)}},
            "oneOf": [reference(name) for name in asked],
            "discriminator": {
                "propertyName": "view_type",
                "mapping": {value: reference(name)["$ref"] for value, (_, name, *_) in variants.items()},
            },
        },
        "ConfigureResponse": answer,
    }


_ANSWERS: Schema = {
    "ConfigureResponse": _object(
        status={"type": "string", "const": "success"},
        frequencies_list=_array(_number(minimum=0), minItems=1),
        lines_dt=_number(exclusiveMinimum=0),
        channel_to_stream_index={
            "type": "object", "minProperties": 1, "propertyNames": {"pattern": "^[1-9][0-9]*$"},
            "additionalProperties": _integer(0),
        },
        stream_amount=_integer(1),
        job_id={"type": "string", "pattern": "^[1-9][0-9]*-[0-9]+$"},
        frequencies_amount=_integer(1),
        channel_amount=_integer(1, HIGHEST_CHANNEL),
        stream_port=_integer(1, 65535),
        stream_url={"type": "string", "pattern": "^http://[^/]+$"},
        view_type={"type": "integer"},
        metadata={"type": "object"},
    ),
    "RecordingsInTimeRangeRequest": _object(
        "Epoch seconds UTC; end_time is after start_time.",
        start_time=_integer(0), end_time=_integer(0),
    ),
    "RecordingsInTimeRangeResponse": _array(
        {
            **_array(_integer(-1), minItems=2, maxItems=2),
            "description": "start and end of one recording, epoch seconds UTC; the end is -1 while it is recorded",
        }
    ),
    "Channels": _object(lowest_channel=_CHANNEL, highest_channel=_CHANNEL),
    "LiveMetadata": _object(
        "num_samples_per_trace and dtype are there while a fibre is connected.",
        ["dx", "prr", "fiber_start_meters", "fiber_length_meters", "sw_version", "number_of_channels",
         "fiber_description"],
        dx=_number(minimum=0), prr=_number(minimum=0),
        fiber_start_meters=_or_null(_integer(0)), fiber_length_meters=_or_null(_integer(1)),
        sw_version=_TEXT, number_of_channels=_integer(1), fiber_description=_TEXT,
        num_samples_per_trace=_integer(1), dtype=_TEXT,
    ),
    "Error": {
        **_object("With fiber and action while a live investigation has to wait for a fibre.", ["error"],
                  error=_TEXT, action=_TEXT, fiber=_object(state=_TEXT, missing=_array(_TEXT))),
        "additionalProperties": False,
    },
    "RouterError": {**_object(detail=_TEXT), "additionalProperties": False},
    "HTTPValidationError": _object(detail=_array(reference("ValidationError"), minItems=1)),
    "ValidationError": _object(
        required=["type", "loc", "msg", "input"],
        type=_TEXT, loc=_array({"anyOf": [{"type": "string"}, {"type": "integer"}]}, minItems=1), msg=_TEXT, input={},
        ctx={"type": "object"},
    ),
}  # fmt: skip
