"""Aggregation pipelines: every stage is a function from documents to documents."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping
from typing import Any

from environments.sandbox.mongodb import paths
from environments.sandbox.mongodb.errors import NOT_SUPPORTED, MongoError
from environments.sandbox.mongodb.expressions import compile_expression, now_milliseconds, root_scope
from environments.sandbox.mongodb.grouping import compile_group
from environments.sandbox.mongodb.matching import compile_filter
from environments.sandbox.mongodb.ordering import MISSING, sort_key
from environments.sandbox.mongodb.pipeline_context import Context, Documents, Factory, Stage
from environments.sandbox.mongodb.pipeline_sources import coll_stats, index_stats, lookup, union_with
from environments.sandbox.mongodb.projection import compile_projection, with_value, without
from environments.sandbox.mongodb.sorting import check_sort, sort_documents
from environments.sandbox.mongodb.store import Store
from environments.sandbox.mongodb.windows import compile_windows

_REFUSED = {"$geoNear", "$graphLookup", "$search", "$currentOp", "$listSessions",
            "$listLocalSessions", "$planCacheStats", "$densify", "$fill", "$redact", "$bucketAuto"}  # fmt: skip


def run_pipeline(documents: Documents, stages: Any, context: Context) -> Iterator[dict[str, Any]]:
    """The documents that leave the last stage; all stages are checked before the first one runs."""
    context.variables.setdefault("NOW", now_milliseconds())
    compiled = [compile_stage(stage, context) for stage in stages]
    for stage in compiled:
        documents = stage(documents)
    return iter(documents)


def run_on_documents(documents: Documents, stages: Any, variables: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A pipeline that needs no collection, as updates use it."""
    return list(run_pipeline(documents, stages, Context(Store(), "", variables=dict(variables))))


def compile_stage(stage: Any, context: Context) -> Stage:
    if not isinstance(stage, dict) or len(stage) != 1:
        raise MongoError(40323, "A pipeline stage specification object must contain exactly one field.")
    ((name, operand),) = stage.items()
    if name == "$changeStream":
        raise MongoError(40573, "The $changeStream stage is only supported on replica sets")
    if name in _REFUSED:
        raise MongoError(NOT_SUPPORTED, f"{name} is not supported by this server")
    if name in ("$out", "$merge"):
        raise MongoError(40601, f"{name} can only be the final stage in the pipeline")
    if name not in STAGES:
        raise MongoError(40324, f"Unrecognized pipeline stage name: '{name}'")
    return STAGES[name](operand, context)


def _match(operand: Any, context: Context) -> Stage:
    if not isinstance(operand, dict):
        raise MongoError(15959, "the match filter must be an expression in an object")
    test = compile_filter(operand, context.variables)
    return lambda documents: (document for document in documents if test(document))


def _project(operand: Any, context: Context) -> Stage:
    if not isinstance(operand, dict) or not operand:
        raise MongoError(
            51272, "Invalid $project :: caused by :: projection specification must have at least one field"
        )
    project = compile_projection(operand, variables=context.variables)
    return lambda documents: map(project, documents)


def _set(operand: Any, context: Context) -> Stage:
    if not isinstance(operand, dict):
        raise MongoError(40272, "$addFields specification stage must be an object")
    fields = [(paths.split(name), compile_expression(value)) for name, value in operand.items()]

    def change(document: dict[str, Any]) -> dict[str, Any]:
        scope = root_scope(document, context.variables)
        result = document
        for parts, evaluate in fields:
            value = evaluate(scope)
            result = without(result, parts) if value is MISSING else with_value(result, parts, value)
        return result

    return lambda documents: map(change, documents)


def _unset(operand: Any, context: Context) -> Stage:
    names = operand if isinstance(operand, list) else [operand]
    return _project(dict.fromkeys(names, 0), context)


def _group(operand: Any, context: Context) -> Stage:
    return compile_group(operand, context.variables)


def _sort(operand: Any, _: Context) -> Stage:
    sort = check_sort(operand)
    return lambda documents: sort_documents(documents, sort, lambda document: document)


def _number(name: str, operand: Any, least: int) -> int:
    if isinstance(operand, bool) or not isinstance(operand, (int, float)) or operand != int(operand) or operand < least:
        raise MongoError(15958 if name == "$limit" else 15956, f"invalid argument to {name} stage: {operand!r}")
    return int(operand)


def _limit(operand: Any, _: Context) -> Stage:
    count = _number("$limit", operand, 1)
    return lambda documents: itertools.islice(documents, count)


def _skip(operand: Any, _: Context) -> Stage:
    count = _number("$skip", operand, 0)
    return lambda documents: itertools.islice(documents, count, None)


def _count(operand: Any, _: Context) -> Stage:
    if not isinstance(operand, str) or not operand or operand.startswith("$") or "." in operand:
        raise MongoError(40156, "the count field must be a non-empty string without '$' and '.'")

    def count(documents: Documents) -> Documents:
        number = sum(1 for _ in documents)
        if number:
            yield {operand: number}

    return count


def _unwind(operand: Any, _: Context) -> Stage:
    spec = {"path": operand} if isinstance(operand, str) else operand
    if not isinstance(spec.get("path"), str) or not spec["path"].startswith("$"):
        raise MongoError(28818, f"path option to $unwind stage should be prefixed with a '$': {spec.get('path')}")
    parts, keep, position = (
        paths.split(spec["path"][1:]),
        spec.get("preserveNullAndEmptyArrays"),
        spec.get("includeArrayIndex"),
    )

    def numbered(document: dict[str, Any], number: int | None) -> dict[str, Any]:
        return document if position is None else with_value(document, paths.split(position), number)

    def unwind(documents: Documents) -> Documents:
        for document in documents:
            value = paths.get(document, parts)
            if isinstance(value, list) and value:
                for number, item in enumerate(value):
                    yield numbered(with_value(document, parts, item), number)
            elif not isinstance(value, list) and value is not MISSING and value is not None:
                yield numbered(document, None)
            elif keep:
                yield numbered(without(document, parts) if value == [] else document, None)

    return unwind


def _sort_by_count(operand: Any, context: Context) -> Stage:
    group = _group({"_id": operand, "count": {"$sum": 1}}, context)
    return lambda documents: sort_documents(group(documents), {"count": -1}, lambda document: document)


def _replace_root(operand: Any, context: Context) -> Stage:
    evaluate = compile_expression(operand["newRoot"])

    def replace(document: dict[str, Any]) -> dict[str, Any]:
        value = evaluate(root_scope(document, context.variables))
        if not isinstance(value, dict):
            raise MongoError(
                40228, f"'newRoot' expression must evaluate to an object, but resulting value was: {value!r}"
            )
        return value

    return lambda documents: map(replace, documents)


def _facet(operand: Any, context: Context) -> Stage:
    compiled = {name: [compile_stage(stage, context) for stage in stages] for name, stages in operand.items()}

    def facet(documents: Documents) -> Documents:
        source = list(documents)
        result: dict[str, Any] = {}
        for name, stages in compiled.items():
            branch: Documents = source
            for stage in stages:
                branch = stage(branch)
            result[name] = list(branch)
        yield result

    return facet


def _sample(operand: Any, _: Context) -> Stage:
    size = _number("$sample", operand["size"], 0)

    def sample(documents: Documents) -> Documents:
        source = list(documents)
        return random.sample(source, min(size, len(source)))

    return sample


def _bucket(operand: Any, context: Context) -> Stage:
    boundaries = operand["boundaries"]
    keys = [sort_key(boundary) for boundary in boundaries]
    if keys != sorted(keys) or len(keys) < 2:
        raise MongoError(40194, "The 'boundaries' option to $bucket must be at least two sorted values")
    value = operand["groupBy"]
    branches = [
        {
            "case": {"$and": [{"$gte": [value, {"$literal": low}]}, {"$lt": [value, {"$literal": high}]}]},
            "then": {"$literal": low},
        }
        for low, high in itertools.pairwise(boundaries)
    ]
    switch = {"branches": branches, **({"default": {"$literal": operand["default"]}} if "default" in operand else {})}
    group = _group({"_id": {"$switch": switch}, **operand.get("output", {"count": {"$sum": 1}})}, context)
    return lambda documents: sort_documents(group(documents), {"_id": 1}, lambda document: document)


STAGES: Mapping[str, Factory] = {
    "$match": _match,
    "$project": _project,
    "$set": _set,
    "$addFields": _set,
    "$unset": _unset,
    "$group": _group,
    "$sort": _sort,
    "$limit": _limit,
    "$skip": _skip,
    "$count": _count,
    "$unwind": _unwind,
    "$sortByCount": _sort_by_count,
    "$replaceRoot": _replace_root,
    "$replaceWith": lambda operand, context: _replace_root({"newRoot": operand}, context),
    "$facet": _facet,
    "$sample": _sample,
    "$bucket": _bucket,
    "$lookup": lookup,
    "$unionWith": union_with,
    "$setWindowFields": lambda operand, context: compile_windows(operand, context.variables),
    "$indexStats": index_stats,
    "$collStats": coll_stats,
}
