"""Parsing of request bodies into typed fields, or into a list of all type errors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NoReturn

from environments.sandbox.focus_server.refusals import SchemaError

INTEGER_LIMIT = 2**63
LONGEST_ECHO = 200
LATEST_S = 253_402_300_799
"""The last second that can be represented as a time."""


class View(IntEnum):
    """The view of an investigation."""

    MULTICHANNEL = 0
    SINGLE_CHANNEL = 1
    WATERFALL = 2
    HEAT_MAP = 3


@dataclass(frozen=True)
class Window:
    """A range of recorded time in epoch seconds UTC."""

    start_s: int
    end_s: int


@dataclass(frozen=True)
class ConfigureRequest:
    """A well-typed ``POST /configure``; the rules decide whether its values are allowed."""

    view: View
    height_px: int
    channel_min: int
    channel_max: int
    time_axis_s: int | None
    nfft: int | None
    frequency_hz: tuple[int, int] | None
    start_s: int | None
    end_s: int | None

    @property
    def window(self) -> Window | None:
        """The requested range of recorded time; None requests a live investigation."""
        if self.start_s is None or self.end_s is None:
            return None
        return Window(self.start_s, self.end_s)


def parse_configure(body: bytes, highest_view: View = View.WATERFALL) -> ConfigureRequest:
    """Parse ``POST /configure``; :class:`SchemaError` names all fields of a wrong type."""
    fields = _Fields.of_body(body)
    view = fields.view("view_type", highest_view)
    height_px = fields.section("displayInfo").integer("height")
    channels = fields.section("channels")
    channel_min, channel_max = channels.integer("min"), channels.integer("max")
    band = fields.section("frequencyRange") if fields.given("frequencyRange") else None
    request = ConfigureRequest(
        view=view,
        height_px=height_px,
        channel_min=channel_min,
        channel_max=channel_max,
        time_axis_s=fields.optional_integer("displayTimeAxisDuration"),
        nfft=fields.optional_integer("nfftSelection"),
        frequency_hz=(band.integer("min"), band.integer("max")) if band else None,
        start_s=fields.optional_integer("start_time"),
        end_s=fields.optional_integer("end_time"),
    )
    fields.raise_problems()
    return request


def parse_window(body: bytes) -> Window:
    """Parse ``POST /recordings_in_time_range``."""
    fields = _Fields.of_body(body)
    window = Window(fields.integer("start_time"), fields.integer("end_time"))
    fields.raise_problems()
    return window


class _Fields:
    """A JSON object that is being parsed. Problems are collected, so that an answer names all of them."""

    def __init__(self, value: Mapping[str, Any], path: tuple[str, ...], problems: list[dict[str, Any]]) -> None:
        self._value, self._path, self._problems = value, path, problems

    @classmethod
    def of_body(cls, body: bytes) -> _Fields:
        fields = cls({}, (), [])
        if not body.strip():
            fields._problem((), "missing", "request body is required: got nothing, allowed a JSON object", None)
        else:
            fields._value = fields._object_or_empty((), _decoded(body))
        if fields._problems:
            fields.raise_problems()
        return fields

    def raise_problems(self) -> None:
        if self._problems:
            raise SchemaError(self._problems)

    def given(self, name: str) -> bool:
        return self._value.get(name) is not None

    def integer(self, name: str) -> int:
        if name not in self._value:
            self._missing(name, "an integer")
            return 0
        value = self._value[name]
        if type(value) in (int, float) and value == int(value) and -INTEGER_LIMIT <= value < INTEGER_LIMIT:
            return int(value)
        self._wrong(name, "int_type", "must be an integer", "an integer")
        return 0

    def optional_integer(self, name: str) -> int | None:
        return self.integer(name) if self.given(name) else None

    def view(self, name: str, highest: View) -> View:
        texts = [str(number) for number in range(highest + 1)]
        quoted = [f"'{text}'" for text in texts]
        allowed, value = f"one of the strings {', '.join(quoted)}", self._value.get(name)
        if name not in self._value:
            self._missing(name, allowed)
        elif value in texts:
            return View(int(value))
        else:
            self._wrong(name, "enum", f"must be {', '.join(quoted[:-1])} or {quoted[-1]}", allowed)
        return View.MULTICHANNEL

    def section(self, name: str) -> _Fields:
        path = (*self._path, name)
        if name not in self._value:
            self._missing(name, "an object")
            return _Fields({}, path, [])
        before = len(self._problems)
        value = self._object_or_empty(path, self._value[name])
        return _Fields(value, path, self._problems if len(self._problems) == before else [])

    def _object_or_empty(self, path: tuple[str, ...], value: object) -> Mapping[str, Any]:
        if isinstance(value, dict):
            return value
        name = ".".join(path) or "request body"
        self._problem(path, "model_type", f"{name} must be an object: got {_shown(value)}, allowed an object", value)
        return {}

    def _missing(self, name: str, allowed: str) -> None:
        path = (*self._path, name)
        self._problem(path, "missing", f"{'.'.join(path)} is required: got nothing, allowed {allowed}", self._value)

    def _wrong(self, name: str, kind: str, problem: str, allowed: str) -> None:
        path, value = (*self._path, name), self._value[name]
        self._problem(path, kind, f"{'.'.join(path)} {problem}: got {_shown(value)}, allowed {allowed}", value)

    def _problem(self, path: tuple[str, ...], kind: str, message: str, value: object) -> None:
        shown = _shown(value)
        echo = shown if shown.endswith("...") else value
        self._problems.append({"type": kind, "loc": ["body", *path], "msg": message, "input": echo})


def _shown(value: object) -> str:
    try:
        text = json.dumps(value)
    except RecursionError:
        return "a deeply nested value..."
    return text if len(text) <= LONGEST_ECHO else text[:LONGEST_ECHO] + "..."


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"{text[:LONGEST_ECHO]} is too large a number")
    return number


def _decoded(body: bytes) -> object:
    try:
        return json.loads(body, parse_constant=_no_constant, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        place = getattr(error, "pos", 0) if isinstance(error, json.JSONDecodeError) else 0
        message = f"request body is not valid JSON: got {error}, allowed a JSON object"
        detail = {"type": "json_invalid", "loc": ["body", place], "msg": message, "input": {}}
        raise SchemaError([{**detail, "ctx": {"error": str(error)}}]) from error
