"""Checks of the index: its place, its query plans, its metadata, and secrets in its answers."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hamcrest.core.string_description import StringDescription

from support.checks import passwords, recording_index, sampling
from support.checks.matcher import Judged
from support.checks.passwords import passwords_in
from support.clients.focus_server.client import Answer
from support.clients.mongodb.client import BasePath
from support.data_quality.passwords import suspects
from support.data_quality.searches import search_from
from support.model.commands import Commands
from support.model.recording_index import Lookups, Search, StoragePath
from support.model.sampling import sampling_of_live_fibre, sampling_of_recording

BROKER = "amqp://prisma:" + "letmein" + "@rabbitmq:5672"


def trouble(matcher: Judged[Any], found: Any) -> str | None:
    if matcher.matches(found):
        return None
    description = StringDescription()
    matcher.describe_mismatch(found, description)
    return str(description)


def path(*guids: str) -> StoragePath:
    entries = tuple(BasePath("/segy", guid, False, {}) for guid in guids)
    return StoragePath("/segy", entries, frozenset({"a", "b"}))


def test_a_storage_path_has_one_entry_with_a_collection() -> None:
    every = (
        recording_index.has_an_entry(),
        recording_index.has_its_collection(),
        recording_index.has_no_second_entry(),
    )
    assert [trouble(check, path("a")) for check in every] == [None, None, None]
    assert trouble(every[0], path()) == "base_paths has no live entry for /segy"
    assert trouble(every[1], path()) == "/segy leads to nothing, which is no collection"
    assert trouble(every[1], path("c")) == "/segy leads to c, which is no collection"
    assert trouble(every[2], path("a", "b")) == "2 live entries for /segy: a, b"


def lookups(**indexes: dict[str, Any]) -> Lookups:
    return Lookups("recordings", {"_id_": {"key": [("_id", 1)]}, **indexes})


@pytest.mark.parametrize(
    ("index", "said"),
    [
        ({"key": [("start_time", 1)]}, None),
        ({"key": [("start_time", -1), ("deleted", 1)]}, None),
        ({"key": [("deleted", 1), ("start_time", 1)]}, "recordings has no index by start_time"),
        ({"key": [("start_time", 1)], "hidden": True}, "the index by start_time is hidden"),
        ({"key": [("start_time", 1)], "partialFilterExpression": {}}, "the index by start_time is partial"),
    ],
)
def test_an_index_is_known_by_its_first_key(index: dict[str, Any], said: str | None) -> None:
    assert trouble(recording_index.has_an_index_by("start_time"), lookups(any_name=index)) == said


def test_a_usable_index_beside_a_hidden_one_is_enough() -> None:
    both = lookups(one={"key": [("uuid", 1)], "hidden": True}, other={"key": [("uuid", 1), ("deleted", 1)]})
    assert trouble(recording_index.has_an_index_by("uuid"), both) is None


def test_uniqueness_is_of_the_uuid_alone() -> None:
    check = recording_index.admits_each_uuid_once()
    assert trouble(check, lookups(name={"key": [("uuid", 1)], "unique": True})) is None
    assert "is not unique" in str(trouble(check, lookups(name={"key": [("uuid", 1)]})))
    assert "no index by uuid" in str(trouble(check, lookups(n={"key": [("uuid", 1), ("x", 1)], "unique": True})))


@pytest.mark.parametrize(
    ("plan", "good"),
    [
        ({"stage": "FETCH", "inputStage": {"stage": "IXSCAN"}}, True),
        ({"queryPlan": {"stage": "FETCH", "inputStage": {"stage": "IXSCAN"}}, "slotBasedPlan": {}}, True),
        ({"stage": "EXPRESS_IXSCAN"}, True),
        ({"stage": "COLLSCAN"}, False),
        ({"stage": "OR", "inputStages": [{"stage": "IXSCAN"}, {"stage": "COLLSCAN"}]}, False),
        ({"stage": "EOF"}, False),
        ({}, False),
    ],
)
def test_a_search_is_judged_by_its_plan(plan: dict[str, Any], good: bool) -> None:
    search = search_from({"queryPlanner": {"winningPlan": plan}, "executionStats": {"totalDocsExamined": 9}})
    assert (trouble(recording_index.uses_an_index(), search) is None) is good


def test_a_bad_plan_is_told() -> None:
    said = trouble(recording_index.uses_an_index(), Search(("SORT", "COLLSCAN"), 9))
    assert said == "it is answered by SORT of COLLSCAN, which read 9 documents"


def test_a_password_is_found_wherever_it_stands_and_never_told() -> None:
    value = {"a": [{"cmd": f"x --amqp {BROKER}/vhost"}], "b": 5, "c": f"{BROKER} and mongodb://u:{'p' * 3}@h"}
    assert list(passwords_in(value)) == ["amqp://rabbitmq:5672", "amqp://rabbitmq:5672", "mongodb://h"]


@pytest.mark.parametrize(
    "text",
    [
        "amqp://rabbitmq:5672/a@b",
        "http://host:80/x",
        "amqp://u:***@h",
        "amqp://u:${PASSWORD}@h",
        "amqp://u@h",
        "a: b@c",
    ],
)
def test_what_is_no_password_is_left_alone(text: str) -> None:
    assert list(passwords_in(text)) == []


def tree(*commands: str) -> dict[str, Any]:
    level: dict[str, Any] | None = None
    for command in reversed(commands):
        level = {"layer_type": f"layer {command[:1]}", "cmd": command, "parent": level}
    return {"uuid": "5a1e", "fiber_metadata": level}


def commands(*documents: dict[str, Any]) -> Commands:
    return Commands(documents, "recordings", there_are_some=True)


def test_a_command_with_a_password_is_named_by_its_level() -> None:
    said = trouble(passwords.no_command_carries_a_password(), commands(tree("a", f"b {BROKER}", "c")))
    assert said == "recording 5a1e: the command of layer b carries a password for amqp://rabbitmq:5672"
    assert trouble(passwords.no_command_carries_a_password(), commands(tree("a", "b"))) is None
    assert trouble(passwords.no_command_carries_a_password(), commands()) is None


def test_levels_the_search_does_not_reach_are_an_offence() -> None:
    said = trouble(passwords.no_command_carries_a_password(), commands(tree(*["x"] * 13)))
    assert said == "recording 5a1e has 13 levels of metadata"
    parts = suspects()["$or"]
    assert len(parts) == 13 and list(parts[-1]) == ["fiber_metadata" + ".parent" * 12]
    assert re.search(parts[1]["fiber_metadata.parent.cmd"]["$regex"], f"x --amqp {BROKER}/")


def answer(status: int, body: Any) -> Answer:
    return Answer(status=status, headers={}, body=json.dumps(body).encode(), duration_s=0.1, request="POST")


def test_an_answer_is_searched_as_a_whole() -> None:
    check = passwords.carries_no_password()
    assert trouble(check, answer(200, {"metadata": {"cmd": "plain"}})) is None
    said = trouble(check, answer(200, {"metadata": {"parent": {"cmd": BROKER}}}))
    assert said == "the answer carries a password for amqp://rabbitmq:5672"
    assert "404" in str(trouble(check, answer(404, {"error": "none"})))


def recording(recorder: int | None = 9791, **changes: Any) -> dict[str, Any]:
    fibre = {"layer_type": "prp2_recording", "prr": 2000, "dx": 1.02, "dtype": "float32", "decimation_factor_x": 4}
    fibre = {**fibre, "num_samples_per_trace": 9791, **changes}
    own = {} if recorder is None else {"num_samples_per_trace": recorder}
    return {"uuid": "5a1e", "fiber_metadata": {"layer_type": "smart_recorder", **own, "parent": fibre}}


TYPE, SAMPLING, AGREEMENT = (
    sampling.names_an_allowed_type(),
    sampling.describes_the_sampling(),
    sampling.agrees_on_samples_and_channels(),
)


@pytest.mark.parametrize(
    ("check", "document", "said"),
    [
        (TYPE, recording(), None),
        (TYPE, recording(dtype="int16"), None),
        (TYPE, recording(dtype=None), "recording 5a1e names no dtype"),
        (TYPE, recording(dtype="complex64"), "recording 5a1e has dtype 'complex64'"),
        (TYPE, {"uuid": "5a1e"}, "recording 5a1e names no dtype"),
        (SAMPLING, recording(), None),
        (SAMPLING, recording(prr=0, dx="1"), "recording 5a1e has prr 0, dx '1'"),
        (SAMPLING, recording(num_samples_per_trace=True), None),
        (AGREEMENT, recording(), None),
        (AGREEMENT, recording(None), None),
        (AGREEMENT, recording(9790), "9790 samples (smart_recorder) but 9791 samples (prp2_recording)"),
        (AGREEMENT, recording(decimation_factor_x=0.5), "has 19582 channels made of 9791 samples"),
        (AGREEMENT, recording(decimation_factor_x=None), "and channels None"),
    ],
)
def test_recordings_tell_their_sampling(check: Judged[Any], document: dict[str, Any], said: str | None) -> None:
    found = trouble(check, [sampling_of_recording(document)])
    assert found == said if said is None else said in str(found)


def test_the_live_fibre_tells_its_sampling() -> None:
    good = {"dtype": "float32", "prr": 2000.0, "dx": 1.02, "num_samples_per_trace": 8888, "number_of_channels": 2222}
    for check in (TYPE, SAMPLING, AGREEMENT):
        assert trouble(check, [sampling_of_live_fibre(good)]) is None
        assert trouble(check, []) == "there is no recording to look at"
    few = sampling_of_live_fibre({**good, "num_samples_per_trace": 2221})
    assert trouble(AGREEMENT, [few]) == "the live fibre has 2222 channels made of 2221 samples"
    none = sampling_of_live_fibre({"number_of_channels": 2222})
    assert "prr None" in str(trouble(SAMPLING, [none])) and "samples []" in str(trouble(AGREEMENT, [none]))
