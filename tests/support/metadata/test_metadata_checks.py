"""The matchers on metadata: accepted values, rejected values, and the wording of mismatches."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from support.checks import metadata
from support.clients.focus_server.client import Answer
from support.product.metadata import Reading
from tests.support.domain.test_answer_checks import answer, opened
from tests.support.domain.test_job_checks import trouble

OPENED = opened().opened()
ROW = {"sensors": [{"id": 11, "intensity": [0.1]}], "startTimestamp": 1000, "endTimestamp": 1500}


def form(reading: Reading) -> str | None:
    return trouble(metadata.has_its_documented_form(), reading)


def test_same_facts_satisfy_whatever_the_state_is_called() -> None:
    assert trouble(metadata.tells_the_same_as(OPENED), opened(status="running")) is None


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (opened(stream_port=12304), "stream_port is 12304 instead of 12303"),
        (opened(job_id="3-18"), "job_id is '3-18' instead of '3-17'"),
        (opened(more=1), "more is 1 instead of missing"),
        (answer(200, {key: value for key, value in OPENED.raw.items() if key != "lines_dt"}), "lines_dt is missing"),
        (answer(200, [1]), "the metadata are no object"),
    ],
)
def test_other_facts_are_named(seen: Answer, words: str) -> None:
    assert words in str(trouble(metadata.tells_the_same_as(OPENED), seen))


def test_metadata_that_are_not_there_yet() -> None:
    assert trouble(metadata.is_answered(), opened()) is None
    assert "404 'Invalid job_id'" in str(trouble(metadata.is_answered(), answer(404, {"error": "Invalid job_id"})))


def test_form_of_an_investigation() -> None:
    assert form(Reading(opened(), metadata.is_an_investigation)) is None
    assert "stream_port" in str(form(Reading(opened(stream_port=[]), metadata.is_an_investigation)))


def test_form_of_a_configured_task() -> None:
    accepted = answer(200, {"status": "Config received successfully", "task_id": "mine"})
    assert form(Reading(accepted, metadata.names("mine"))) is None
    assert "named 'mine' instead of 'yours'" in str(form(Reading(accepted, metadata.names("yours"))))
    assert "404" in str(form(Reading(answer(404, {"detail": "Not Found"}), metadata.names("mine"))))


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (answer(200, None), None),
        (answer(208, None), None),
        (answer(201, [{"rows": [ROW]}]), None),
        (answer(201, [{"rows": [{**ROW, "endTimestamp": 1000}]}]), "1 of 1 rows"),
        (answer(201, [{"rows": [{**ROW, "sensors": []}]}]), "1 of 1 rows"),
        (answer(201, []), "0 of 0 rows"),
        (answer(201, [{}]), "have not their documented form"),
        (answer(404, {"detail": "Not Found"}), "404"),
    ],
)
def test_form_of_a_waterfall(seen: Answer, words: str | None) -> None:
    found = form(Reading(seen, metadata.has_rows_of_a_waterfall))
    assert found is None if words is None else words in str(found)


def test_form_of_the_metadata_of_a_task() -> None:
    empty = Answer(200, {}, b"", 0.01)
    assert form(Reading(empty, metadata.describes_a_task)) is None
    assert form(Reading(answer(201, {"prr": 2000}), metadata.describes_a_task)) is None
    assert "no object" in str(form(Reading(answer(201, [2000]), metadata.describes_a_task)))
    assert "404" in str(form(Reading(answer(404, {"detail": "Not Found"}), metadata.describes_a_task)))


def read(*durations_s: float) -> list[Answer]:
    return [replace(opened(), duration_s=duration_s) for duration_s in durations_s]


def test_metadata_that_stay_the_same_and_as_fast() -> None:
    noise = random.Random(7)
    readings = read(*(0.01 + noise.uniform(0, 0.03) for _ in range(100)))
    assert trouble(metadata.tell_the_same_each_time(OPENED), readings) is None
    assert trouble(metadata.are_read_as_fast_as_at_first(), readings) is None


def test_one_pause_is_no_drift() -> None:
    assert trouble(metadata.are_read_as_fast_as_at_first(), read(*[0.01] * 60, 2.0, *[0.01] * 39)) is None


def test_reading_that_becomes_slower_is_told() -> None:
    told = str(trouble(metadata.are_read_as_fast_as_at_first(), read(*(0.01 + n / 1000 for n in range(100)))))
    assert told.startswith("reading them became slower: the first ten took 14 ms, the last ten 104 ms, 1.00 ms more")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (answer(404, {"error": "Invalid job_id"}), "reading 3 of 3: it was answered 404 'Invalid job_id'"),
        (opened(stream_port=12304), "reading 3 of 3: stream_port is 12304 instead of 12303"),
    ],
)
def test_the_reading_that_differs_is_named(wrong: Answer, words: str) -> None:
    assert trouble(metadata.tell_the_same_each_time(OPENED), [opened(), opened(), wrong]) == words
