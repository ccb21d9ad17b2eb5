"""find, getMore, killCursors, count, distinct, aggregate."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

from bson import Binary, Int64

from environments.sandbox.mongodb import paths
from environments.sandbox.mongodb.commands.catalogue import batch_size
from environments.sandbox.mongodb.commands.output import Output
from environments.sandbox.mongodb.commands.registry import Request, command
from environments.sandbox.mongodb.errors import BAD_VALUE, FAILED_TO_PARSE, NOT_SUPPORTED, MongoError
from environments.sandbox.mongodb.expressions import compile_expression, now_milliseconds
from environments.sandbox.mongodb.ordering import MISSING, sort_key
from environments.sandbox.mongodb.pipeline import run_pipeline
from environments.sandbox.mongodb.pipeline_context import Context
from environments.sandbox.mongodb.planner import Plan, choose
from environments.sandbox.mongodb.projection import compile_projection
from environments.sandbox.mongodb.sorting import check_sort, sort_documents
from environments.sandbox.mongodb.storage import Collection

FIND_FIELDS = (
    "filter sort projection hint skip limit batchSize singleBatch let collation allowDiskUse noCursorTimeout "
    "allowPartialResults returnKey showRecordId tailable awaitData oplogReplay max min"
)
COUNT_FIELDS = "query limit skip hint collation fields"
DISTINCT_FIELDS = "key query hint collation"
AGGREGATE_FIELDS = "pipeline cursor explain allowDiskUse hint let collation bypassDocumentValidation"


def number(request: Request, field: str, default: int = 0) -> int:
    value = request.option(field, (int, float), default)
    if isinstance(value, bool) or value != int(value):
        raise MongoError(BAD_VALUE, f"{field} must be a whole number")
    return int(value)


def variables(request: Request) -> dict[str, Any]:
    """The values of ``let`` and the moment of the command."""
    given = request.option("let", dict, {})
    return {"NOW": now_milliseconds(), **{name: compile_expression(value)({"ROOT": {}, "CURRENT": {}})
                                          for name, value in given.items()}}  # fmt: skip


def plan_find(request: Request, collection: Collection) -> tuple[Plan, dict[str, int]]:
    sort = request.option("sort", dict, {})
    sort = sort if "$natural" in sort else check_sort(sort)
    query = request.option("filter", dict, {})
    return choose(collection, query, sort, request.body.get("hint"), variables(request)), sort


def found(request: Request, collection: Collection, plan: Plan, sort: dict[str, int]) -> list[dict[str, Any]]:
    """The documents of a find in order, before its projection."""
    skip, limit = number(request, "skip"), abs(number(request, "limit"))
    if skip < 0:
        raise MongoError(51024, f"BSON field 'skip' value must be >= 0, actual value '{skip}'")
    documents: Iterable[dict[str, Any]] = (document for _, document in plan.run(collection, request.deadline))
    if sort and not plan.sorted:
        documents = sort_documents(documents, sort, lambda document: document)
        request.deadline.check()
    return list(itertools.islice(documents, skip, skip + limit if limit else None))


@command("find", "read", FIND_FIELDS)
def find(request: Request) -> dict[str, Any]:
    for name in ("returnKey", "showRecordId", "tailable", "awaitData", "min", "max"):
        if request.body.get(name):
            raise MongoError(NOT_SUPPORTED, f"find with '{name}' is not supported by this server")
    query = request.option("filter", dict, {})
    project = compile_projection(request.option("projection", dict, {}), query, variables(request))
    collection = request.server.store.find(request.database, request.collection)
    if collection is None:
        plan_find(
            request, Collection(request.database, request.collection)
        )  # a query that is not valid is one here too
        documents: list[dict[str, Any]] = []
    else:
        documents = found(request, collection, *plan_find(request, collection))
    size = number(request, "batchSize", -1)
    limit = number(request, "limit")
    once = bool(request.body.get("singleBatch")) or limit < 0
    wanted = None if size < 0 else size
    if once and wanted is None:
        wanted = len(documents)
    return {"cursor": request.server.cursors.start(
        request.namespace, map(project, documents), request.owner, wanted, once, abs(limit))}  # fmt: skip


@command("getMore", "", "collection batchSize term lastKnownCommittedOpTime")
def get_more(request: Request) -> dict[str, Any]:
    cursor_id = request.body["getMore"]
    if not isinstance(cursor_id, int):
        raise MongoError(14, "getMore needs a cursor id of type long")
    namespace = f"{request.database}.{request.need('collection', str)}"
    size = number(request, "batchSize")
    return {"cursor": request.server.cursors.more(cursor_id, namespace, request.owner, size)}


@command("killCursors", "", "cursors")
def kill_cursors(request: Request) -> dict[str, Any]:
    results = {cursor: request.server.cursors.kill(cursor) for cursor in request.need("cursors", list)}
    killed = [Int64(cursor) for cursor, was_open in results.items() if was_open]
    unknown = [Int64(cursor) for cursor, was_open in results.items() if not was_open]
    return {"cursorsKilled": killed, "cursorsNotFound": unknown, "cursorsAlive": [], "cursorsUnknown": []}


@command("count", "read", COUNT_FIELDS)
def count(request: Request) -> dict[str, Any]:
    collection = request.server.store.find(request.database, request.collection)
    query = request.option("query", dict, {})
    skip, limit = number(request, "skip"), abs(number(request, "limit"))
    plan = choose(
        collection or Collection(request.database, request.collection), query, hint=_hint(request, collection)
    )
    total = plan.count(collection, request.deadline) if collection else 0
    total = max(0, total - skip)
    return {"n": min(total, limit) if limit else total}


def _hint(request: Request, collection: Collection | None) -> Any:
    return request.body.get("hint") if collection else None


@command("distinct", "read", DISTINCT_FIELDS)
def distinct(request: Request) -> dict[str, Any]:
    parts = paths.split(request.need("key", str))
    collection = request.server.store.find(request.database, request.collection)
    query = request.option("query", dict, {})
    plan = choose(
        collection or Collection(request.database, request.collection), query, hint=_hint(request, collection)
    )
    values: dict[Any, Any] = {}
    for _, document in plan.run(collection, request.deadline) if collection else ():
        for leaf in paths.leaves(document, parts):
            for value in leaf if isinstance(leaf, list) else [leaf]:
                if value is not MISSING:
                    values.setdefault(sort_key(value), value)
    return {"values": [values[key] for key in sorted(values)]}


def split_pipeline(stages: list[Any]) -> tuple[dict[str, Any], dict[str, int], list[Any]]:
    """The leading ``$match`` and ``$sort`` that an index may answer, and the stages that remain."""
    query: dict[str, Any] = {}
    rest = list(stages)
    while rest and isinstance(rest[0], dict) and list(rest[0]) == ["$match"] and isinstance(rest[0]["$match"], dict):
        condition = rest.pop(0)["$match"]
        query = {"$and": [query, condition]} if query and condition else (query or condition)
    if rest and isinstance(rest[0], dict) and list(rest[0]) == ["$sort"]:
        return query, check_sort(rest[0]["$sort"]), rest
    return query, {}, rest


def _counts_only(rest: list[Any]) -> str | None:
    """The field of a pipeline that only counts, as drivers send it for ``count_documents``."""
    if len(rest) != 1 or not isinstance(rest[0], dict):
        return None
    ((name, operand),) = rest[0].items()
    if name == "$group" and isinstance(operand, dict) and list(operand) == ["_id", "n"] and operand["_id"] == 1:
        return "n" if operand["n"] == {"$sum": 1} else None
    return None


@command("aggregate", "read", AGGREGATE_FIELDS)
def aggregate(request: Request) -> dict[str, Any]:
    stages = request.need("pipeline", list)
    if "cursor" not in request.body and not request.body.get("explain"):
        raise MongoError(
            FAILED_TO_PARSE, "The 'cursor' option is required, except for aggregate with the explain argument"
        )
    if request.body.get("explain"):
        from environments.sandbox.mongodb.commands.explaining import explain_command

        return explain_command(request, request.body, "queryPlanner")
    size = batch_size(request)
    results = run_with_output(request, stages)
    namespace = (
        request.namespace if isinstance(request.body["aggregate"], str) else f"{request.database}.$cmd.aggregate"
    )
    return {"cursor": request.server.cursors.start(namespace, results, request.owner, size)}


def run_with_output(request: Request, stages: list[Any]) -> list[dict[str, Any]]:
    """All documents of an aggregation, or none when its last stage writes them to a collection."""
    if not stages or not isinstance(stages[-1], dict) or not set(stages[-1]) & {"$out", "$merge"}:
        return run_aggregate(request, stages)
    output = Output.of(request, stages[-1])
    output.write(run_aggregate(request, stages[:-1]))
    return []


def run_aggregate(request: Request, stages: list[Any]) -> list[dict[str, Any]]:
    """All documents of an aggregation."""
    context = Context(request.server.store, request.database, variables=variables(request), deadline=request.deadline)
    if not isinstance(request.body["aggregate"], str):
        return list(run_pipeline(_source(request, stages), stages[1:], context))
    context.collection = request.collection
    collection = request.server.store.find(request.database, request.collection)
    if collection is None:
        return list(run_pipeline([], stages, context))
    query, sort, rest = split_pipeline(stages)
    plan = choose(collection, query, sort, request.body.get("hint"), context.variables)
    field = _counts_only(rest)
    if field is not None and not sort:
        total = plan.count(collection, request.deadline)
        return [{"_id": 1, field: total}] if total else []
    documents = (document for _, document in plan.run(collection, request.deadline))
    return list(run_pipeline(documents, rest[1:] if sort and plan.sorted else rest, context))


def _source(request: Request, stages: list[Any]) -> list[Any]:
    """What a pipeline without a collection begins with."""
    if stages and list(stages[0]) == ["$listLocalSessions"]:
        return [{"_id": {"id": Binary(session, 4)}, "lastUse": used}
                for session, used in request.server.sessions.items()]  # fmt: skip
    if stages and list(stages[0]) == ["$changeStream"]:
        raise MongoError(40573, "The $changeStream stage is only supported on replica sets")
    if not stages or list(stages[0]) != ["$documents"]:
        raise MongoError(73, "{aggregate: 1} is not valid for this pipeline; it has to begin with $documents")
    documents = compile_expression(stages[0]["$documents"])({"ROOT": {}, "CURRENT": {}})
    if not isinstance(documents, list):
        raise MongoError(5858203, "an array is expected for $documents")
    return documents
