"""The stages of an aggregation pipeline: functions from documents to documents."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from environments.sandbox.mongodb.query.expressions import now_milliseconds
from environments.sandbox.mongodb.query.grouping import compile_group
from environments.sandbox.mongodb.query.matching import compile_filter
from environments.sandbox.mongodb.query.projection import compile_projection
from environments.sandbox.mongodb.query.sorting import check_sort, sort_documents
from environments.sandbox.mongodb.storage.collection import Collection
from environments.sandbox.mongodb.storage.store import Store
from environments.sandbox.mongodb.wire.errors import Code, MongoError

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
