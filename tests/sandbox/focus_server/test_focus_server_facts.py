"""The rows of docs/facts/focus-server.md 1 and 2.6 over the wire: the answer to each request on a healthy server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.sandbox.focus_server.estate import STORAGE, Estate, ago, payload, recording, seconds

START = ago(hours=3)
BEGUN_S = seconds(START)
WATERFALL: dict[str, Any] = {
    "nfftSelection": 1, "displayInfo": {"height": 256}, "channels": {"min": 11, "max": 61},
    "start_time": None, "end_time": None, "view_type": "2",
}  # fmt: skip
BAND = {"min": 0, "max": 500}


def _single(**changes: Any) -> dict[str, Any]:
    return payload(view_type="1", channels={"min": 7, "max": 7}, **changes)


def _without(name: str) -> dict[str, Any]:
    return {key: value for key, value in payload().items() if key != name}


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    estate = Estate(tmp_path_factory.mktemp("facts"), configure_ms=1)
    yield estate
    estate.stop()


@pytest.fixture
def estate(started: Estate) -> Estate:
    started.restore()
    started.mongodb.store(STORAGE, [recording(START)])
    return started


@pytest.mark.parametrize(
    ("request_body", "status", "says"),
    [
        (_without("channels"), 422, "channels is required"),
        (_without("view_type"), 422, "view_type is required"),
        (_without("displayInfo"), 422, "displayInfo is required"),
        (payload(nfftSelection="1024"), 422, "nfftSelection must be an integer"),
        (payload(displayInfo=1000), 422, "displayInfo must be an object"),
        (payload(view_type="multichannel"), 422, "view_type must be"),
        (payload(view_type=1), 422, "view_type must be"),
        (payload(view_type="99"), 422, "view_type must be"),
        (b"", 422, "request body is required"),
        (b"{", 422, "request body is not valid JSON"),
        (payload(frequencyRange=None), 400, "frequencyRange is required"),
        (_without("frequencyRange"), 400, "frequencyRange is required"),
        (_without("displayTimeAxisDuration"), 400, "displayTimeAxisDuration is required"),
        (_without("nfftSelection"), 400, "nfftSelection must be a power of two"),
        ({**WATERFALL, "frequencyRange": BAND}, 400, "frequencyRange must be left out"),
        ({**WATERFALL, "displayTimeAxisDuration": 10}, 400, "displayTimeAxisDuration must be left out"),
        ({**WATERFALL, "nfftSelection": 1024}, 400, "allowed 1"),
        (payload(start_time=5), 400, "must be given both or neither"),
        (payload(end_time=5), 400, "must be given both or neither"),
        (payload(start_time=9, end_time=5), 400, "end_time must be after start_time"),
        (payload(start_time=5, end_time=5), 400, "end_time must be after start_time"),
        (payload(start_time=2**40, end_time=2**41), 400, "must not lie in the future"),
        (payload(start_time=-5, end_time=5), 400, "start_time must not be negative"),
        (payload(start_time=5, end_time=9), 404, "No recording found in given time range"),
        (payload(displayInfo={"height": 0}), 400, "displayInfo.height must be positive"),
        (payload(displayInfo={"height": -100}), 400, "displayInfo.height must be positive"),
        (payload(nfftSelection=1000), 400, "nfftSelection must be a power of two"),
        (payload(nfftSelection=4096), 400, "nfftSelection must be a power of two"),
        (_single(nfftSelection=131_072), 400, "nfftSelection must be a power of two"),
        (payload(nfftSelection=0), 400, "nfftSelection must be a power of two"),
        (payload(frequencyRange={"min": 0, "max": 1001}), 400, "must not exceed 1000 Hz"),
        (payload(frequencyRange={"min": 5, "max": 5}), 400, "frequencyRange.max must be above"),
        (payload(frequencyRange={"min": 9, "max": 5}), 400, "frequencyRange.max must be above"),
        (payload(channels={"min": 9, "max": 5}), 400, "channels.max must not be below"),
        (payload(channels={"min": 1, "max": 2223}), 400, "at most 2222 channels"),
        (payload(channels={"min": 0, "max": 5}), 400, "channels.min must be at least 1"),
        (payload(view_type="1"), 400, "channels.max must equal channels.min"),
    ],
)
def test_a_request_that_is_refused(estate: Estate, request_body: Any, status: int, says: str) -> None:
    answer = estate.call("POST", "/focus-server/configure", request_body)
    assert answer.status == status
    told = answer.json["error"] if "error" in answer.json else answer.json["detail"][0]["msg"]
    assert says in told
    assert estate.kubernetes.created == []


@pytest.mark.parametrize(
    ("request_body", "streams", "channels", "bins", "step_hz", "line_s"),
    [
        (payload(), 3, 50, 256, 1.9493177, 0.01),
        (payload(displayTimeAxisDuration=300, displayInfo={"height": 600}), 3, 50, 256, 1.9512195, 0.5),
        (payload(nfftSelection=256), 3, 50, 64, 7.7519380, 0.01),
        (payload(channels={"min": 1, "max": 2222}), 3, 2222, 256, 1.9493177, 0.01),
        (payload(channels={"min": 5, "max": 6}), 2, 2, 256, 1.9493177, 0.01),
        (_single(), 1, 1, 256, 1.9493177, 0.01),
        (payload(start_time=BEGUN_S, end_time=BEGUN_S + 7200), 3, 50, 256, 1.9493177, 0.01),
    ],
)
def test_a_request_that_is_served(
    estate: Estate, request_body: Any, streams: int, channels: int, bins: int, step_hz: float, line_s: float
) -> None:
    body = estate.call("POST", "/focus-server/configure", request_body).json
    assert (body["stream_amount"], body["channel_amount"], body["lines_dt"]) == (streams, channels, line_s)
    assert body["frequencies_amount"] == len(body["frequencies_list"]) == bins
    assert body["frequencies_list"][1] == pytest.approx(step_hz)
    assert len(estate.kubernetes.created) == 3


def test_a_waterfall_is_served(estate: Estate) -> None:
    assert estate.call("POST", "/configure", WATERFALL).json["view_type"] == 2


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/job/1-1"), ("GET", "/sensors"), ("POST", "/config/task"), ("GET", "/waterfall/task/5"),
        ("GET", "/health"), ("GET", "/info"), ("GET", "/docs"),
    ],
)  # fmt: skip
def test_routes_of_other_builds_are_unknown(estate: Estate, method: str, path: str) -> None:
    answer = estate.call(method, f"/focus-server{path}")
    assert (answer.status, answer.json) == (404, {"detail": "Not Found"})
