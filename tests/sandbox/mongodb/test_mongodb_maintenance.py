"""Requests of the remedies to the stand-in, other than building an index: index options and builds in progress."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError, OperationFailure

from tests.sandbox.process_runner import RunningProcess

Prisma = Database[dict[str, Any]]


@pytest.fixture
def things(database: Prisma) -> Any:
    database.drop_collection("things")
    database.things.insert_many([{"uuid": "a"}, {"uuid": "b"}])
    database.things.create_index("uuid")
    return database.things


def test_a_hidden_index_is_shown_again(database: Prisma, things: Any) -> None:
    assert database.command("collMod", "things", index={"name": "uuid_1", "hidden": True})["hidden_new"] is True
    assert things.index_information()["uuid_1"]["hidden"] is True
    reply = database.command("collMod", "things", index={"keyPattern": {"uuid": 1}, "hidden": False})
    assert (reply["hidden_old"], reply["hidden_new"]) == (True, False)
    assert "hidden" not in things.index_information()["uuid_1"]


def test_an_index_becomes_unique_when_it_was_prepared(database: Prisma, things: Any) -> None:
    with pytest.raises(OperationFailure, match="prepareUnique"):
        database.command("collMod", "things", index={"name": "uuid_1", "unique": True})
    database.command("collMod", "things", index={"name": "uuid_1", "prepareUnique": True})
    with pytest.raises(DuplicateKeyError):
        things.insert_one({"uuid": "a"})
    assert database.command("collMod", "things", index={"name": "uuid_1", "unique": True})["unique_new"] is True
    info = things.index_information()["uuid_1"]
    assert info["unique"] is True and "prepareUnique" not in info
    with pytest.raises(OperationFailure, match="non-unique"):
        database.command("collMod", "things", index={"name": "uuid_1", "unique": False})


def test_an_index_over_duplicates_does_not_become_unique(database: Prisma, things: Any) -> None:
    things.insert_one({"uuid": "a"})
    database.command("collMod", "things", index={"name": "uuid_1", "prepareUnique": True})
    with pytest.raises(OperationFailure) as refused:
        database.command("collMod", "things", index={"name": "uuid_1", "unique": True})
    assert refused.value.code == 359
    database.command("collMod", "things", index={"name": "uuid_1", "prepareUnique": False})
    things.insert_one({"uuid": "a"})


@pytest.mark.parametrize(
    ("collection", "index", "code"),
    [
        ("nothing", {"name": "uuid_1", "hidden": True}, 26),
        ("things", {"name": "other_1", "hidden": True}, 27),
        ("things", {"name": "uuid_1"}, 72),
        ("things", {"name": "uuid_1", "expireAfterSeconds": 5}, 115),
    ],
)
def test_what_cannot_be_altered_is_refused(
    database: Prisma, things: Any, collection: str, index: dict[str, Any], code: int
) -> None:
    with pytest.raises(OperationFailure) as refused:
        database.command("collMod", collection, index=index)
    assert refused.value.code == code


def test_a_server_that_stands_alone_has_no_quorum(database: Prisma, things: Any) -> None:
    with pytest.raises(OperationFailure, match="commitQuorum"):
        database.command("createIndexes", "things", indexes=[{"key": {"a": 1}, "name": "a_1"}], commitQuorum="majority")


def test_a_build_is_seen_and_given_up(mongodb: RunningProcess, database: Prisma, things: Any, connect: Any) -> None:
    """Its own user sees the build with $ownOps, others only with rights on the cluster. Dropping the index ends it."""
    mongodb.set_faults("index-builds-slow")
    answers: list[Exception] = []

    def build() -> None:
        try:
            things.create_index("start")
        except OperationFailure as error:
            answers.append(error)

    building = threading.Thread(target=build)
    building.start()
    admin = connect().admin
    with pytest.raises(OperationFailure, match="not authorized"):
        admin.command("currentOp")
    seen: list[dict[str, Any]] = []
    while not seen:
        found = admin.command("currentOp", **{"$ownOps": True})["inprog"]
        seen = [one for one in found if "createIndexes" in one["command"]]
    assert seen[0]["ns"] == "prisma.things" and seen[0]["progress"]["total"] == 2
    everything = connect("root", source="admin").admin.command("currentOp")["inprog"]
    assert any("createIndexes" in one["command"] for one in everything)
    database.command("dropIndexes", "things", index="start_1")
    building.join()
    assert [error.code for error in answers] == [276]  # type: ignore[attr-defined]
    assert "start_1" not in things.index_information()
