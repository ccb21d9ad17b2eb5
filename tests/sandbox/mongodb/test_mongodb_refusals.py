"""The errors people meet most, with the code, its name and the sentence a real standalone server gives; and what time
does by itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import Int64
from pymongo import InsertOne, ReadPreference
from pymongo.errors import ClientBulkWriteException, OperationFailure
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from environments.sandbox.mongodb.cursors import IDLE_LIMIT_S, Cursors
from environments.sandbox.mongodb.errors import MongoError
from tests.sandbox.mongodb.conftest import PASSWORD, Connect
from tests.sandbox.process_runner import RunningProcess


def _in_a_transaction(client: Any) -> None:
    with client.start_session() as session, session.start_transaction():
        client.prisma.base_paths.insert_one({}, session=session)


REFUSALS: dict[str, tuple[str, Callable[[Any], Any], int, str, str]] = {
    "wrong password": ("prisma:wrong", lambda c: c.prisma.base_paths.find_one(), 18, "AuthenticationFailed",
                       "Authentication failed."),
    "nobody": ("", lambda c: c.prisma.base_paths.find_one(), 13, "Unauthorized",
               "Command find requires authentication"),
    "reader writes": ("reader", lambda c: c.prisma.base_paths.insert_one({}), 13, "Unauthorized",
                      "not authorized on prisma to execute command"),
    "reader writes by aggregating": ("reader", lambda c: c.prisma.base_paths.aggregate([{"$out": "copy"}]), 13,
                                     "Unauthorized", "not authorized on prisma"),
    "unknown command": ("prisma", lambda c: c.prisma.command("makeCoffee"), 59, "CommandNotFound",
                        "no such command: 'makeCoffee'"),
    "transaction": ("prisma", _in_a_transaction, 20, "IllegalOperation",
                    "Transaction numbers are only allowed on a replica set member or mongos"),
    "cursor": ("prisma", lambda c: c.prisma.command({"getMore": Int64(4711), "collection": "base_paths"}),
               43, "CursorNotFound", "cursor id 4711 not found"),
    "read concern": ("prisma", lambda c: c.prisma.get_collection("base_paths", read_concern=ReadConcern("snapshot"))
                     .find_one(), 123, "NotAReplicaSet", "node needs to be a replica set member"),
    "write concern": ("prisma", lambda c: c.prisma.get_collection("base_paths", write_concern=WriteConcern(w=2))
                      .insert_one({"_id": 7}), 2, "BadValue", "cannot use 'w' > 1 when a host is not replicated"),
    "change stream": ("prisma", lambda c: c.prisma.watch(), 40573, "Location40573", "only supported on replica sets"),
    "replica set": ("prisma", lambda c: c.admin.command("replSetGetStatus"), 76, "NoReplicationEnabled", "--replSet"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals(connect: Connect, name: str) -> None:
    who, action, code, code_name, sentence = REFUSALS[name]
    user, _, password = who.partition(":")
    with pytest.raises(OperationFailure) as failure:
        action(connect(user or None, password or PASSWORD))
    details = failure.value.details or {}
    assert (failure.value.code, details.get("codeName")) == (code, code_name)
    assert sentence in details["errmsg"]


def test_users_by_both_mechanisms(connect: Connect) -> None:
    admin = connect("root", source="admin").elsewhere
    admin.command("createUser", "old", pwd="pencil", roles=["readWrite"], mechanisms=["SCRAM-SHA-1"])
    admin.command("createUser", "new", pwd="pencil", roles=[{"role": "read", "db": "elsewhere"}])
    (old,) = admin.command("usersInfo", "old")["users"]
    assert (old["roles"], old["mechanisms"]) == ([{"role": "readWrite", "db": "elsewhere"}], ["SCRAM-SHA-1"])
    assert {user["user"] for user in admin.command("usersInfo", 1)["users"]} == {"old", "new"}
    assert connect("old", "pencil", "elsewhere").elsewhere.things.insert_one({}).acknowledged
    assert connect("old", "pencil", "elsewhere", authMechanism="SCRAM-SHA-1").elsewhere.things.count_documents({}) == 1
    for refused in ({"password": "pen"}, {"authMechanism": "SCRAM-SHA-256"}):
        with pytest.raises(OperationFailure) as failure:
            connect("old", **{"password": "pencil", "source": "elsewhere", **refused}).elsewhere.things.find_one()
        assert failure.value.code == 18
    admin.command("updateUser", "new", pwd="pen", roles=["readWrite"])
    assert connect("new", "pen", "elsewhere").elsewhere.things.insert_one({}).acknowledged
    assert admin.command("dropAllUsersFromDatabase")["n"] == 2
    admin.client.drop_database("elsewhere")


def test_one_command_may_change_several_collections(connect: Connect) -> None:
    client = connect()
    operations = [
        InsertOne({"_id": 1}, namespace="prisma.bulk_a"),
        InsertOne({"_id": 1}, namespace="prisma.bulk_b"),
        InsertOne({"_id": 1}, namespace="prisma.bulk_b"),
    ]
    with pytest.raises(ClientBulkWriteException) as failure:
        client.bulk_write(operations)
    assert [error["code"] for error in failure.value.write_errors] == [11000]
    assert failure.value.partial_result.inserted_count == 2
    with pytest.raises(ClientBulkWriteException) as refused:
        connect("reader").bulk_write(operations)
    assert isinstance(refused.value.error, OperationFailure) and refused.value.error.code == 13
    for name in ("bulk_a", "bulk_b"):
        assert client.prisma[name].count_documents({}) == 1
        client.prisma[name].drop()


def test_an_aggregation_may_end_in_a_collection(connect: Connect) -> None:
    database = connect().prisma
    database.source.insert_many([{"_id": n, "n": n} for n in range(4)])
    database.target.insert_one({"_id": 1, "kept": True})
    database.source.aggregate([{"$match": {"n": {"$lt": 3}}}, {"$merge": {"into": "target"}}])
    assert list(database.target.find().sort("_id")) == [
        {"_id": 0, "n": 0},
        {"_id": 1, "kept": True, "n": 1},
        {"_id": 2, "n": 2},
    ]
    database.source.aggregate([{"$limit": 1}, {"$out": "target"}])
    assert list(database.target.find()) == [{"_id": 0, "n": 0}]
    with pytest.raises(OperationFailure) as failure:
        database.source.aggregate([{"$merge": {"into": "target", "whenMatched": "fail"}}])
    assert failure.value.code == 11000
    database.source.drop()
    database.target.drop()


def test_old_documents_go_by_themselves(connect: Connect) -> None:
    """Without being asked for: the server looks every 60 s, which the time scale makes 1.2 s."""
    things = connect().prisma.fading
    things.create_index("at", expireAfterSeconds=1)
    things.insert_many(
        [{"_id": "old", "at": datetime.now(UTC)}, {"_id": "young", "at": datetime.now(UTC) + timedelta(hours=1)}]
    )
    deadline_s = time.monotonic() + 15
    while things.count_documents({}) > 1:
        assert time.monotonic() < deadline_s, "the old document is still there"
    assert [document["_id"] for document in things.find()] == ["young"]
    things.drop()


def test_a_cursor_nobody_reads_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    cursors = Cursors()
    forgotten, read = (cursors.start("prisma.things", [{}] * 5, None, batch_size=1)["id"] for _ in range(2))
    later_s = time.monotonic() + IDLE_LIMIT_S - 1
    monkeypatch.setattr("environments.sandbox.mongodb.cursors.time.monotonic", lambda: later_s)
    cursors.more(read, "prisma.things", None, 1)
    monkeypatch.setattr("environments.sandbox.mongodb.cursors.time.monotonic", lambda: later_s + 2)
    cursors.sweep()
    assert len(cursors.more(read, "prisma.things", None, 1)["nextBatch"]) == 1
    with pytest.raises(MongoError) as failure:
        cursors.more(forgotten, "prisma.things", None, 1)
    assert failure.value.code == 43


def test_a_descending_index_gives_its_order(connect: Connect) -> None:
    things = connect().prisma.falling
    things.insert_many([{"_id": n, "n": n} for n in range(5)])
    things.create_index([("n", -1)])
    assert [item["n"] for item in things.find({"n": {"$gt": 2}})] == [4, 3]
    stage = things.find({"n": {"$gt": 2}}).explain()["queryPlanner"]["winningPlan"]["inputStage"]
    assert (stage["stage"], stage["direction"]) == ("IXSCAN", "forward")
    assert [item["n"] for item in things.find({"n": {"$gt": 2}}).sort("n", 1)] == [3, 4]
    things.drop()


def test_conditions_no_value_can_meet_are_met_by_none(connect: Connect) -> None:
    """Both hold for a range of the index whose end lies before its beginning."""
    things = connect().prisma.contradictory
    things.insert_many([{"a": value} for value in (False, True, datetime(2026, 1, 1))])
    things.create_index("a")
    assert things.count_documents({"a": {"$gt": False, "$gte": datetime(2026, 1, 2)}}) == 0
    assert (
        things.database.command("count", things.name, query={"a": {"$gte": datetime(2027, 1, 1), "$lt": False}})["n"]
        == 0
    )
    things.drop()


def test_connections_are_counted_one_by_one(connect: Connect, mongodb: RunningProcess) -> None:
    watcher = connect(maxPoolSize=1)
    before = watcher.admin.command("serverStatus")["connections"]["totalCreated"]
    clients = [connect(maxPoolSize=1, directConnection=True, read_preference=ReadPreference.PRIMARY) for _ in range(4)]
    for client in clients:
        client.admin.command("ping")
    during = watcher.admin.command("serverStatus")["connections"]
    assert during["totalCreated"] - before >= 4
    assert during["current"] == mongodb.request("state")["connections"]["current"]
