"""Effects of the Focus Server's settings, and its support for browsers and API documents."""

from __future__ import annotations

import http.client
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from environments.sandbox.shared.errors import UsageError
from environments.sandbox.supervisor.settings import parse_settings
from support.waits import Stopwatch
from tests.sandbox.focus_server.estate import PATIENCE_S, Estate

ORIGIN = {"Origin": "https://elsewhere.example"}
ACCEPTED = ("single-channel-accepts-several", "positive-nfft-accepted", "too-many-channels-accepted")
ACCEPTED += ("negative-canvas-height-accepted", "future-window-accepted", "unknown-view-accepted")


@contextmanager
def estate(folder: Path, **settings: Any) -> Iterator[Estate]:
    started = Estate(folder, **settings)
    try:
        yield started
    finally:
        started.stop()


@pytest.fixture(scope="module")
def ordinary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    with estate(tmp_path_factory.mktemp("focus"), configure_ms=0) as started:
        yield started


def asked(target: Estate, method: str, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str]]:
    context = ssl.create_default_context(cafile=target.config["kubernetes"]["ca_file"])
    connection = http.client.HTTPSConnection("127.0.0.1", target.port, context=context, timeout=PATIENCE_S)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, {name: value for name, value in answer.getheaders() if name.startswith("Access-Control")}


def test_ids_and_ports_are_given_one_after_the_other_where_the_setting_says_so(tmp_path: Path) -> None:
    with estate(tmp_path, configure_ms=100, configure_turns="one") as started, ThreadPoolExecutor(8) as pool:
        started_s = time.monotonic()
        answers = list(pool.map(lambda _: started.configure(), range(8)))
        lasted_s = time.monotonic() - started_s
        refused = pool.submit(started.configure, view_type="9"), pool.submit(started.configure)
        assert refused[0].result().duration_s < refused[1].result().duration_s
    assert {answer.status for answer in answers} == {200} and lasted_s >= 0.8
    assert len({answer.json["job_id"] for answer in answers}) == 8


def test_ids_and_ports_are_given_side_by_side_otherwise(tmp_path: Path) -> None:
    with estate(tmp_path, configure_ms=1000) as started, ThreadPoolExecutor(4) as pool:
        watch = Stopwatch()
        assert {answer.status for answer in pool.map(lambda _: started.configure(), range(4))} == {200}
        assert watch.given_s() < 4


def test_metadata_of_a_fibre_that_is_waited_for_may_be_not_found(tmp_path: Path) -> None:
    with estate(tmp_path, configure_ms=0, waiting_metadata="404") as started:
        assert started.call("GET", "/live_metadata").json["prr"] == 2000.0
        started.process.request("fibre", {"state": "waiting"})
        missing = started.call("GET", "/live_metadata")
        assert (missing.status, started.configure().status) == (404, 503)
        assert missing.json == {"error": "Live metadata are not available: waiting for fiber"}


def test_heat_maps_are_offered_and_told_unless_the_setting_takes_them_back(tmp_path: Path, ordinary: Estate) -> None:
    opened = ordinary.configure(view_type="3").json
    assert (opened["view_type"], opened["stream_amount"]) == (3, 3)
    assert ordinary.configure(view_type="4").status == 422
    assert ordinary.configure(view_type="3", frequencyRange=None).status == 400
    with estate(tmp_path, configure_ms=0, highest_view=2) as started:
        assert started.configure(view_type="3").status == 422
        assert _views(ordinary) == ["0", "1", "2", "3"] and _views(started) == ["0", "1", "2"]


def _views(target: Estate) -> Any:
    schemas = target.call("GET", "/openapi.json").json["components"]["schemas"]
    told = schemas["ConfigureRequest"]
    view = told["properties"]["view_type"]
    assert view["type"] == "string" and list(told["discriminator"]["mapping"]) == view["enum"]
    assert schemas["ConfigureResponse"]["properties"]["view_type"]["enum"] == [int(text) for text in view["enum"]]
    return view["enum"]


@pytest.mark.parametrize(
    ("assignment", "problem"),
    [
        ("highest_view=4", "must be a number from 2 to 3"),
        ("configure_turns=two", "allowed are many and one"),
        ("waiting_metadata=none", "allowed are told and 404"),
    ],
)
def test_other_values_are_refused(assignment: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        parse_settings([assignment])


def test_accepted_bad_requests_are_answered_as_they_were_asked(ordinary: Estate) -> None:
    ordinary.restore()
    ordinary.process.set_faults(*ACCEPTED)
    single = ordinary.configure(view_type="1", channels={"min": 5, "max": 10}).json
    assert (single["view_type"], single["stream_amount"], single["channel_amount"]) == (1, 1, 1)
    assert len(single["channel_to_stream_index"]) == 6
    many = ordinary.configure(channels={"min": 1, "max": 2501}).json
    assert (many["channel_amount"], many["stream_amount"]) == (2501, 3)
    assert ordinary.configure(nfftSelection=4096).json["frequencies_amount"] == 1024
    later = {"start_time": 4_000_000_000, "end_time": 4_000_000_009}
    job = f"grpc-job-{ordinary.configure(**later).json['job_id']}"
    command = ordinary.kubernetes.objects["jobs"][job]["spec"]["template"]["spec"]["containers"][0]["command"]
    assert command[command.index("--time-start") + 1] == "2096-10-02:07:06:40"
    ordinary.restore()


@pytest.mark.parametrize(
    "changes",
    [
        {"displayInfo": {"height": -100}}, {"view_type": "7"}, {"channels": {"min": 1, "max": 2**40}},
        {"nfftSelection": 2**40}, {"start_time": 2**50, "end_time": 2**51},
    ],
)  # fmt: skip
def test_what_no_answer_can_be_computed_for_is_opened_as_an_ordinary_investigation(
    ordinary: Estate, changes: dict[str, Any]
) -> None:
    ordinary.restore()
    ordinary.process.set_faults(*ACCEPTED)
    answer = ordinary.configure(**changes).json
    assert (answer["view_type"], answer["channel_amount"], answer["frequencies_amount"]) == (0, 50, 256)
    ordinary.restore()


@pytest.mark.parametrize(("path", "status"), [("/ack", 200), ("/metadata/1-1", 404), ("/nowhere", 404)])
def test_scripts_of_every_origin_may_read_the_answers(ordinary: Estate, path: str, status: int) -> None:
    assert asked(ordinary, "GET", path, ORIGIN) == (status, {"Access-Control-Allow-Origin": "*"})
    assert asked(ordinary, "GET", path, {}) == (status, {})


def test_a_browser_is_told_what_it_may_send(ordinary: Estate) -> None:
    wanted = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    assert asked(ordinary, "OPTIONS", "/configure", {**ORIGIN, **wanted}) == (
        200,
        {
            "Access-Control-Allow-Methods": "POST",
            "Access-Control-Allow-Headers": "content-type",
            "Access-Control-Allow-Origin": "*",
        },
    )
    assert asked(ordinary, "OPTIONS", "/configure", {})[0] == 405
