"""insert, update, delete, findAndModify."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import bson
from bson import ObjectId

from environments.sandbox.mongodb.commands.reading import variables
from environments.sandbox.mongodb.commands.registry import Request, check_collation, command
from environments.sandbox.mongodb.errors import FAILED_TO_PARSE, UNKNOWN_FIELD, MongoError
from environments.sandbox.mongodb.planner import choose
from environments.sandbox.mongodb.projection import compile_projection
from environments.sandbox.mongodb.sorting import check_sort, sort_documents
from environments.sandbox.mongodb.storage import Collection, Document
from environments.sandbox.mongodb.updating import compile_update, is_replacement, upsert_base

_MAX_BATCH = 100_000
_UPDATE_FIELDS = {"q", "u", "c", "upsert", "multi", "arrayFilters", "hint", "collation", "sort"}
_DELETE_FIELDS = {"q", "limit", "hint", "collation"}


def _each(request: Request, statements: list[Any], write: Callable[[int, Any], None]) -> dict[str, Any]:
    """Run the statements of a write command; an error ends an ordered one and is listed for an unordered one."""
    if not 0 < len(statements) <= _MAX_BATCH:
        raise MongoError(16, f"Write batch sizes must be between 1 and {_MAX_BATCH}. Got {len(statements)} operations.")
    errors = []
    for position, statement in enumerate(statements):
        try:
            write(position, statement)
        except MongoError as error:
            if error.code == 50:
                raise
            errors.append(error.write_error(position))
            if request.option("ordered", (bool, int), True):
                break
    return {"writeErrors": errors} if errors else {}


def target(request: Request) -> Collection:
    """The collection to change; one that does not exist yet is stored only when something was put in, see ``keep``."""
    found = request.server.store.find(request.database, request.collection)
    return found if found is not None else Collection(request.database, request.collection)


def keep(request: Request, collection: Collection) -> None:
    if collection.documents and request.server.store.find(request.database, request.collection) is None:
        request.server.store.put(collection)


@command("insert", "write", "documents ordered bypassDocumentValidation")
def insert(request: Request) -> dict[str, Any]:
    collection = request.server.store.ensure(request.database, request.collection)
    bypass = bool(request.body.get("bypassDocumentValidation"))
    inserted = 0

    def write(_: int, document: Document) -> None:
        nonlocal inserted
        collection.insert(document, bypass)
        inserted += 1

    errors = _each(request, request.need("documents", list), write)
    return {"n": inserted, **errors}


def _matches(
    request: Request, collection: Collection, query: Document, hint: Any, sort: Any = None, first_only: bool = False
) -> Iterator[tuple[int, Document]]:
    order = check_sort(sort) if sort else {}
    plan = choose(collection, query, order, hint, variables(request))
    found = (
        list(plan.run(collection, request.deadline))
        if order and not plan.sorted
        else plan.run(collection, request.deadline)
    )
    if order and not plan.sorted:
        found = sort_documents(found, order, lambda item: item[1])
    for number, item in enumerate(found):
        if first_only and number:
            return
        yield item


def _check_statement(statement: Any, allowed: set[str], name: str) -> None:
    if not isinstance(statement, dict) or "q" not in statement:
        raise MongoError(FAILED_TO_PARSE, f"BSON field '{name}.q' is missing but a required field")
    unknown = set(statement) - allowed
    if unknown:
        raise MongoError(UNKNOWN_FIELD, f"BSON field '{name}.{sorted(unknown)[0]}' is an unknown field.")
    check_collation(statement)


@command("update", "write", "updates ordered bypassDocumentValidation let")
def update(request: Request) -> dict[str, Any]:
    collection = target(request)
    counts = {"n": 0, "nModified": 0}
    upserted: list[Document] = []

    def write(position: int, statement: Document) -> None:
        _check_statement(statement, _UPDATE_FIELDS, "update.updates")
        if "u" not in statement:
            raise MongoError(FAILED_TO_PARSE, "BSON field 'update.updates.u' is missing but a required field")
        matched, modified, new_id = update_matching(request, collection, statement)
        counts["n"] += matched
        counts["nModified"] += modified
        if new_id is not None:
            upserted.append({"index": position, "_id": new_id[0]})
            counts["n"] += 1

    errors = _each(request, request.need("updates", list), write)
    keep(request, collection)
    return {**counts, **({"upserted": upserted} if upserted else {}), **errors}


def update_matching(
    request: Request, collection: Collection, statement: Document
) -> tuple[int, int, tuple[Any] | None]:
    """Matched, modified, and the ``_id`` of what was upserted, by one statement of an update."""
    query, change, multi = statement["q"], statement["u"], bool(statement.get("multi"))
    if multi and isinstance(change, dict) and is_replacement(change):
        raise MongoError(FAILED_TO_PARSE, "multi update is not supported for replacement-style update")
    extra = {**variables(request), **statement.get("c", {})}
    apply = compile_update(change, query, statement.get("arrayFilters"), extra)
    bypass = bool(request.body.get("bypassDocumentValidation"))
    matched = modified = 0
    found = _matches(request, collection, query, statement.get("hint"), statement.get("sort"), first_only=not multi)
    for record, document in list(found):
        new = apply(document, False)
        matched += 1
        if not same(new, document):
            collection.replace(record, new, bypass)
            modified += 1
    if matched or not statement.get("upsert"):
        return matched, modified, None
    stored = _upsert(collection, query, change, apply, bypass)
    return 0, 0, (stored["_id"],)


def same(first: Document, second: Document) -> bool:
    """Equal in value, in types and in the order of the fields."""
    return bson.encode(first) == bson.encode(second)


def _upsert(collection: Collection, query: Document, change: Any, apply: Any, bypass: bool) -> Document:
    base = upsert_base(query)
    if isinstance(change, dict) and is_replacement(change):
        base = {"_id": base["_id"]} if "_id" in base else {}
    new = apply(base, True)
    if "_id" not in new:
        new = {"_id": ObjectId(), **new}
    return collection.insert(new, bypass)


@command("delete", "write", "deletes ordered let")
def delete(request: Request) -> dict[str, Any]:
    collection = target(request)
    deleted = 0

    def write(_: int, statement: Document) -> None:
        nonlocal deleted
        _check_statement(statement, _DELETE_FIELDS, "delete.deletes")
        if statement.get("limit") not in (0, 1):
            raise MongoError(FAILED_TO_PARSE, "The limit field in delete objects must be 0 or 1.")
        deleted += delete_matching(request, collection, statement)

    errors = _each(request, request.need("deletes", list), write)
    return {"n": deleted, **errors}


def delete_matching(request: Request, collection: Collection, statement: Document) -> int:
    """How many documents one statement of a delete removed."""
    found = list(
        _matches(request, collection, statement["q"], statement.get("hint"), first_only=statement["limit"] == 1)
    )
    for record, _document in found:
        collection.delete(record)
    return len(found)


_MODIFY_FIELDS = "query sort remove update new fields upsert bypassDocumentValidation arrayFilters hint collation let"


@command("findAndModify", "write", _MODIFY_FIELDS, aliases="findandmodify")
def find_and_modify(request: Request) -> dict[str, Any]:
    body, query = request.body, request.option("query", dict, {})
    if bool(body.get("remove")) == ("update" in body):
        raise MongoError(FAILED_TO_PARSE, "Either an update or remove=true must be specified")
    if body.get("remove") and (body.get("new") or body.get("upsert")):
        raise MongoError(FAILED_TO_PARSE, "Cannot specify both remove=true and 'new' or 'upsert'")
    project = compile_projection(request.option("fields", dict, {}), query)
    collection = target(request)
    found = next(_matches(request, collection, query, body.get("hint"), body.get("sort"), first_only=True), None)
    if body.get("remove"):
        if found is None:
            return {"lastErrorObject": {"n": 0}, "value": None}
        collection.delete(found[0])
        return {"lastErrorObject": {"n": 1}, "value": project(found[1])}
    return _modify(request, collection, query, found, project)


def _modify(
    request: Request, collection: Collection, query: Document, found: tuple[int, Document] | None, project: Any
) -> dict[str, Any]:
    body, bypass = request.body, bool(request.body.get("bypassDocumentValidation"))
    apply = compile_update(body["update"], query, body.get("arrayFilters"), variables(request))
    if found is not None:
        record, before = found
        after = apply(before, False)
        collection.replace(record, after, bypass)
        value = project(after if body.get("new") else before)
        return {"lastErrorObject": {"n": 1, "updatedExisting": True}, "value": value}
    if not body.get("upsert"):
        return {"lastErrorObject": {"n": 0, "updatedExisting": False}, "value": None}
    stored = _upsert(collection, query, body["update"], apply, bypass)
    keep(request, collection)
    value = project(stored) if body.get("new") else None
    return {"lastErrorObject": {"n": 1, "updatedExisting": False, "upserted": stored["_id"]}, "value": value}
