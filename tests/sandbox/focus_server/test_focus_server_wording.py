"""``answers=deployed``: the wording observed in December 2025, except where a requirement asks for another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.sandbox.focus_server.estate import Estate


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    estate = Estate(tmp_path_factory.mktemp("focus"), configure_ms=0, answers="deployed")
    yield estate
    estate.stop()


def test_status_of_an_answer_is_empty_when_it_opens_and_when_it_is_read_again(deployed: Estate) -> None:
    opened = deployed.configure()
    assert (opened.status, opened.json["status"]) == (200, "")
    assert deployed.call("GET", f"/metadata/{opened.json['job_id']}").json == opened.json


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "answer"),
    [
        ("GET", "/channels", None, 200, b'{"lowest_channel":1,"highest_channel":2337}'),
        ("GET", "/metadata/1-1", None, 404, b'{"error":"Invalid job_id"}'),
        ("DELETE", "/job/1-1", None, 404, b'{"detail":"Not Found"}'),
    ],
)
def test_short_words(deployed: Estate, method: str, path: str, body: Any, status: int, answer: bytes) -> None:
    answered = deployed.call(method, path, body)
    assert (answered.status, answered.body) == (status, answer)


def test_no_recording_is_said_in_fifty_bytes(deployed: Estate) -> None:
    answered = deployed.configure(start_time=1000, end_time=2000)
    assert (answered.status, len(answered.body)) == (404, 50)
    assert answered.json == {"error": "No recording found in given time range"}


def test_waiting_for_a_fibre(deployed: Estate) -> None:
    assert deployed.call("GET", "/live_metadata").json["number_of_channels"] == 2337
    deployed.process.request("fibre", {"state": "waiting"})
    waiting = deployed.call("GET", "/live_metadata")
    refused = deployed.configure()
    deployed.process.request("fibre", {"state": "connected"})
    assert waiting.json["sw_version"] == waiting.json["fiber_description"] == "waiting for fiber"
    assert (len(waiting.body), waiting.json["prr"]) == (172, 0.0)
    assert refused.status == 503 and refused.json["error"].endswith("Missing required fiber metadata fields: prr")
