"""explain: the plan that is really used, and the keys and documents that it really examined."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from environments.sandbox.mongodb.commands import reading
from environments.sandbox.mongodb.commands.instance import VERSION
from environments.sandbox.mongodb.commands.registry import ANY, GENERIC, TEXT, Request, check_fields, command
from environments.sandbox.mongodb.query.planner import Plan
from environments.sandbox.mongodb.storage.collection import Collection
from environments.sandbox.mongodb.wire.errors import Code, MongoError, refused

_VERBOSITIES = ("queryPlanner", "executionStats", "allPlansExecution")

_OF_FIND = {"skip": "SKIP", "limit": "LIMIT", "projection": "PROJECTION_DEFAULT"}


@command("explain", "read", {"verbosity": TEXT})
def explain(request: Request) -> dict[str, Any]:
    """Explain a find."""
    body, verbosity = request.body["explain"], request.option("verbosity", "allPlansExecution")
    if verbosity not in _VERBOSITIES:
        raise MongoError(Code.BadValue, f"verbosity string must be one of {_VERBOSITIES}")
    if not isinstance(body, dict) or not body:
        raise MongoError(Code.BadValue, "explain needs a command")
    name = next(iter(body))
    if name != "find":
        raise refused(f"explain of {name}")
    check_fields(name, body, {**GENERIC, name: ANY, **reading.FIND_FIELDS})
    inside = Request(request.instance, request.peer, name, {**body, "$db": request.database}, request.deadline)
    return _explained(inside, body, verbosity)


def _explained(inside: Request, body: Mapping[str, Any], verbosity: str) -> dict[str, Any]:
    collection = reading.stored_or_empty(inside)
    plan, sort = reading.plan_find(inside, collection)
    is_stored = inside.instance.store.find(inside.database, inside.collection) is not None
    tree = _tree(plan, body, sort) if is_stored else {"stage": "EOF"}
    answer: dict[str, Any] = {
        "explainVersion": "1",
        "queryPlanner": {"namespace": inside.namespace, "parsedQuery": plan.query, "indexFilterSet": False,
                         "winningPlan": tree, "rejectedPlans": []},
    }  # fmt: skip
    if verbosity != "queryPlanner":
        answer["executionStats"] = _execute(inside, collection, plan, sort, tree)
    answer["command"] = {key: value for key, value in body.items() if key != "$db"}
    instance = inside.instance
    answer["serverInfo"] = {"host": instance.host, "port": instance.port, "version": VERSION}
    return answer


def _tree(plan: Plan, body: Mapping[str, Any], sort: Mapping[str, int]) -> dict[str, Any]:
    tree = _scan_stage(plan)
    if sort and not plan.sorted:
        tree = {"stage": "SORT", "sortPattern": dict(sort), "memLimit": 104857600, "type": "simple", "inputStage": tree}
    for field, stage in _OF_FIND.items():
        if body.get(field):
            tree = {"stage": stage, "inputStage": tree}
    return tree


def _scan_stage(plan: Plan) -> dict[str, Any]:
    direction = "backward" if plan.backward != plan.descending else "forward"
    if plan.index is None:
        return {"stage": "COLLSCAN", **({"filter": plan.query} if plan.query else {}), "direction": direction}
    keys = {
        "stage": "IXSCAN", "keyPattern": plan.index.key,
        "indexName": plan.index.name, "isMultiKey": False, "isUnique": plan.index.unique,
        "isSparse": plan.index.sparse, "isPartial": False, "indexVersion": 2, "direction": direction,
    }  # fmt: skip
    return {"stage": "FETCH", **({} if plan.exact else {"filter": plan.query}), "inputStage": keys}


def _execute(
    request: Request, collection: Collection, plan: Plan, sort: dict[str, int], tree: dict[str, Any]
) -> dict[str, Any]:
    started_s = time.monotonic()
    returned = len(reading.found(request, collection, plan, sort))
    return {
        "executionSuccess": True, "nReturned": returned,
        "executionTimeMillis": int((time.monotonic() - started_s) * 1000),
        "totalKeysExamined": plan.keys_examined, "totalDocsExamined": plan.documents_examined,
        "executionStages": _counted(tree, plan, returned),
    }  # fmt: skip


def _counted(tree: dict[str, Any], plan: Plan, returned: int) -> dict[str, Any]:
    """The stages with the counts of each."""
    counted = {**tree, "nReturned": returned}
    if tree["stage"] == "IXSCAN":
        counted |= {"keysExamined": plan.keys_examined, "nReturned": plan.keys_examined}
    if tree["stage"] in ("FETCH", "COLLSCAN"):
        counted["docsExamined"] = plan.documents_examined
    if "inputStage" in tree:
        counted["inputStage"] = _counted(tree["inputStage"], plan, returned)
    return counted
