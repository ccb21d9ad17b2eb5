"""The matchers on answers: accepted answers, rejected answers, and the wording of mismatches."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from support.checks import answers, fibre, ports, recordings, refusals
from support.clients.focus_server.client import Answer
from support.model.recordings import Recording
from tests.support.domain.builders import node
from tests.support.domain.test_job_checks import trouble

TIMES = {"start_time": 2000, "end_time": 1000}
CLEAR = "end_time must be after start_time: got start_time=2000, end_time=1000"


def answer(status: int, body: object, duration_s: float = 0.01, request: str = "") -> Answer:
    return Answer(status, {}, json.dumps(body).encode(), duration_s, request)


def opened(**changes: object) -> Answer:
    body = {
        "status": "success",
        "job_id": "3-17",
        "stream_url": "http://127.9.0.11",
        "stream_port": 12303,
        "view_type": 0,
        "stream_amount": 1,
        "channel_amount": 1,
        "frequencies_amount": 1,
        "frequencies_list": [0.0],
        "lines_dt": 0.5,
        "channel_to_stream_index": {"1": 0},
        "metadata": {},
    }
    return answer(200, {**body, **changes})


REFUSED = answers.is_refused({400, 422}, ("start_time", "end_time"), within_s=2.0)


def test_clear_refusal_satisfies() -> None:
    assert trouble(REFUSED, answer(400, {"error": CLEAR})) is None
    detail = [{"loc": ["body", "end_time"], "msg": "Field required", "type": "missing", "input": None}]
    assert trouble(REFUSED, answer(422, {"detail": detail})) is None


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (opened(), "it was answered 200"),
        (answer(500, {"error": CLEAR}), "it was answered 500"),
        (answer(400, {"error": "Bad request"}), "does not say that it is about"),
        (answer(400, {"error": CLEAR + '\nTraceback (most recent call last):\n  File "x.py", line 3'}), "stack trace"),
        (answer(400, {"error": CLEAR}, duration_s=2.5), "only after 2.50 s"),
    ],
)
def test_refusal_that_is_not_one(seen: Answer, words: str) -> None:
    text = trouble(REFUSED, seen)
    assert text is not None and words in text


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (CLEAR, None),
        ("the window is wrong", "names none of the fields"),
        ("end_time must be after start_time: got start_time=20001, end_time=-1000", "does not name the value"),
        ("end_time must be after start_time", "does not name the value"),
        ("end_time=1000 is wrong", "does not say what is allowed"),
    ],
)
def test_refusal_says_what_to_do(message: str, words: str | None) -> None:
    text = trouble(answers.says_what_to_do(TIMES), answer(400, {"error": message}))
    assert (text is None) if words is None else (text is not None and words in text)


@pytest.mark.parametrize(
    ("allowed", "words"),
    [
        ("0 to 999 Hz", None),
        ("0 <= min < max <= 1000 Hz", None),
        ("less than the highest", None),
        ("0 to 1001 Hz", "allows 1001, which is refused"),
        ("0 to 998 Hz", "allows up to 998 only, and 1000 is accepted"),
    ],
)
def test_refusal_tells_the_range_that_is_accepted(allowed: str, words: str | None) -> None:
    matcher = answers.says_what_to_do({"frequencyRange.min": -1}, {"frequencyRange.min": 1000.0})
    message = f"frequencyRange.min must not be negative: got -1, allowed {allowed}"
    text = trouble(matcher, answer(400, {"error": message}))
    assert (text is None) if words is None else (text is not None and words in text)


@pytest.mark.parametrize(
    ("allowed", "words"),
    [
        ("end_time from 1001 on", None),
        ("end_time after 1000", None),
        ("a later end_time", None),
        ("end_time from 999 on", "allows 999, which is refused"),
        ("end_time from 1002 on", "allows 1002 and more only, and 1001 is accepted"),
    ],
)
def test_refusal_tells_the_end_that_is_accepted(allowed: str, words: str | None) -> None:
    sent: dict[str, object] = {"start_time": 1000, "end_time": 900}
    message = f"end_time must be after start_time: got start_time=1000, end_time=900, allowed {allowed}"
    text = trouble(answers.says_what_to_do(sent, {}, refusals.lowest_of(sent)), answer(400, {"error": message}))
    assert (text is None) if words is None else (text is not None and words in text)
    assert refusals.lowest_of({"start_time": 900, "end_time": 1000}) == refusals.lowest_of(b"") == {}


@pytest.mark.parametrize(("told", "words"), [("min=0", None), ("min=1", "names min=1, and 0 was sent"), ("0 Hz", None)])
def test_refusal_quotes_what_was_sent(told: str, words: str | None) -> None:
    sent = {"frequencyRange.min": 0, "frequencyRange.max": 500}
    message = f"frequencyRange must be left out: got {told}, max=500, allowed null"
    text = trouble(answers.says_what_to_do(sent), answer(400, {"error": message}))
    assert (text is None) if words is None else (text is not None and words in text)


def test_the_range_of_a_whole_field_is_told_too() -> None:
    matcher = answers.says_what_to_do({"channels.min": 1, "channels.max": 2500}, {"channels": 2222})
    message = "channels must be at most 2223 channels: got 2500 channels, allowed 1 to 2223 channels"
    assert "allows 2223, which is refused" in str(trouble(matcher, answer(400, {"error": message})))


def test_no_recording_needs_its_status_and_its_words() -> None:
    matcher = answers.says_no_recording_was_found()
    assert trouble(matcher, answer(404, {"error": "No recording found in given time range"})) is None
    assert trouble(matcher, answer(404, {"detail": "Not Found"})) is not None
    assert trouble(matcher, answer(400, {"error": "No recording found"})) is not None


@pytest.mark.parametrize(("job_id", "good"), [("3-17", True), ("", False), ("job-7", False), ("3-17-1", False)])
def test_job_id_is_slot_and_serial(job_id: str, good: bool) -> None:
    assert answers.identifies_a_job().matches(opened(job_id=job_id).opened()) is good


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.9.0.11", None),
        ("http://worker-node-1", None),
        ("https://127.9.0.11", "not an http URL"),
        ("http://127.9.0.99", "belongs to no node"),
        ("http://999.1.1.1", "neither an IP address nor the name"),
    ],
)
def test_stream_address_is_one_of_the_cluster(url: str, words: str | None) -> None:
    text = trouble(answers.streams_from([node()]), opened(stream_url=url).opened())
    assert (text is None) if words is None else (text is not None and words in text)


@pytest.mark.parametrize(("port", "good"), [(1, True), (65535, True), (0, False), (65536, False), (70000, False)])
def test_port_number_boundaries(port: int, good: bool) -> None:
    assert answers.has_a_port_number().matches(opened(stream_port=port).opened()) is good


def test_shared_ports_name_the_jobs() -> None:
    first, second = opened(job_id="1-2").opened(), opened(job_id="2-3", stream_port=12302).opened()
    assert trouble(ports.have_different_ports(), (first, second)) is None
    third = opened(job_id="2-3").opened()
    assert trouble(ports.have_different_ports(), (first, third)) == "jobs 1-2 and 2-3 share port 12303"


def recording(start_s: int, end_s: int | None) -> Recording:
    end = datetime.fromtimestamp(end_s, UTC) if end_s is not None else None
    return Recording("u", datetime.fromtimestamp(start_s, UTC), end, False)


def test_list_of_recordings_is_complete_and_exact() -> None:
    matcher = recordings.lists_exactly([recording(100, 140), recording(139, None)])
    assert trouble(matcher, answer(200, [[100, 140], [139, -1]])) is None
    assert trouble(matcher, answer(200, [[100, 140]])) == "1 recordings are listed"
    text = trouble(matcher, answer(200, [[100, 145], [139, -1]]))
    assert text is not None and "instead of" in text


def test_one_recording_is_listed_or_left_out() -> None:
    this = recording(139, None)
    assert trouble(recordings.lists(this), answer(200, [[100, 140], [139, -1]])) is None
    assert "is not listed, 1 others are" in (trouble(recordings.lists(this), answer(200, [[100, 140]])) or "")
    assert trouble(recordings.leaves_out(this), answer(200, [[100, 140]])) is None
    assert "is listed" in (trouble(recordings.leaves_out(this), answer(200, [[139, -1]])) or "")


def test_list_of_another_shape_is_a_failure() -> None:
    with pytest.raises(AssertionError, match="not a list"):
        recordings.lists_exactly([]).matches(answer(200, {"recordings": []}))
    with pytest.raises(AssertionError, match="was answered 500"):
        recordings.lists_exactly([]).matches(answer(500, {}))


def test_order_of_the_list() -> None:
    assert trouble(recordings.lists_in_order(), answer(200, [[1, 2], [3, 4]])) is None
    assert trouble(recordings.lists_in_order(), answer(200, [[3, 4], [1, 2]])) is not None


def test_the_same_request_shows_the_same_with_another_job() -> None:
    first = opened().opened()
    again = answers.opens_like(first)
    assert trouble(again, opened(job_id="4-18", stream_port=12304)) is None
    assert trouble(again, opened()) == "both were given job 3-17"
    assert trouble(again, opened(job_id="4-18", lines_dt=1.0)) == "lines_dt is 1.0 instead of 0.5"


@pytest.mark.parametrize(
    "told", ["got 17..., allowed 18 or more", 'got "17"..., allowed 18', "got 17\u2026, allowed 18"]
)
def test_a_value_that_is_cut_off_is_not_named(told: str) -> None:
    text = trouble(answers.says_what_to_do({"height": 17}), answer(400, {"error": f"height must be 18: {told}"}))
    assert "does not name the value 17" in (text or "")


def test_an_open_end_is_a_mark_and_no_time() -> None:
    matcher = recordings.lists_exactly([recording(139, None)])
    assert trouble(matcher, answer(200, [[139, -1]])) is None
    assert "instead of" in (trouble(matcher, answer(200, [[139, -2]])) or "")


def test_a_recording_is_described_level_by_level() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    fibre_level = {"uuid": "b", "prr": 2000, "start_time": moment, "cmd": "secret", "processors": ["fft", moment]}
    matcher = fibre.shows_a_recording_of(
        [{"uuid": "other", "parent": fibre_level}, {"uuid": "a", "parent": fibre_level}]
    )
    told = {"uuid": "b", "prr": 2000, "start_time": "1 January 2026", "cmd": "***", "processors": ["fft", "new year"]}

    def seen(**changes: object) -> str:
        return trouble(matcher, opened(metadata={"uuid": "a", "parent": {**told, **changes}}).opened()) or ""

    assert seen() == ""
    assert "prr is 1000 instead of 2000" in seen(prr=1000) and "start_time is None" in seen(start_time=None)
    assert all("processors is" in seen(processors=other) for other in (None, ["fft"], ["fir", "x"], ["fft", None]))
    assert "1 levels instead of 2" in (trouble(matcher, opened(metadata={"uuid": "a"}).opened()) or "")
    assert "nothing to compare" in (trouble(fibre.shows_a_recording_of([]), opened().opened()) or "")
