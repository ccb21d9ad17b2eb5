"""Aggregation pipelines. All stages are checked first, and then run one after the other."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from environments.sandbox.mongodb.query.matching import compile_filter
from environments.sandbox.mongodb.query.numbers import total
from environments.sandbox.mongodb.query.projection import compile_expression, compile_projection, now_milliseconds
from environments.sandbox.mongodb.query.sorting import check_sort, sort_documents
from environments.sandbox.mongodb.storage.collection import Collection
from environments.sandbox.mongodb.storage.ordering import MISSING, Key, sort_key
from environments.sandbox.mongodb.storage.store import Store
from environments.sandbox.mongodb.wire.errors import Code, MongoError

Accumulator = Callable[[list[Any]], Any]


def _accumulator(spec: Any, now: datetime) -> Accumulator:
    """Compile an accumulator into a function of the documents of one group; an unknown accumulator is error 15952."""
    if not isinstance(spec, dict) or len(spec) != 1:
        raise MongoError(40234, "The field must be an accumulator object")
    ((name, operand),) = spec.items()
    if name != "$sum":
        raise MongoError(15952, f"unknown group operator '{name}'")
    evaluate = compile_expression(operand, now)
    return lambda documents: total(map(evaluate, documents))


def compile_group(operand: Any, now: datetime) -> Callable[[Iterable[Any]], Iterable[Any]]:
    """Compile a ``$group`` stage; groups are in the order of their first documents."""
    if not isinstance(operand, dict) or "_id" not in operand:
        raise MongoError(15955, "a group specification must include an _id")
    identity = compile_expression(operand["_id"], now)
    fields = {name: _accumulator(spec, now) for name, spec in operand.items() if name != "_id"}

    def group(documents: Iterable[Any]) -> Iterable[Any]:
        groups: dict[Key, tuple[Any, list[Any]]] = {}
        for document in documents:
            value = identity(document)
            value = None if value is MISSING else value
            groups.setdefault(sort_key(value), (value, []))[1].append(document)
        for value, members in groups.values():
            yield {"_id": value, **{name: accumulate(members) for name, accumulate in fields.items()}}

    return group


Documents = Iterable[dict[str, Any]]
Stage = Callable[[Documents], Documents]


@dataclass(frozen=True)
class Context:
    """The context that stages need besides their documents."""

    store: Store
    database: str
    collection: str
    now: datetime = field(default_factory=now_milliseconds)


def storage_stats(collection: Collection, scale: int = 1) -> dict[str, Any]:
    """Counts and sizes as ``collStats`` shows them; sizes are of the documents in BSON, in units of ``scale`` bytes."""
    size, count = collection.data_bytes(), len(collection.documents)
    return {"size": size // scale, "count": count, "avgObjSize": size // count if count else 0,
            "storageSize": size // scale, "nindexes": len(collection.indexes), "capped": False, "scaleFactor": scale,
            "indexSizes": {index.name: len(index.entries) for index in collection.indexes.values()}}  # fmt: skip


def _match(operand: Any, _: Context) -> Stage:
    if not isinstance(operand, dict):
        raise MongoError(15959, "the match filter must be an expression in an object")
    test = compile_filter(operand)
    return lambda documents: (document for document in documents if test(document))


def _project(operand: Any, context: Context) -> Stage:
    if not isinstance(operand, dict) or not operand:
        text = "Invalid $project :: caused by :: projection specification must have at least one field"
        raise MongoError(51272, text)
    project = compile_projection(operand, context.now)
    return lambda documents: map(project, documents)


def _sort(operand: Any, _: Context) -> Stage:
    sort = check_sort(operand)
    return lambda documents: sort_documents(documents, sort)


def _number(name: str, code: int, operand: Any, least: int) -> int:
    if isinstance(operand, bool) or not isinstance(operand, (int, float)) or operand % 1 or operand < least:
        raise MongoError(code, f"invalid argument to {name} stage: {operand!r}")
    return int(operand)


def _limit(operand: Any, _: Context) -> Stage:
    count = _number("$limit", 15958, operand, 1)
    return lambda documents: itertools.islice(documents, count)


def _skip(operand: Any, _: Context) -> Stage:
    count = _number("$skip", 15956, operand, 0)
    return lambda documents: itertools.islice(documents, count, None)


def _count(operand: Any, _: Context) -> Stage:
    if not isinstance(operand, str) or not operand or operand.startswith("$") or "." in operand:
        raise MongoError(40156, "the count field must be a non-empty string without '$' and '.'")

    def count(documents: Documents) -> Documents:
        number = sum(1 for _ in documents)
        if number:
            yield {operand: number}

    return count


def _coll_stats(operand: Any, context: Context) -> Stage:
    collection = context.store.require(context.database, context.collection)
    if not isinstance(operand, dict) or set(operand) - {"count", "storageStats"}:
        raise MongoError(
            Code.CommandNotSupported, f"$collStats takes only count and storageStats on this server, not {operand}"
        )

    def stats(_: Documents) -> Documents:
        answer: dict[str, Any] = {"ns": collection.namespace, "localTime": context.now}
        if "count" in operand:
            answer["count"] = len(collection.documents)
        if "storageStats" in operand:
            answer["storageStats"] = storage_stats(collection)
        yield answer

    return stats


STAGES: Mapping[str, Callable[[Any, Context], Stage]] = {
    "$match": _match,
    "$project": _project,
    "$group": lambda operand, context: compile_group(operand, context.now),
    "$sort": _sort,
    "$limit": _limit,
    "$skip": _skip,
    "$count": _count,
    "$collStats": _coll_stats,
}


def run_pipeline(documents: Documents, stages: list[Any], context: Context) -> Iterator[dict[str, Any]]:
    """The output of the last stage; all stages are checked before the first one runs."""
    for stage in [_compile(stage, context) for stage in stages]:
        documents = stage(documents)
    return iter(documents)


def split_pipeline(stages: list[Any]) -> tuple[dict[str, Any], dict[str, int], list[Any]]:
    """Split off the leading ``$match`` and ``$sort`` that an index may answer; return them and the other stages."""
    query: dict[str, Any] = {}
    rest = list(stages)
    while rest and isinstance(rest[0], dict) and list(rest[0]) == ["$match"] and isinstance(rest[0]["$match"], dict):
        condition = rest.pop(0)["$match"]
        query = {"$and": [query, condition]} if query and condition else (query or condition)
    if rest and isinstance(rest[0], dict) and list(rest[0]) == ["$sort"]:
        return query, check_sort(rest[0]["$sort"]), rest
    return query, {}, rest


def _compile(stage: Any, context: Context) -> Stage:
    if not isinstance(stage, dict) or len(stage) != 1:
        raise MongoError(40323, "A pipeline stage specification object must contain exactly one field.")
    ((name, operand),) = stage.items()
    if name == "$changeStream":
        raise MongoError(40573, "The $changeStream stage is only supported on replica sets")
    if name == "$unionWith":
        return _union_with(operand, context)
    if name not in STAGES:
        raise MongoError(40324, f"Unrecognized pipeline stage name: '{name}'")
    return STAGES[name](operand, context)


def _union_with(operand: Any, context: Context) -> Stage:
    spec = {"coll": operand} if isinstance(operand, str) else operand
    if not isinstance(spec, dict) or not isinstance(spec.get("coll"), str) or set(spec) - {"coll", "pipeline"}:
        raise MongoError(Code.FailedToParse, "$unionWith takes the name of a collection, or {coll, pipeline}")
    stages = spec.get("pipeline", [])
    if not isinstance(stages, list):
        raise MongoError(Code.FailedToParse, "the pipeline of $unionWith has to be an array")
    other = context.store.find(context.database, spec["coll"])
    added = run_pipeline(
        list(other.documents.values()) if other else [], stages,
        Context(context.store, context.database, spec["coll"], context.now),
    )  # fmt: skip
    return lambda documents: itertools.chain(documents, added)
