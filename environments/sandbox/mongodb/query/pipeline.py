"""Aggregation pipelines: all stages are checked first, and then run one after the other."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from environments.sandbox.mongodb.query.sorting import check_sort
from environments.sandbox.mongodb.query.stages import STAGES, Context, Documents, Stage
from environments.sandbox.mongodb.wire.errors import Code, MongoError


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
