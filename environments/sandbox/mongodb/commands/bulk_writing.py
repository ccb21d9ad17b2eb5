"""``bulkWrite``, the command of 8.0 that changes several collections at once."""

from __future__ import annotations

from collections import Counter
from typing import Any

from environments.sandbox.mongodb.access import require
from environments.sandbox.mongodb.commands.catalogue import batch_size
from environments.sandbox.mongodb.commands.registry import Request, check_collation, command
from environments.sandbox.mongodb.commands.writing import delete_matching, keep, target, update_matching
from environments.sandbox.mongodb.errors import BAD_VALUE, UNAUTHORIZED, UNKNOWN_FIELD, MongoError
from environments.sandbox.mongodb.storage import Document

_FIELDS = {
    "insert": {"insert", "document"},
    "update": {"update", "filter", "updateMods", "multi", "upsert", "arrayFilters", "hint", "collation", "sort",
               "constants"},
    "delete": {"delete", "filter", "multi", "hint", "collation"},
}  # fmt: skip


@command("bulkWrite", "", "ops nsInfo ordered errorsOnly bypassDocumentValidation let cursor")
def bulk_write(request: Request) -> dict[str, Any]:
    """Each operation answers for itself in the reply's cursor; an ordered one ends at the first error."""
    if request.database != "admin":
        raise MongoError(UNAUTHORIZED, "bulkWrite may only be run against the admin database.")
    names = [str(info["ns"]) for info in request.need("nsInfo", list)]
    operations = request.need("ops", list)
    if not operations:
        raise MongoError(16, "Write batch sizes must be between 1 and 100000. Got 0 operations.")
    for name in names:
        require(request.user, name.partition(".")[0], "write", "bulkWrite")
    counts = Counter(dict.fromkeys(("nErrors", "nInserted", "nMatched", "nModified", "nUpserted", "nDeleted"), 0))
    answers = []
    for position, operation in enumerate(operations):
        answer = {"ok": 1.0, "idx": position, **_run(request, names, operation, counts)}
        counts["nErrors"] += answer["ok"] == 0.0
        if not request.body.get("errorsOnly") or answer["ok"] == 0.0:
            answers.append(answer)
        if answer["ok"] == 0.0 and request.option("ordered", (bool, int), True):
            break
    cursor = request.server.cursors.start("admin.$cmd.bulkWrite", answers, request.owner, batch_size(request))
    return {"cursor": cursor, **counts}


def _run(request: Request, names: list[str], operation: Document, counts: Counter[str]) -> dict[str, Any]:
    kind = next(iter(operation), "")
    if kind not in _FIELDS:
        raise MongoError(BAD_VALUE, f"bulkWrite knows insert, update and delete, not {kind!r}")
    unknown = set(operation) - _FIELDS[kind]
    if unknown:
        raise MongoError(UNKNOWN_FIELD, f"BSON field 'bulkWrite.ops.{sorted(unknown)[0]}' is an unknown field.")
    number = operation[kind]
    if not isinstance(number, int) or not 0 <= number < len(names):
        raise MongoError(BAD_VALUE, f"BulkWrite ops entry {kind} has an invalid nsInfo index: {number}")
    database, _, collection = names[number].partition(".")
    body = {**request.body, "$db": database, kind: collection}
    inside = Request(request.server, request.connection, kind, body, request.deadline)
    try:
        check_collation(operation)
        return _RUN[kind](inside, operation, counts)
    except MongoError as error:
        if error.code == 50:
            raise
        failed = error.write_error(0)
        return {"ok": 0.0, "n": 0, **{name: value for name, value in failed.items() if name != "index"}}


def _insert(request: Request, operation: Document, counts: Counter[str]) -> dict[str, Any]:
    collection = request.server.store.ensure(request.database, request.collection)
    collection.insert(operation["document"], bool(request.body.get("bypassDocumentValidation")))
    counts["nInserted"] += 1
    return {"n": 1}


def _update(request: Request, operation: Document, counts: Counter[str]) -> dict[str, Any]:
    statement = {**operation, "q": operation["filter"], "u": operation["updateMods"],
                 "c": operation.get("constants", {})}  # fmt: skip
    collection = target(request)
    matched, modified, new_id = update_matching(request, collection, statement)
    keep(request, collection)
    counts["nMatched"] += matched
    counts["nModified"] += modified
    if new_id is None:
        return {"n": matched, "nModified": modified}
    counts["nUpserted"] += 1
    return {"n": 1, "nModified": 0, "upserted": {"_id": new_id[0]}}


def _delete(request: Request, operation: Document, counts: Counter[str]) -> dict[str, Any]:
    statement = {"q": operation["filter"], "limit": int(not operation.get("multi")), "hint": operation.get("hint")}
    deleted = delete_matching(request, target(request), statement)
    counts["nDeleted"] += deleted
    return {"n": deleted}


_RUN = {"insert": _insert, "update": _update, "delete": _delete}
