"""Writes, indexes and validation through the real driver."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from bson import Binary, Decimal128, Int64, ObjectId, Regex
from pymongo import DeleteOne, InsertOne, ReplaceOne, UpdateMany, UpdateOne
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError, DuplicateKeyError, OperationFailure

from tests.sandbox.mongodb.conftest import Connect

Things = Collection[dict[str, Any]]
UUID_NAME = "0f3c1d52-6a8e-4b0d-9c77-2f1e5ab40c11"


@pytest.fixture
def things(connect: Connect) -> Iterator[Things]:
    collection = connect().prisma[UUID_NAME]
    collection.drop()
    yield collection
    collection.drop()


def code_of(action: Any) -> int | None:
    with pytest.raises(OperationFailure) as failure:
        action()
    return failure.value.code


def test_what_is_stored_comes_back_as_it_was(things: Things) -> None:
    document = {
        "_id": ObjectId(),
        "int": 1,
        "long": Int64(1),
        "double": 1.5,
        "text": "t",
        "none": None,
        "yes": True,
        "when": datetime(2026, 1, 1, 1, 2, 3, 456000, UTC),
        "list": [1, [2], {"a": 3}],
        "binary": Binary(b"x", 128),
        "pattern": Regex("^a", "i"),
        "exact": Decimal128("1.10"),
        "inner": {"b": 1, "a": 2},
    }
    things.insert_one(document)
    stored = things.find_one()
    assert stored == document and list(stored) == list(document)
    assert isinstance(stored["long"], Int64) and not isinstance(stored["int"], Int64)


def test_updates(things: Things) -> None:
    things.insert_many([{"_id": n, "n": n, "list": [n, n + 1]} for n in range(4)])
    assert (
        things.update_one({"_id": 0}, {"$set": {"a.b": 1}, "$inc": {"n": 5}, "$unset": {"x.y": ""}}).modified_count == 1
    )
    assert things.find_one({"_id": 0}) == {"_id": 0, "n": 5, "list": [0, 1], "a": {"b": 1}}
    assert things.update_many({"n": {"$gte": 2}}, {"$unset": {"list": ""}}).matched_count == 3
    assert things.update_one({"_id": 1}, {"$set": {"n": 1}}).modified_count == 0
    result = things.update_one({"name": "new"}, {"$set": {"n": 7}, "$setOnInsert": {"first": True}}, upsert=True)
    assert things.find_one({"_id": result.upserted_id}) == {
        "_id": result.upserted_id,
        "name": "new",
        "n": 7,
        "first": True,
    }
    assert things.replace_one({"_id": 3}, {"only": 1}).modified_count == 1
    assert things.find_one({"_id": 3}) == {"_id": 3, "only": 1}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"$set": {"_id": 9}}, 66),
        ({"$brew": {"a": 1}}, 9),
        ({"$set": {"a": 1}, "$inc": {"a": 1}}, 40),
        ({"$inc": {"text": 1}}, 14),
        ({"$set": {"text.inner": 1}}, 28),
        ({"$set": {"list.0": 1}}, 115),
        ({"$push": {"list": 1}}, 9),
        ({"$set": {"list.$[]": 1}}, 115),
        ({"$rename": {"a": "b"}}, 9),
        ([{"$set": {"a": 1}}], 115),
    ],
)
def test_updates_that_are_refused_change_nothing(things: Things, change: Any, code: int) -> None:
    before = {"_id": 1, "text": "t", "list": [0]}
    things.insert_one(before)
    assert code_of(lambda: things.update_one({"_id": 1}, change)) == code
    assert things.find_one() == before


def test_bulk_writes_stop_or_go_on_at_errors(things: Things) -> None:
    wishes = [
        InsertOne({"_id": 1}),
        InsertOne({"_id": 1}),
        InsertOne({"_id": 2}),
        UpdateMany({}, {"$set": {"a": 1}}),
        UpdateOne({"_id": 3}, {"$set": {"b": 1}}, upsert=True),
        ReplaceOne({"_id": 2}, {"c": 1}),
        DeleteOne({"_id": 1}),
    ]
    with pytest.raises(BulkWriteError) as ordered:
        things.bulk_write(wishes)
    assert ordered.value.details["nInserted"] == 1
    things.delete_many({})
    with pytest.raises(BulkWriteError) as unordered:
        things.bulk_write(wishes, ordered=False)
    (error,) = unordered.value.details["writeErrors"]
    assert (error["index"], error["code"], unordered.value.details["nUpserted"]) == (1, 11000, 1)
    assert sorted(item["_id"] for item in things.find()) == [2, 3]


def test_a_unique_index_names_what_is_there_twice(things: Things) -> None:
    things.create_index("uuid", unique=True)
    things.insert_one({"_id": 1, "uuid": "x"})
    with pytest.raises(DuplicateKeyError) as failure:
        things.insert_one({"_id": 2, "uuid": "x"})
    details = failure.value.details or {}
    assert (details["code"], details["keyPattern"], details["keyValue"]) == (11000, {"uuid": 1}, {"uuid": "x"})
    things.insert_one({"_id": 3, "uuid": "y"})
    assert code_of(lambda: things.update_one({"_id": 3}, {"$set": {"uuid": "x"}})) == 11000
    assert things.find_one({"uuid": "y"}) == {"_id": 3, "uuid": "y"}
    with pytest.raises(DuplicateKeyError):
        things.insert_one({"_id": 1.0})


def test_indexes_are_kept_and_conflicts_refused(things: Things) -> None:
    assert things.create_index([("a", 1), ("b", -1)]) == "a_1_b_-1"
    things.create_index("gone_at", sparse=True)
    assert things.index_information()["gone_at_1"]["sparse"] is True
    assert code_of(lambda: things.create_index([("a", 1), ("b", -1)], name="other")) == 85
    assert code_of(lambda: things.create_index("c", name="a_1_b_-1")) == 86
    assert code_of(lambda: things.create_index("gone_at")) == 85
    assert code_of(lambda: things.drop_index("nope")) == 27
    for field, options in (("text", {}), ("at", {"expireAfterSeconds": 1}), ("a", {"partialFilterExpression": {}})):
        assert code_of(lambda f=field, o=options: things.create_index([(f, "text" if f == "text" else 1)], **o)) == 115
    things.insert_many([{"uuid": 1}, {"uuid": 1}])
    assert code_of(lambda: things.create_index("uuid", unique=True)) == 11000
    assert "uuid_1" not in things.index_information()
    things.drop_indexes()
    assert list(things.index_information()) == ["_id_"]


def test_a_sparse_unique_index_ignores_documents_without_the_field(things: Things) -> None:
    things.create_index("serial", unique=True, sparse=True)
    things.insert_many([{"_id": 1}, {"_id": 2}, {"_id": 3, "serial": 1}])
    assert [item["_id"] for item in things.find({"serial": None}).sort("_id")] == [1, 2]


def test_only_what_stores_something_makes_a_collection(things: Things) -> None:
    assert things.update_one({"a": 1}, {"$set": {"b": 1}}).matched_count == 0
    assert things.delete_many({}).deleted_count == 0
    assert UUID_NAME not in things.database.list_collection_names()
    things.update_one({"a": 1}, {"$set": {"b": 1}}, upsert=True)
    assert things.find_one({}, {"_id": 0}) == {"a": 1, "b": 1}


def test_documents_and_replies_may_be_large(things: Things) -> None:
    things.insert_many([{"_id": n, "text": "x" * 3_000_000} for n in range(12)])
    assert [len(item["text"]) for item in things.find()] == [3_000_000] * 12
