"""Writing, reading and changing documents."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from bson import Binary, Decimal128, Int64
from pymongo import DeleteOne, InsertOne, UpdateOne
from pymongo.errors import DuplicateKeyError

from tools.conformance.database.probing import Server, refusal, registry, stages
from tools.conformance.facts import Value

_WHEN = datetime(2025, 12, 1, 1, 2, 3, 4000, UTC)


@registry.probe("types")
def types(server: Server) -> dict[str, Value]:
    """Check that values come back as they were sent."""
    sent = {
        "_id": 1, "text": "ש", "long": Int64(2**53), "half": 0.5, "none": None, "when": _WHEN,
        "decimal": Decimal128("0.1"), "uuid": Binary.from_uuid(UUID(int=1)), "list": [1, {"a": []}], "empty": {},
    }  # fmt: skip
    server.database.types.insert_one(dict(sent))
    found = server.database.types.find_one() or {}
    return {"lost": [key for key, value in sent.items() if found.get(key) != value], "order": list(found)}


@registry.probe("reading")
def reading(server: Server) -> dict[str, Value]:
    """Run find, count, distinct and aggregate as the suite and the server do."""
    sheep = server.filled("reading")
    grouped = sheep.aggregate([{"$group": {"_id": "$even", "sum": {"$sum": "$n"}}}, {"$sort": {"_id": 1}}])
    found = sheep.find({"n": {"$gte": 95}}, {"_id": 0, "n": 1}).sort("n", -1).limit(3)
    return {
        "find": [str(each) for each in found],
        "batches": len(list(sheep.find(batch_size=7))),
        "count": sheep.count_documents({"even": True}),
        "estimated": sheep.estimated_document_count(),
        "distinct": sorted(map(str, sheep.distinct("even"))),
        "aggregate": [str(each) for each in grouped],
        "null-finds-absent": sheep.count_documents({"missing": None}),
        "regular-expression": server.filled("words", 1).count_documents({"even": {"$regex": "x"}}),
    }


@registry.probe("writing")
def writing(server: Server) -> dict[str, Value]:
    """Run updates, upserts, bulk writes and deletions, and record the counts."""
    sheep = server.filled("writing")
    many = sheep.update_many({"n": {"$gte": 90}}, {"$set": {"old": True}, "$inc": {"n": 1000}, "$unset": {"even": ""}})
    same = sheep.update_one({"_id": 1}, {"$set": {"n": 1}})
    upserted = sheep.update_one({"_id": 500}, {"$setOnInsert": {"n": 5}}, upsert=True)
    replaced = sheep.replace_one({"_id": 2}, {"n": "two"})
    bulk = sheep.bulk_write(
        [InsertOne({"_id": 900}), UpdateOne({"_id": 900}, {"$set": {"n": 1}}), DeleteOne({"_id": 900})]
    )
    return {
        "many": f"{many.matched_count} {many.modified_count}",
        "same": f"{same.matched_count} {same.modified_count}",
        "upserted": str(upserted.upserted_id),
        "replaced": str(sheep.find_one({"_id": 2})) + f" {replaced.modified_count}",
        "bulk": f"{bulk.inserted_count} {bulk.modified_count} {bulk.deleted_count}",
        "deleted": sheep.delete_many({"old": True}).deleted_count,
        "left": sheep.count_documents({}),
    }


@registry.probe("duplicates")
def duplicates(server: Server) -> dict[str, Value]:
    """Insert a key twice, and record which other documents of the batch are stored."""
    sheep = server.filled("duplicates", 3)
    sheep.create_index("n", unique=True)
    try:
        sheep.insert_one({"_id": 9, "n": 1})
    except DuplicateKeyError as error:
        told = error.details or {}
    else:
        told = {}
    return {
        "code": int(told.get("code", 0)),
        "pattern": str(told.get("keyPattern")),
        "value": str(told.get("keyValue")),
        "unordered": refusal(lambda: sheep.insert_many([{"_id": 1}, {"_id": 10, "n": 10}], ordered=False)),
        "stored": sheep.count_documents({"_id": 10}),
    }


@registry.probe("indexes")
def indexes(server: Server) -> dict[str, Value]:
    """Create indexes, and record whether query plans use them."""
    sheep = server.filled("indexes")
    name = sheep.create_index([("n", 1), ("even", -1)])
    sheep.create_index("even", sparse=True)
    scan = sheep.find({"other": 5}).explain()
    used = sheep.find({"n": {"$gte": 5, "$lt": 8}}).explain()
    counted = used["executionStats"]
    return {
        "name": name,
        "names": sorted(sheep.index_information()),
        "scan": stages(scan["queryPlanner"]["winningPlan"]),
        "scan-examined": scan["executionStats"]["totalDocsExamined"],
        "used": stages(used["queryPlanner"]["winningPlan"]),
        "used-keys": counted["totalKeysExamined"],
        "used-documents": counted["totalDocsExamined"],
        "by-id": stages(sheep.find({"_id": 5}).explain()["queryPlanner"]["winningPlan"]),
        "bad-hint": refusal(lambda: list(sheep.find().hint("nope"))),
        "drop-missing": refusal(lambda: sheep.drop_index("nope")),
        "other-options": refusal(lambda: sheep.create_index([("n", 1), ("even", -1)], unique=True)),
    }
