"""Collections and indexes: create, list, drop."""

from __future__ import annotations

from typing import Any

from bson import Binary

from environments.sandbox.mongodb.commands.registry import (
    ANY,
    ARRAY,
    DOCUMENT,
    FLAG,
    NUMBER,
    TEXT,
    Request,
    check_fields,
    command,
)
from environments.sandbox.mongodb.query.matching import compile_filter
from environments.sandbox.mongodb.storage.collection import Collection
from environments.sandbox.mongodb.wire.errors import Code, MongoError


def batch_size(request: Request) -> int | None:
    """The size of the first batch, from the option ``cursor``."""
    options = request.option("cursor", {})
    check_fields("cursor", options, {"batchSize": NUMBER})
    size = options.get("batchSize")
    if size is not None and size < 0:
        raise MongoError(Code.BadValue, "batchSize must be a non-negative number")
    return None if size is None else int(size)


@command("create", "write", {})
def create(request: Request) -> dict[str, Any]:
    """Create a collection. One that exists is not an error since MongoDB 7.0."""
    request.instance.store.ensure(request.database, request.collection)
    return {}


@command("drop", "write", {})
def drop(request: Request) -> dict[str, Any]:
    """Drop a collection. A missing one is not an error since MongoDB 7.0."""
    collection = request.instance.store.find(request.database, request.collection)
    if collection is None:
        return {}
    request.instance.store.take(request.database, request.collection)
    return {"nIndexesWas": len(collection.indexes), "ns": request.namespace}


@command("dropDatabase", "admin", {})
def drop_database(request: Request) -> dict[str, Any]:
    dropped = request.instance.store.drop_database(request.database)
    return {"dropped": request.database} if dropped else {}


_LISTING = {"filter": DOCUMENT, "nameOnly": FLAG, "authorizedCollections": FLAG, "cursor": DOCUMENT}


@command("listCollections", "read", _LISTING)
def list_collections(request: Request) -> dict[str, Any]:
    test = compile_filter(request.option("filter", {}))
    found = []
    if request.database in request.instance.visible_databases():
        for collection in request.instance.store.databases[request.database].values():
            entry: dict[str, Any] = {"name": collection.name, "type": "collection"}
            if not request.option("nameOnly", False):
                information = {"readOnly": False, "uuid": Binary(collection.uuid.bytes, 4)}
                identity = {"v": 2, "key": {"_id": 1}, "name": "_id_"}
                entry |= {"options": {}, "info": information, "idIndex": identity}
            found.append(entry)
    namespace = f"{request.database}.$cmd.listCollections"
    documents = [entry for entry in found if test(entry)]
    return {"cursor": request.instance.cursors.start(namespace, documents, request.owner, batch_size(request))}


@command("createIndexes", "write", {"indexes": ARRAY, "commitQuorum": ANY})
def create_indexes(request: Request) -> dict[str, Any]:
    specs = request.need("indexes")
    if request.option("commitQuorum") is not None:
        raise MongoError(Code.BadValue, "Standalones can't specify commitQuorum")
    if not specs:
        raise MongoError(Code.BadValue, "Must specify at least one index to create")
    if not all(isinstance(spec, dict) for spec in specs):
        raise MongoError(Code.TypeMismatch, "The elements of the 'indexes' array must be objects")
    store, existing = request.instance.store, request.instance.store.find(request.database, request.collection)
    collection = existing if existing is not None else Collection(request.database, request.collection)
    before = dict(collection.indexes)
    try:
        made = [collection.create_index(spec) for spec in specs]
    except MongoError:
        collection.indexes = before  # create all of them or none
        raise
    if existing is None:
        store.put(collection)
    elif any(made):
        collection.described()
    reply: dict[str, Any] = {"numIndexesBefore": len(before), "numIndexesAfter": len(collection.indexes),
                             "createdCollectionAutomatically": existing is None}  # fmt: skip
    if not any(made):
        reply["note"] = "all indexes already exist"
    return reply


@command("listIndexes", "read", {"cursor": DOCUMENT})
def list_indexes(request: Request) -> dict[str, Any]:
    collection = request.instance.store.require(request.database, request.collection)
    documents = [index.describe() for index in collection.indexes.values()]
    return {"cursor": request.instance.cursors.start(request.namespace, documents, request.owner, batch_size(request))}


@command("dropIndexes", "write", {"index": (str, dict, list)}, "deleteIndexes")
def drop_indexes(request: Request) -> dict[str, Any]:
    collection = request.instance.store.require(request.database, request.collection)
    wanted, before = request.need("index"), len(collection.indexes)
    if wanted == "*":
        names = [name for name in collection.indexes if name != "_id_"]
    else:
        asked = wanted if isinstance(wanted, list) else [wanted]
        under_way = request.instance.under_way.give_up_builds(
            request.namespace, [x for x in asked if isinstance(x, str)]
        )
        names = [_index_name(collection, item) for item in asked if not (isinstance(item, str) and item in under_way)]
    for name in names:
        collection.drop_index(name)
    collection.described()
    return {"nIndexesWas": before}


def _index_name(collection: Collection, wanted: Any) -> str:
    index = collection.find_index(wanted)
    if index is None:
        raise MongoError(Code.IndexNotFound, f"can't find index with key or name: {wanted}")
    return index.name


_ALTERED = {"name": TEXT, "keyPattern": DOCUMENT, "hidden": FLAG, "prepareUnique": FLAG, "unique": FLAG}


@command("collMod", "write", {"index": DOCUMENT})
def alter_index(request: Request) -> dict[str, Any]:
    """Alter the options of one index; no other change of a collection is supported."""
    collection = request.instance.store.require(request.database, request.collection)
    asked = request.need("index")
    check_fields("collMod.index", asked, _ALTERED)
    name = _index_name(collection, asked.get("name", asked.get("keyPattern")))
    options = [option for option in ("hidden", "prepareUnique", "unique") if asked.get(option) is not None]
    if not options:
        raise MongoError(Code.InvalidOptions, "no hidden, prepareUnique or unique option was given")
    reply: dict[str, Any] = {}
    for option in options:
        index = collection.indexes[name]
        before, value = bool(index.options.get(option)), bool(asked[option])
        index.alter(option, value)
        reply |= {f"{option}_old": before, f"{option}_new": value} if before != value else {}
    collection.described()
    return reply
