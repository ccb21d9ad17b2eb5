"""The most common errors, with the code, name and message of a real standalone server."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from bson import Int64
from pymongo import ReadPreference
from pymongo.errors import OperationFailure
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

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
    "unknown command": ("prisma", lambda c: c.prisma.command("makeCoffee"), 59, "CommandNotFound",
                        "no such command: 'makeCoffee'"),
    "find and modify": ("prisma", lambda c: c.prisma.base_paths.find_one_and_delete({}), 59, "CommandNotFound",
                        "no such command: 'findAndModify'"),
    "users": ("root", lambda c: c.admin.command("createUser", "x", pwd="y", roles=["root"]), 59, "CommandNotFound",
              "no such command: 'createUser'"),
    "validator": ("prisma", lambda c: c.prisma.create_collection("strict", validator={"a": 1}), 115,
                  "CommandNotSupported", "create with 'validator' is not supported"),
    "variables": ("prisma", lambda c: c.prisma.base_paths.find_one({}, let={"a": 1}), 115, "CommandNotSupported",
                  "find with 'let' is not supported"),
    "wrong type": ("prisma", lambda c: c.prisma.command("find", "base_paths", limit="many"), 14, "TypeMismatch",
                   "BSON field 'find.limit' is the wrong type 'str'"),
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
        action(connect(user or None, password or PASSWORD, "admin" if user == "root" else "prisma"))
    details = failure.value.details or {}
    assert (failure.value.code, details.get("codeName")) == (code, code_name)
    assert sentence in details["errmsg"]


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
    """Both conditions yield an index range whose end is before its beginning."""
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
