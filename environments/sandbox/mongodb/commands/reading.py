"""find, getMore, killCursors, count, distinct, aggregate."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

from bson import Int64

from environments.sandbox.mongodb.commands.catalogue import batch_size
from environments.sandbox.mongodb.commands.registry import (
    ANY,
    ARRAY,
    DOCUMENT,
    FLAG,
    HINT,
    NUMBER,
    TEXT,
    Request,
    command,
)
from environments.sandbox.mongodb.query.pipeline import run_pipeline, split_pipeline
from environments.sandbox.mongodb.query.planner import Plan, choose
from environments.sandbox.mongodb.query.projection import compile_projection
from environments.sandbox.mongodb.query.sorting import check_sort, sort_documents
from environments.sandbox.mongodb.query.stages import Context
from environments.sandbox.mongodb.storage import paths
from environments.sandbox.mongodb.storage.collection import Collection, Document
from environments.sandbox.mongodb.storage.ordering import MISSING, sort_key
from environments.sandbox.mongodb.wire.errors import Code, MongoError, refused

FIND_FIELDS = {
    "filter": DOCUMENT, "sort": DOCUMENT, "projection": DOCUMENT, "hint": HINT, "skip": NUMBER, "limit": NUMBER,
    "batchSize": NUMBER, "singleBatch": FLAG, "allowDiskUse": FLAG, "noCursorTimeout": FLAG,
}  # fmt: skip
COUNT_FIELDS = {"query": DOCUMENT, "limit": NUMBER, "skip": NUMBER, "hint": HINT}
AGGREGATE_FIELDS = {"pipeline": ARRAY, "cursor": DOCUMENT, "explain": FLAG, "allowDiskUse": FLAG, "hint": HINT}


def number(request: Request, field: str, default: int = 0) -> int:
    """A whole number, even if it is sent as a double."""
    value = request.option(field, default)
    if value != int(value):
        raise MongoError(Code.BadValue, f"{field} must be a whole number")
    return int(value)


def stored_or_empty(request: Request) -> Collection:
    """The collection that the command reads; a missing one counts as empty."""
    found = request.instance.store.find(request.database, request.collection)
    return found if found is not None else Collection(request.database, request.collection)


def plan_find(request: Request, collection: Collection) -> tuple[Plan, dict[str, int]]:
    """The plan of a find, and the requested order."""
    sort = check_sort(request.option("sort", {}))
    return choose(collection, request.option("filter", {}), sort, request.option("hint")), sort


def plan_count(request: Request, collection: Collection) -> Plan:
    """The plan of a count or a distinct."""
    return choose(collection, request.option("query", {}), hint=request.option("hint"))


def found(request: Request, collection: Collection, plan: Plan, sort: dict[str, int]) -> list[Document]:
    """The documents of a find in order, before its projection."""
    skip, limit = number(request, "skip"), number(request, "limit")
    for field, value in (("skip", skip), ("limit", limit)):
        if value < 0:
            raise MongoError(51024, f"BSON field '{field}' value must be >= 0, actual value '{value}'")
    documents: Iterable[Document] = (document for _, document in plan.run(collection, request.deadline))
    if sort and not plan.sorted:
        documents = sort_documents(documents, sort)
        request.deadline.check()
    return list(itertools.islice(documents, skip, skip + limit if limit else None))


@command("find", "read", FIND_FIELDS)
def find(request: Request) -> dict[str, Any]:
    project = compile_projection(request.option("projection", {}))
    collection = stored_or_empty(request)
    documents = found(request, collection, *plan_find(request, collection))
    size, limit = number(request, "batchSize", -1), number(request, "limit")
    once = bool(request.option("singleBatch", False))
    wanted = None if size < 0 else size
    if once and wanted is None:
        wanted = len(documents)
    return {"cursor": request.instance.cursors.start(
        request.namespace, map(project, documents), request.owner, wanted, once, limit)}  # fmt: skip


@command("getMore", "", {"collection": TEXT, "batchSize": NUMBER, "term": ANY, "lastKnownCommittedOpTime": ANY})
def get_more(request: Request) -> dict[str, Any]:
    cursor_id = request.body["getMore"]
    if not isinstance(cursor_id, int):
        raise MongoError(Code.TypeMismatch, "getMore needs a cursor id of type long")
    namespace, size = f"{request.database}.{request.need('collection')}", number(request, "batchSize")
    if size < 0:
        raise MongoError(Code.BadValue, "batchSize must be a non-negative number")
    return {"cursor": request.instance.cursors.more(cursor_id, namespace, request.owner, size)}


@command("killCursors", "", {"cursors": ARRAY})
def kill_cursors(request: Request) -> dict[str, Any]:
    asked = request.need("cursors")
    if not all(isinstance(cursor, int) for cursor in asked):
        raise MongoError(Code.TypeMismatch, "BSON field 'killCursors.cursors' takes ids of type long")
    results = {cursor: request.instance.cursors.kill(cursor) for cursor in asked}
    killed = [Int64(cursor) for cursor, was_open in results.items() if was_open]
    unknown = [Int64(cursor) for cursor, was_open in results.items() if not was_open]
    return {"cursorsKilled": killed, "cursorsNotFound": unknown, "cursorsAlive": [], "cursorsUnknown": []}


@command("count", "read", COUNT_FIELDS)
def count(request: Request) -> dict[str, Any]:
    collection = stored_or_empty(request)
    skip, limit = number(request, "skip"), abs(number(request, "limit"))
    total = max(0, plan_count(request, collection).count(collection, request.deadline) - skip)
    return {"n": min(total, limit) if limit else total}


@command("distinct", "read", {"key": TEXT, "query": DOCUMENT, "hint": HINT})
def distinct(request: Request) -> dict[str, Any]:
    parts, collection = paths.split(request.need("key")), stored_or_empty(request)
    values: dict[Any, Any] = {}
    for _, document in plan_count(request, collection).run(collection, request.deadline):
        for leaf in paths.leaves(document, parts):
            for value in leaf if isinstance(leaf, list) else [leaf]:
                if value is not MISSING:
                    values.setdefault(sort_key(value), value)
    return {"values": [values[key] for key in sorted(values)]}


@command("aggregate", "read", AGGREGATE_FIELDS)
def aggregate(request: Request) -> dict[str, Any]:
    stages = request.need("pipeline")
    if request.option("explain", False):
        raise refused("aggregate with 'explain'")
    if "cursor" not in request.body:
        text = "The 'cursor' option is required, except for aggregate with the explain argument"
        raise MongoError(Code.FailedToParse, text)
    size = batch_size(request)
    results = _results(request, stages)
    return {"cursor": request.instance.cursors.start(request.namespace, results, request.owner, size)}


def _results(request: Request, stages: list[Any]) -> list[Document]:
    """All documents of an aggregation."""
    if not isinstance(request.body["aggregate"], str):
        if stages and isinstance(stages[0], dict) and "$changeStream" in stages[0]:
            raise MongoError(40573, "The $changeStream stage is only supported on replica sets")
        raise refused("aggregate without a collection")
    collection = request.instance.store.find(request.database, request.collection)
    context = Context(request.instance.store, request.database, request.collection)
    if collection is None:
        return list(run_pipeline([], stages, context))
    query, sort, rest = split_pipeline(stages)
    plan = choose(collection, query, sort, request.option("hint"))
    field = _counts_only(rest)
    if field is not None and not sort:
        total = plan.count(collection, request.deadline)
        return [{"_id": 1, field: total}] if total else []
    documents = (document for _, document in plan.run(collection, request.deadline))
    return list(run_pipeline(documents, rest[1:] if sort and plan.sorted else rest, context))


def _counts_only(rest: list[Any]) -> str | None:
    """The field name of a pipeline that only counts, as drivers send it for ``count_documents``; None for any other."""
    return "n" if rest == [{"$group": {"_id": 1, "n": {"$sum": 1}}}] else None
