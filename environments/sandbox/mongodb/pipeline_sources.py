"""The stages that look beyond their documents: at another collection, at indexes, at sizes."""

from __future__ import annotations

from typing import Any

from environments.sandbox.mongodb import paths
from environments.sandbox.mongodb.errors import FAILED_TO_PARSE, NOT_SUPPORTED, MongoError
from environments.sandbox.mongodb.expressions import compile_expression, now_milliseconds, root_scope
from environments.sandbox.mongodb.ordering import MISSING
from environments.sandbox.mongodb.pipeline_context import Context, Documents, Stage
from environments.sandbox.mongodb.planner import choose
from environments.sandbox.mongodb.projection import with_value
from environments.sandbox.mongodb.storage import Collection


def lookup(operand: Any, context: Context) -> Stage:
    from environments.sandbox.mongodb import pipeline  # it knows the stages, and these are two of them

    unknown = set(operand) - {"from", "localField", "foreignField", "as", "let", "pipeline"}
    if unknown:
        raise MongoError(FAILED_TO_PARSE, f"unknown argument to $lookup: {sorted(unknown)}")
    other = context.store.find(context.database, operand["from"])
    variables = {name: compile_expression(value) for name, value in operand.get("let", {}).items()}
    stages = operand.get("pipeline", [])
    for stage in stages:
        pipeline.compile_stage(stage, context)

    def joined(document: dict[str, Any]) -> list[dict[str, Any]]:
        if other is None:
            return []
        query: dict[str, Any] = {}
        if "localField" in operand:
            local = paths.get(document, paths.split(operand["localField"]))
            values = local if isinstance(local, list) else [None if local is MISSING else local]
            query = {operand["foreignField"]: {"$in": values}}
        found = (item for _, item in choose(other, query).run(other, context.deadline))
        scope = root_scope(document, context.variables)
        inner = {**context.variables, **{name: value(scope) for name, value in variables.items()}}
        inside = Context(context.store, context.database, operand["from"], inner, context.deadline)
        return list(pipeline.run_pipeline(found, stages, inside))

    target = paths.split(operand["as"])
    return lambda documents: (with_value(document, target, joined(document)) for document in documents)


def union_with(operand: Any, context: Context) -> Stage:
    from environments.sandbox.mongodb import pipeline  # it knows the stages, and these are two of them

    spec = {"coll": operand} if isinstance(operand, str) else operand
    other = context.store.find(context.database, spec["coll"])
    inside = Context(context.store, context.database, spec["coll"], dict(context.variables), context.deadline)

    def union(documents: Documents) -> Documents:
        yield from documents
        yield from pipeline.run_pipeline(
            list(other.documents.values()) if other else [], spec.get("pipeline", []), inside
        )

    return union


def index_stats(_: Any, context: Context) -> Stage:
    collection = context.store.find(context.database, context.collection)
    return lambda _: [] if collection is None else [
        {"name": index.name, "key": index.key, "accesses": {"ops": index.accesses}, "spec": index.describe()}
        for index in collection.indexes.values()
    ]  # fmt: skip


def coll_stats(operand: Any, context: Context) -> Stage:
    collection = context.store.require(context.database, context.collection)
    unknown = set(operand) - {"count", "storageStats"}
    if unknown:
        raise MongoError(NOT_SUPPORTED, f"$collStats does not support {sorted(unknown)}")

    def stats(_: Documents) -> Documents:
        answer: dict[str, Any] = {"ns": collection.namespace, "localTime": now_milliseconds()}
        if "count" in operand:
            answer["count"] = len(collection.documents)
        if "storageStats" in operand:
            answer["storageStats"] = storage_stats(collection)
        yield answer

    return stats


def storage_stats(collection: Collection) -> dict[str, Any]:
    """Counts and sizes in bytes, as ``collStats`` shows them; sizes are of the documents in BSON."""
    size, count = collection.data_bytes(), len(collection.documents)
    return {"size": size, "count": count, "avgObjSize": size // count if count else 0, "storageSize": size,
            "nindexes": len(collection.indexes), "capped": False}  # fmt: skip
