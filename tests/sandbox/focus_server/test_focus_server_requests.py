"""Validation of requests: types first, then the rules."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from environments.sandbox.focus_server.refusals import RuleViolation, SchemaError
from environments.sandbox.focus_server.rules import check_configure, check_past, check_window
from environments.sandbox.focus_server.schema import ConfigureRequest, View, Window, parse_configure, parse_window
from tests.sandbox.focus_server.estate import payload

WATERFALL: dict[str, Any] = {
    "nfftSelection": 1, "displayInfo": {"height": 256}, "channels": {"min": 11, "max": 61},
    "start_time": None, "end_time": None, "view_type": "2",
}  # fmt: skip
SINGLE: dict[str, Any] = payload(view_type="1", channels={"min": 7, "max": 7})


def read(body: Any) -> ConfigureRequest:
    return parse_configure(json.dumps(body).encode())


def refusal(body: Any) -> str:
    with pytest.raises(RuleViolation) as caught:
        check_configure(read(body))
    return str(caught.value)


def problems(body: Any) -> list[dict[str, Any]]:
    with pytest.raises(SchemaError) as caught:
        read(body)
    details: list[dict[str, Any]] = caught.value.body()["detail"]
    return details


def test_a_request_is_read() -> None:
    request = read(payload(start_time=5, end_time=9, extra="ignored"))
    assert (request.view, request.nfft, request.frequency_hz) == (View.MULTICHANNEL, 1024, (0, 500))
    assert request.window == Window(5, 9) and read(payload()).window is None


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("view_type", 0), ("view_type", "4"), ("view_type", "multichannel"), ("view_type", None), ("view_type", ["0"]),
        ("displayInfo", None), ("displayInfo", 5), ("displayInfo.height", "5"), ("displayInfo.height", True),
        ("displayInfo.height", None), ("displayInfo.height", 2**63), ("displayInfo.height", 1.5),
        ("channels", []), ("channels.min", "1"), ("channels.max", 1.5), ("channels.max", None),
        ("displayTimeAxisDuration", "10"), ("nfftSelection", True), ("nfftSelection", {}),
        ("frequencyRange", 5), ("frequencyRange.min", None), ("frequencyRange.max", "9"),
        ("start_time", "now"), ("end_time", 5.5),
    ],
)  # fmt: skip
def test_wrong_types_are_refused_by_name(path: str, value: object) -> None:
    body = payload()
    section, _, field = path.partition(".")
    if field:
        body[section] = {**body[section], field: value}
    else:
        body[section] = value
    detail = problems(body)[0]
    assert detail["loc"] == ["body", *path.split(".")]
    assert detail["msg"].startswith(path) and "got " in detail["msg"] and "allowed " in detail["msg"]
    assert set(detail) == {"type", "loc", "msg", "input"}


def test_a_whole_number_may_be_written_with_a_point() -> None:
    request = read(payload(channels={"min": 1.0, "max": 5e1}))
    assert (request.channel_min, request.channel_max) == (1, 50) and type(request.channel_min) is int


@pytest.mark.parametrize(
    "path", ["view_type", "displayInfo", "displayInfo.height", "channels", "channels.min", "channels.max"]
)
def test_missing_fields_are_refused_by_name(path: str) -> None:
    body = payload()
    section, _, field = path.partition(".")
    if field:
        body[section] = {key: value for key, value in body[section].items() if key != field}
    else:
        del body[section]
    (detail,) = problems(body)
    assert (detail["type"], detail["loc"]) == ("missing", ["body", *path.split(".")]) and path in detail["msg"]


def test_every_problem_is_named_at_once() -> None:
    assert [detail["loc"][1:] for detail in problems({})] == [["view_type"], ["displayInfo"], ["channels"]]


def test_long_and_deep_values_are_not_echoed() -> None:
    (detail,) = problems(payload(view_type="x" * 5000))
    assert len(detail["input"]) < 300 and len(detail["msg"]) < 400


def test_a_heat_map_is_a_view_only_where_it_is_offered() -> None:
    body = json.dumps(payload(view_type="3")).encode()
    request = parse_configure(body, View.HEAT_MAP)
    assert request.view is View.HEAT_MAP
    check_configure(request)
    for view, offered, allowed in (("3", View.WATERFALL, "'0', '1', '2'"), ("4", View.HEAT_MAP, "'0', '1', '2', '3'")):
        with pytest.raises(SchemaError, match=f"allowed one of the strings {allowed}$"):
            parse_configure(json.dumps(payload(view_type=view)).encode(), offered)


def test_a_window_in_the_future_is_refused_for_an_opening_and_not_for_a_list() -> None:
    future = Window(10**12, 10**12 + 5)
    check_window(future)
    with pytest.raises(RuleViolation, match="start_time must not lie in the future"):
        check_past(future)


@pytest.mark.parametrize("body", [b"9" * 5000, b'{"start_time": ' + b"[" * 900 + b"]" * 900 + b"}"])
def test_numbers_and_nestings_beyond_reason_are_refused(body: bytes) -> None:
    with pytest.raises(SchemaError):
        parse_window(body)


@pytest.mark.parametrize(
    "body",
    [
        payload(),
        payload(channels={"min": 1, "max": 2222}),
        payload(channels={"min": 2222, "max": 2222}),
        payload(channels={"min": 1, "max": 1}),
        payload(frequencyRange={"min": 0, "max": 1000}),
        payload(frequencyRange={"min": 999, "max": 1000}),
        payload(displayInfo={"height": 1}),
        payload(nfftSelection=128),
        payload(nfftSelection=2048),
        SINGLE,
        {**SINGLE, "nfftSelection": 65536},
        WATERFALL,
        {**WATERFALL, "displayTimeAxisDuration": None, "frequencyRange": None},
        payload(start_time=0, end_time=1),
        payload(start_time=5, end_time=int(time.time())),
    ],
)
def test_allowed_values_pass(body: dict[str, Any]) -> None:
    check_configure(read(body))


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"channels": {"min": 0, "max": 5}}, ("channels.min", "got 0", "allowed 1 to 2222")),
        ({"channels": {"min": -3, "max": 5}}, ("channels.min", "got -3", "allowed 1 to 2222")),
        ({"channels": {"min": 9, "max": 5}}, ("channels.max", "got min=9, max=5", "allowed 9 to 2222")),
        ({"channels": {"min": 1, "max": 2223}}, ("channels", "got 2223", "allowed 1 to 2222 channels")),
        ({"channels": {"min": 5, "max": 2223}}, ("channels.max", "got 2223", "allowed 1 to 2222")),
        ({"frequencyRange": {"min": -1, "max": 5}}, ("frequencyRange.min", "got -1", "allowed 0 to 999 Hz")),
        ({"frequencyRange": {"min": 0, "max": 1001}}, ("frequencyRange.max", "got 1001", "allowed 1 to 1000 Hz")),
        (
            {"frequencyRange": {"min": 5, "max": 5}},
            ("frequencyRange.max", "got min=5, max=5", "allowed 0 <= min < max"),
        ),
        (
            {"frequencyRange": {"min": 9, "max": 5}},
            ("frequencyRange.max", "got min=9, max=5", "allowed 0 <= min < max"),
        ),
        ({"frequencyRange": None}, ("frequencyRange", "got null", "allowed")),
        ({"nfftSelection": 0}, ("nfftSelection", "got 0", "allowed 128, 256, 512, 1024, 2048")),
        ({"nfftSelection": 1000}, ("nfftSelection", "got 1000", "2048")),
        ({"nfftSelection": 4096}, ("nfftSelection", "got 4096", "2048")),
        ({"nfftSelection": 64}, ("nfftSelection", "got 64", "128")),
        ({"nfftSelection": None}, ("nfftSelection", "got null", "128")),
        ({"displayInfo": {"height": 0}}, ("displayInfo.height", "got 0", "allowed 1 or more")),
        ({"displayInfo": {"height": -5}}, ("displayInfo.height", "got -5", "allowed 1 or more")),
        ({"displayTimeAxisDuration": None}, ("displayTimeAxisDuration", "got null", "allowed 1 or more")),
        ({"displayTimeAxisDuration": 0}, ("displayTimeAxisDuration", "got 0", "allowed 1 or more")),
        (
            {"start_time": 5},
            ("start_time", "end_time", "both or neither", "got start_time=5, end_time=null", "allowed"),
        ),
        ({"end_time": 5}, ("start_time", "end_time", "both or neither", "got start_time=null, end_time=5", "allowed")),
        ({"start_time": -5, "end_time": 9}, ("start_time", "got -5", "allowed 0 or later")),
        ({"start_time": 9, "end_time": -5}, ("end_time", "got -5", "allowed 0 or later")),
        (
            {"start_time": 9, "end_time": 5},
            ("end_time must be after start_time", "got start_time=9, end_time=5", "allowed"),
        ),
        (
            {"start_time": 9, "end_time": 9},
            ("end_time must be after start_time", "got start_time=9, end_time=9", "allowed"),
        ),
        (
            {"start_time": 10**12, "end_time": 10**12 + 5},
            ("start_time must not lie in the future", "got", "allowed 0 to"),
        ),
        ({"start_time": 10, "end_time": 10**15}, ("end_time must not lie in the future", "got", "allowed 0 to")),
    ],
)
def test_broken_rules_name_field_value_and_range(changes: dict[str, Any], parts: tuple[str, ...]) -> None:
    text = refusal(payload(**changes))
    assert [part for part in parts if part not in text] == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({**SINGLE, "channels": {"min": 7, "max": 8}}, "channels.max"),
        ({**SINGLE, "nfftSelection": 131072}, "nfftSelection"),
        ({**WATERFALL, "nfftSelection": 2}, "nfftSelection"),
        ({**WATERFALL, "nfftSelection": None}, "nfftSelection"),
        ({**WATERFALL, "displayTimeAxisDuration": 10}, "displayTimeAxisDuration"),
        ({**WATERFALL, "frequencyRange": {"min": 0, "max": 5}}, "frequencyRange"),
    ],
)
def test_rules_of_the_other_views(body: dict[str, Any], field: str) -> None:
    assert refusal(body).startswith(field)
