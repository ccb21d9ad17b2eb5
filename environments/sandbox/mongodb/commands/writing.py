"""insert, update, delete."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import bson
from bson import ObjectId

from environments.sandbox.mongodb.commands.reading import stored_or_empty
from environments.sandbox.mongodb.commands.registry import (
    ARRAY,
    DOCUMENT,
    FLAG,
    HINT,
    NUMBER,
    Kinds,
    Request,
    check_fields,
    command,
)
from environments.sandbox.mongodb.query.planner import choose
from environments.sandbox.mongodb.query.updates import Update, compile_update, is_replacement, upsert_base
from environments.sandbox.mongodb.storage.collection import Collection, Document
from environments.sandbox.mongodb.wire.errors import Code, MongoError

_MAX_BATCH = 100_000
_UPDATE_FIELDS = {"q": DOCUMENT, "u": (dict, list), "upsert": FLAG, "multi": FLAG, "hint": HINT}
_DELETE_FIELDS = {"q": DOCUMENT, "limit": NUMBER, "hint": HINT}


def _each(request: Request, statements: list[Any], write: Callable[[int, Any], None]) -> dict[str, Any]:
    """Run the statements of a write command. An error ends an ordered command, and is listed for an unordered one."""
    if not 0 < len(statements) <= _MAX_BATCH:
        text = f"Write batch sizes must be between 1 and {_MAX_BATCH}. Got {len(statements)} operations."
        raise MongoError(Code.InvalidLength, text)
    if not all(isinstance(statement, dict) for statement in statements):
        raise MongoError(Code.TypeMismatch, f"The statements of {request.name} must be objects")
    errors = []
    for position, statement in enumerate(statements):
        try:
            write(position, statement)
        except MongoError as error:
            if error.code == Code.MaxTimeMSExpired:
                raise
            errors.append(error.write_error(position))
            if request.option("ordered", True):
                break
    return {"writeErrors": errors} if errors else {}


def _keep(request: Request, collection: Collection) -> None:
    """Store a collection that did not exist, now that it has a document."""
    if collection.documents and request.instance.store.find(request.database, request.collection) is None:
        request.instance.store.put(collection)


@command("insert", "write", {"documents": ARRAY, "ordered": FLAG})
def insert(request: Request) -> dict[str, Any]:
    documents = request.need("documents")
    collection = request.instance.store.ensure(request.database, request.collection)
    inserted = 0

    def write(_: int, document: Document) -> None:
        nonlocal inserted
        collection.insert(document)
        inserted += 1

    errors = _each(request, documents, write)
    return {"n": inserted, **errors}


def _matches(request: Request, collection: Collection, statement: Document) -> Iterator[tuple[int, Document]]:
    plan = choose(collection, statement["q"], hint=statement.get("hint"))
    return plan.run(collection, request.deadline)


def _check_statement(where: str, statement: Document, allowed: Mapping[str, Kinds], *needed: str) -> None:
    for name in needed:
        if statement.get(name) is None:
            raise MongoError(40414, f"BSON field '{where}.{name}' is missing but a required field")
    check_fields(where, statement, allowed)


@command("update", "write", {"updates": ARRAY, "ordered": FLAG})
def update(request: Request) -> dict[str, Any]:
    collection = stored_or_empty(request)
    counts = {"n": 0, "nModified": 0}
    upserted: list[Document] = []

    def write(position: int, statement: Document) -> None:
        _check_statement("update.updates", statement, _UPDATE_FIELDS, "q", "u")
        matched, modified, new_id = _update_matching(request, collection, statement)
        counts["n"] += matched
        counts["nModified"] += modified
        if new_id is not None:
            upserted.append({"index": position, "_id": new_id[0]})
            counts["n"] += 1

    errors = _each(request, request.need("updates"), write)
    _keep(request, collection)
    return {**counts, **({"upserted": upserted} if upserted else {}), **errors}


def _update_matching(
    request: Request, collection: Collection, statement: Document
) -> tuple[int, int, tuple[Any] | None]:
    """The matched and modified counts of one update statement, and the ``_id`` of an upserted document."""
    query, change, multi = statement["q"], statement["u"], bool(statement.get("multi"))
    if multi and isinstance(change, dict) and is_replacement(change):
        raise MongoError(Code.FailedToParse, "multi update is not supported for replacement-style update")
    apply = compile_update(change)
    matched = modified = 0
    for record, document in list(_matches(request, collection, statement)):
        new = apply(document, False)
        matched += 1
        if bson.encode(new) != bson.encode(document):
            collection.replace(record, new)
            modified += 1
        if not multi:
            break
    if matched or not statement.get("upsert"):
        return matched, modified, None
    return 0, 0, (_upsert(collection, query, change, apply)["_id"],)


def _upsert(collection: Collection, query: Document, change: Document, apply: Update) -> Document:
    base = upsert_base(query)
    if is_replacement(change):
        base = {"_id": base["_id"]} if "_id" in base else {}
    new = apply(base, True)
    return collection.insert(new if "_id" in new else {"_id": ObjectId(), **new})


@command("delete", "write", {"deletes": ARRAY, "ordered": FLAG})
def delete(request: Request) -> dict[str, Any]:
    collection = stored_or_empty(request)
    deleted = 0

    def write(_: int, statement: Document) -> None:
        nonlocal deleted
        _check_statement("delete.deletes", statement, _DELETE_FIELDS, "q", "limit")
        if statement["limit"] not in (0, 1):
            raise MongoError(Code.FailedToParse, "The limit field in delete objects must be 0 or 1.")
        for record, _document in list(_matches(request, collection, statement)):
            collection.delete(record)
            deleted += 1
            if statement["limit"]:
                break

    errors = _each(request, request.need("deletes"), write)
    return {"n": deleted, **errors}
