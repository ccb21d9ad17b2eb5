"""The requirements on an outage, checked with good and bad histories."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hamcrest.core.string_description import StringDescription

from support.checks import outages
from support.checks.matcher import Judged
from support.clients.focus_server.client import Answer, ConnectionFailed
from support.clients.kubernetes.client import Deployment, Pod
from support.model.index_state import IndexState, Kept, state_of
from support.model.job_view import JobView
from tests.support.domain.builders import pod as job_pod
from tests.support.domain.builders import view

LIMIT_S = 5.0
MONGODB = "Cannot look up recordings: MongoDB is not reachable"


def answer(status: int, message: str = "", duration_s: float = 1.0) -> Answer:
    return Answer(status, {}, json.dumps({"error": message}).encode(), duration_s)


def wrong(matcher: Judged[Any], item: Any) -> str:
    """The mismatch of ``item`` in words; empty if there is none."""
    if matcher.matches(item):
        return ""
    text = StringDescription()
    matcher.describe_mismatch(item, text)
    return str(text)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (answer(503, MONGODB), ""),
        (answer(500, MONGODB), "it was answered 500"),
        (answer(404, "No recording found"), "it was answered 404"),
        (answer(503, "Service unavailable"), "does not say that it is about mongo"),
        (answer(503, MONGODB, 15.4), "only after 15.40 s"),
        (replace(answer(503, MONGODB, 7.0), lost_s=5.5), ""),
        (replace(answer(503, MONGODB, 15.4), lost_s=5.5), "only after 9.90 s"),
    ],
)
def test_a_refusal_names_mongodb_in_time(given: Answer, complaint: str) -> None:
    assert complaint in wrong(outages.is_refused_because_mongodb_is_away(LIMIT_S), given)
    assert bool(complaint) == bool(wrong(outages.is_refused_because_mongodb_is_away(LIMIT_S), given))


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (answer(200), ""),
        (answer(503), ""),
        (answer(500), "the server itself failed"),
        (answer(404), "the server itself failed"),
        (answer(503, "", 5.2), "which is too late"),
    ],
)
def test_live_is_answered_or_refused_in_time(given: Answer, complaint: str) -> None:
    assert complaint in wrong(outages.is_no_failure_of_the_server(LIMIT_S), given)


def test_a_server_that_does_not_answer_is_no_opening() -> None:
    failure = ConnectionFailed("POST /configure got no answer: connection refused", "refused", 0.1)
    assert wrong(outages.opens_at_last(), failure) == str(failure)
    assert wrong(outages.is_answered_as_before(200), failure) == str(failure)
    assert "503" in wrong(outages.opens_at_last(), answer(503, MONGODB))


@pytest.mark.parametrize(
    ("before", "after", "as_before"), [(200, 200, True), (500, 500, True), (200, 500, False), (500, 404, False)]
)
def test_a_server_that_failed_before_need_not_be_better_afterwards(before: int, after: int, as_before: bool) -> None:
    assert (wrong(outages.is_answered_as_before(before), answer(after)) == "") is as_before


def pod(name: str, *, ready: bool = True, restarts: int = 0, uid: str = "") -> Pod:
    return Pod.parse(
        {
            "metadata": {"name": name, "uid": uid or name},
            "spec": {"containers": []},
            "status": {
                "phase": "Running",
                "conditions": [{"type": "Ready", "status": str(ready)}],
                "containerStatuses": [{"restartCount": restarts}],
            },
        }
    )


def test_what_crashed_is_gone_then_there_then_ready() -> None:
    before = (pod("mongodb-a"),)
    assert "mongodb-a is still there" in wrong(outages.is_gone_of("MongoDB", before), [pod("mongodb-a")])
    assert wrong(outages.is_gone_of("MongoDB", before), [pod("mongodb-b")]) == ""
    assert wrong(outages.is_there_again("MongoDB", before), []) == "0 of 1 are there again"
    assert "ready: False" in wrong(outages.is_replaced("MongoDB", before), [pod("mongodb-b", ready=False)])
    assert wrong(outages.is_replaced("MongoDB", before), [pod("mongodb-b")]) == ""
    assert wrong(outages.is_replaced("MongoDB", before), []) == "there is no new one"


def test_a_set_keeps_its_names() -> None:
    before = (pod("rabbitmq-panda-0", uid="1"),)
    assert wrong(outages.bears_the_names_of(before), [pod("rabbitmq-panda-0", uid="2")]) == ""
    assert wrong(outages.bears_the_names_of(before), [pod("rabbitmq-panda-1")]) == "it is called rabbitmq-panda-1"


def test_the_replica_count_is_that_of_before() -> None:
    workload = Deployment("Deployment", "mongodb", replicas=2, ready=2, available=2, labels={}, raw={})
    assert "wants 2 and has 2 ready, before it were 1" in wrong(outages.runs_as_often_as("MongoDB", 1), workload)
    assert wrong(outages.runs_as_often_as("MongoDB", 2), workload) == ""
    assert wrong(outages.runs_as_often_as("MongoDB", 2), replace(workload, ready=1)) != ""


def test_a_server_that_was_started_again_is_found() -> None:
    before = {"a": 1}
    assert wrong(outages.were_not_started_again_since(before), [pod("s", uid="a", restarts=1)]) == ""
    assert "1 times" not in wrong(outages.were_not_started_again_since(before), [pod("s", uid="b")])
    assert "s is new" in wrong(outages.were_not_started_again_since(before), [pod("s", uid="b")])
    assert "was started again" in wrong(outages.were_not_started_again_since(before), [pod("s", uid="a", restarts=2)])
    assert wrong(outages.were_not_started_again_since(before), []) == "there is no server"
    assert "was restarted 2 times" in wrong(outages.were_started_once(), [pod("s", restarts=2)])


OPEN, CLOSED = Kept("10:00", None, False), Kept("10:00", "10:40", False)


def state(**recordings: Kept) -> IndexState:
    return IndexState(recordings, tuple(recordings), frozenset({"base_paths", "guid"}), frozenset({"(uuid 1) unique"}))


@pytest.mark.parametrize(
    ("now", "complaint"),
    [
        (state(a=CLOSED, b=OPEN), ""),
        (state(a=CLOSED, b=CLOSED), ""),
        (state(a=CLOSED, b=OPEN, c=OPEN), ""),
        (state(a=CLOSED), "1 of 2 recordings are lost, the first: b"),
        (state(a=OPEN, b=OPEN), "1 recordings have changed, the first: a"),
        (state(a=replace(CLOSED, deleted=True), b=OPEN), "have changed"),
        (replace(state(a=CLOSED, b=OPEN), uuids=("a", "b", "b")), "1 recordings are there twice, the first: b"),
    ],
)
def test_what_an_outage_does_to_the_recordings(now: IndexState, complaint: str) -> None:
    found = wrong(outages.holds_what_it_held(state(a=CLOSED, b=OPEN)), now)
    assert complaint in found and bool(found) == bool(complaint)


def test_a_missing_collection_and_index_are_named() -> None:
    before = state(a=CLOSED)
    now = replace(before, collections=frozenset({"guid"}), indexes=frozenset({"(uuid 1)"}))
    assert wrong(outages.has_the_structure_of(before), now) == (
        "collection base_paths is missing; index (uuid 1) unique is missing"
    )
    more = replace(before, collections=before.collections | {"another"})
    assert wrong(outages.has_the_structure_of(before), more) == ""


class Index:
    """A recording index in memory."""

    def recordings_collection(self, base_path: str) -> str:
        return f"of {base_path}"

    def find(self, collection: str, query: Any = None, *, projection: Any = None) -> list[dict[str, Any]]:
        assert collection == "of /recordings"
        return [{"uuid": "a", "start_time": 1, "end_time": 2, "deleted": False}, {"uuid": "a"}, {"without": "uuid"}]

    def collections(self) -> list[str]:
        return ["base_paths"]

    def indexes(self, collection: str) -> dict[str, dict[str, Any]]:
        return {"x": {"key": [("uuid", 1)], "unique": True}, "y": {"key": [("start_time", -1), ("end_time", 1)]}}


def test_the_state_of_an_index() -> None:
    found = state_of(Index(), "/recordings")
    assert found.uuids == ("a", "a") and set(found.recordings) == {"a"}
    assert found.indexes == {"(uuid 1) unique", "(start_time -1, end_time 1)"}


@pytest.mark.parametrize(
    ("answers", "complaint"),
    [
        ([answer(200), answer(503, MONGODB)], ""),
        ([answer(200), answer(200)], "2 of 2 were opened: not in the middle"),
        ([answer(503, MONGODB)], "0 of 1 were opened: not in the middle"),
        ([answer(200), None], "1 of 2 were neither opened nor refused because of MongoDB; it got no answer"),
        ([answer(200), answer(500)], "1 of 2 were neither opened nor refused because of MongoDB; it was answered 500"),
    ],
)
def test_an_outage_in_the_middle(answers: list[Answer | None], complaint: str) -> None:
    found = wrong(outages.came_in_the_middle(LIMIT_S), answers)
    assert complaint in found and bool(found) == bool(complaint)


@pytest.mark.parametrize(
    ("answers", "complaint"),
    [
        ([answer(200), None], ""),
        ([answer(200), answer(200)], "2 of 2 were opened: not cut short"),
        ([None], "0 of 1 were opened: not cut short"),
        ([answer(200), answer(503, MONGODB), None], "1 of 3 were refused; it was answered 503"),
    ],
)
def test_openings_that_are_cut_short(answers: list[Answer | None], complaint: str) -> None:
    found = wrong(outages.were_cut_short(), answers)
    assert complaint in found and bool(found) == bool(complaint)


@pytest.mark.parametrize(
    ("started", "complaint"),
    [
        ({"3-17": view(job_pod())}, ""),
        ({}, "answered as open, and not there: 3-17"),
        ({"3-17": view(job_pod()), "4-18": view(job_pod())}, "started although it was refused: 4-18"),
        ({"3-17": view(job_pod(), service=None)}, "without a service"),
        ({"3-17": view(job_pod("Pending"), phases=frozenset({"Pending"}))}, "with a service"),
    ],
)
def test_each_opening_is_whole_or_absent(started: dict[str, JobView], complaint: str) -> None:
    """An investigation that was started and then refused is found at once, before the clean-up of idle jobs removes
    it."""
    found = wrong(outages.are_whole(["3-17"]), started)
    assert complaint in found and bool(found) == bool(complaint)
    assert outages.are_too_many(["3-17"]).matches(started) is complaint.startswith("started although")
