"""Program leftovers, such as tracebacks and type names, in messages for people."""

from __future__ import annotations

import pytest

from support.checks import answers
from support.checks.messages import leftover, leftover_in, named_in
from tests.support.domain.test_answer_checks import answer
from tests.support.domain.test_job_checks import trouble


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("channels.max must equal channels.min for None", "no value (None)"),
        ("allowed up to NaN", "no value (NaN)"),
        ("view undefined", "no value (undefined)"),
        ("got null, allowed 1", "no value (null)"),
        ("got <app.View object at 0x7f1234>", "an object (<app.View object at 0x7f1234>)"),
        ("got <class 'int'>", "an object (<class 'int'>)"),
        ("[object Object]", "an object ([object Object])"),
        ("must be one of ['0', '1']", "a list of the program (['"),
        ("must be one of ('0', '1')", "a list of the program (('0',)"),
        ("Cannot open: (403, 'exceeded quota')", "a list of the program ((403, ')"),
        ("got {'min': 1}", "a list of the program ({'min':)"),
        ("{field} must be positive", "a gap that was not filled ({field})"),
        ("; connect the fiber and ask again", "a begin without words (;)"),
        ("no room for one more; not ready: ", "a list of nothing (ready: )"),
        ("not ready: ; try again", "a list of nothing (ready: ;)"),
        ("%s must be positive", "a gap that was not filled (%s)"),
        ('Traceback (most recent call last):\n  File "x.py", line 3', "a stack trace"),
        ("at pz.focus.Server(Server.java:143)", "a stack trace"),
    ],
)
def test_a_leftover_is_named(text: str, found: str) -> None:
    said = leftover(text)
    assert said is not None and said.startswith(found)


@pytest.mark.parametrize(
    "text",
    [
        "None of the recordings touches the window",
        "No recording found in given time range [1700000000, 1700000060]",
        "view_type must be '0', '1' or '2': got \"many\", allowed one of the strings '0', '1', '2'",
        "frequencyRange.max must be above frequencyRange.min: got min=5, max=5, allowed 0 <= min < max <= 1000 Hz",
        "stream address 'x' is not valid, allowed http://<host> with one of 127.9.0.10, worker-node-1",
        "the banana is 100% ready (0, 1000)",
        "Kubernetes refused: pods quota exceeded: requested: pods=1, used: pods=50",
    ],
)
def test_words_for_people_are_free_of_them(text: str) -> None:
    assert leftover(text) is None


def test_what_the_client_has_sent_is_an_echo() -> None:
    told = answer(400, {"error": "end_time must be an integer: got null"}, request='POST /x\n{"end_time": null}')
    assert leftover_in(told) is None
    assert leftover_in(answer(400, {"error": "end_time: got null"}, request='POST /x\n{"end_time": 5}')) is not None


@pytest.mark.parametrize(
    ("matcher", "status", "message"),
    [
        (answers.is_refused({400}, ("channels",), 2.0), 400, "channels must be 1 for None"),
        (answers.says_no_recording_was_found(), 404, "No recording found in [None, None]"),
        (answers.the_server_does_not_know("address"), 404, "undefined"),
    ],
)
def test_every_refusal_is_looked_at(matcher: object, status: int, message: str) -> None:
    said = trouble(matcher, answer(status, {"error": message}))  # type: ignore[arg-type]  # matchers of one item type
    assert said is not None and "which contains no value" in said


def test_names_are_found_as_they_stand() -> None:
    nodes = ["127.9.0.1", "127.9.0.10", "node-1", "node-10"]
    assert named_in("not ready: node-10, node-1 and 127.9.0.10.", nodes) == ["node-10", "node-1", "127.9.0.10"]
    assert named_in("a-node-1, node-1.2", nodes) == []
