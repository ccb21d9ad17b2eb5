"""explain: the plan that is really used, and what it really looked at."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from environments.sandbox.mongodb import about
from environments.sandbox.mongodb.commands import reading
from environments.sandbox.mongodb.commands.registry import Request, command, find
from environments.sandbox.mongodb.errors import BAD_VALUE, COMMAND_NOT_FOUND, MongoError
from environments.sandbox.mongodb.planner import Plan, choose
from environments.sandbox.mongodb.sorting import check_sort
from environments.sandbox.mongodb.storage import Collection

_VERBOSITIES = ("queryPlanner", "executionStats", "allPlansExecution")


@command("explain", "read", "verbosity")
def explain(request: Request) -> dict[str, Any]:
    inner = request.body["explain"]
    verbosity = request.option("verbosity", str, "allPlansExecution")
    if verbosity not in _VERBOSITIES:
        raise MongoError(BAD_VALUE, f"verbosity string must be one of {_VERBOSITIES}")
    if not isinstance(inner, dict) or not inner:
        raise MongoError(BAD_VALUE, "explain needs a command")
    return explain_command(request, {**inner, "$db": request.database}, verbosity)


def explain_command(request: Request, body: dict[str, Any], verbosity: str) -> dict[str, Any]:
    name = next(iter(body))
    inside = Request(request.server, request.connection, find(name).name, body, request.deadline)
    if inside.name not in _QUERIES:
        raise MongoError(COMMAND_NOT_FOUND, f"Explain failed due to unknown command: {name}")
    stored = inside.server.store.find(inside.database, inside.collection)
    collection = stored or Collection(inside.database, inside.collection)
    query, sort, hint = _QUERIES[inside.name](body)
    plan = choose(collection, query, sort, hint, reading.variables(inside))
    answer: dict[str, Any] = {
        "explainVersion": "1",
        "queryPlanner": {
            "namespace": inside.namespace, "parsedQuery": query, "indexFilterSet": False,
            "winningPlan": {"stage": "EOF"} if stored is None else _tree(plan, body, sort, inside.name),
            "rejectedPlans": [],
        },
    }  # fmt: skip
    if verbosity != "queryPlanner":
        answer["executionStats"] = _execute(inside, collection, plan, sort)
    answer["command"] = {key: value for key, value in body.items() if key != "$db"}
    answer["serverInfo"] = {
        "host": request.server.reported_host(),
        "port": request.server.port,
        "version": about.VERSION,
    }
    return answer


def _find(body: Mapping[str, Any]) -> tuple[Any, Any, Any]:
    sort = body.get("sort", {})
    return body.get("filter", {}), sort if "$natural" in sort else check_sort(sort), body.get("hint")


def _aggregate(body: Mapping[str, Any]) -> tuple[Any, Any, Any]:
    query, sort, _ = reading.split_pipeline(body["pipeline"])
    return query, sort, body.get("hint")


def _statement(name: str) -> Any:
    return lambda body: (body[name][0].get("q", {}), {}, body[name][0].get("hint"))


_QUERIES: Mapping[str, Any] = {
    "find": _find,
    "aggregate": _aggregate,
    "count": lambda body: (body.get("query", {}), {}, body.get("hint")),
    "distinct": lambda body: (body.get("query", {}), {}, body.get("hint")),
    "findAndModify": lambda body: (body.get("query", {}), check_sort(body.get("sort", {})), body.get("hint")),
    "update": _statement("updates"),
    "delete": _statement("deletes"),
}


def _scan_stage(plan: Plan, counting: bool) -> dict[str, Any]:
    direction = "backward" if plan.backward != plan.descending else "forward"
    if plan.index is None:
        return {"stage": "COLLSCAN", **({"filter": plan.query} if plan.query else {}), "direction": direction}
    keys = {
        "stage": "COUNT_SCAN" if counting and plan.exact else "IXSCAN", "keyPattern": plan.index.key,
        "indexName": plan.index.name, "isMultiKey": plan.index.multikey, "isUnique": plan.index.unique,
        "isSparse": plan.index.sparse, "isPartial": False, "indexVersion": 2, "direction": direction,
        "indexBounds": {name: plan.bounds[name].shown() if name in plan.bounds else ["[MinKey, MaxKey]"]
                        for name in plan.index.key},
    }  # fmt: skip
    if keys["stage"] == "COUNT_SCAN":
        return keys
    fetch = {"stage": "FETCH", **({} if plan.exact else {"filter": plan.query})}
    return {**fetch, "inputStage": keys}


def _tree(plan: Plan, body: Mapping[str, Any], sort: Mapping[str, int], name: str) -> dict[str, Any]:
    tree = _scan_stage(plan, counting=name == "count")
    if name == "count":
        return {"stage": "COUNT", "inputStage": tree}
    if sort and not plan.sorted:
        tree = {"stage": "SORT", "sortPattern": dict(sort), "memLimit": 104857600, "type": "simple", "inputStage": tree}
    if name == "find" and body.get("skip"):
        tree = {"stage": "SKIP", "skipAmount": body["skip"], "inputStage": tree}
    if name == "find" and body.get("limit"):
        tree = {"stage": "LIMIT", "limitAmount": abs(body["limit"]), "inputStage": tree}
    if name == "find" and body.get("projection"):
        tree = {"stage": "PROJECTION_DEFAULT", "transformBy": body["projection"], "inputStage": tree}
    wrapping = {"update": "UPDATE", "delete": "DELETE"}.get(name)
    return {"stage": wrapping, "inputStage": tree} if wrapping else tree


def _execute(request: Request, collection: Collection, plan: Plan, sort: dict[str, int]) -> dict[str, Any]:
    started_s = time.monotonic()
    if request.name == "count":
        plan.count(collection, request.deadline)
        returned = 0
    elif request.name == "find":
        returned = len(reading.found(request, collection, plan, sort))
    else:
        returned = sum(1 for _ in plan.run(collection, request.deadline))
    elapsed_ms = int((time.monotonic() - started_s) * 1000)
    tree = _tree(plan, request.body, sort, request.name)
    return {
        "executionSuccess": True, "nReturned": returned, "executionTimeMillis": elapsed_ms,
        "totalKeysExamined": plan.keys_examined, "totalDocsExamined": plan.documents_examined,
        "executionStages": _counted(tree, plan, returned),
    }  # fmt: skip


def _counted(tree: dict[str, Any], plan: Plan, returned: int) -> dict[str, Any]:
    """The stages with what each of them counted."""
    counted = {**tree, "nReturned": returned}
    if tree["stage"] in ("IXSCAN", "COUNT_SCAN"):
        counted |= {"keysExamined": plan.keys_examined, "nReturned": plan.keys_examined}
    if tree["stage"] in ("FETCH", "COLLSCAN"):
        counted["docsExamined"] = plan.documents_examined
    if "inputStage" in tree:
        counted["inputStage"] = _counted(tree["inputStage"], plan, returned)
    return counted
