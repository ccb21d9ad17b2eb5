"""Collections and indexes: create, list, change, drop."""

from __future__ import annotations

from typing import Any

from bson import Binary

from environments.sandbox.mongodb.commands.registry import Request, command
from environments.sandbox.mongodb.errors import (
    BAD_VALUE,
    INDEX_NOT_FOUND,
    NAMESPACE_EXISTS,
    NOT_SUPPORTED,
    MongoError,
)
from environments.sandbox.mongodb.matching import compile_filter
from environments.sandbox.mongodb.storage import Collection

_CURSOR_FIELDS = {"batchSize"}


def batch_size(request: Request) -> int | None:
    options = request.option("cursor", dict, {})
    unknown = set(options) - _CURSOR_FIELDS
    if unknown:
        raise MongoError(40415, f"BSON field 'cursor.{unknown.pop()}' is an unknown field.")
    size = options.get("batchSize")
    if size is not None and (not isinstance(size, (int, float)) or size < 0):
        raise MongoError(BAD_VALUE, "batchSize must be a non-negative number")
    return None if size is None else int(size)


_VALIDATION = ("validator", "validationLevel", "validationAction")
_REFUSED_ON_CREATE = (
    "size", "max", "viewOn", "pipeline", "timeseries", "storageEngine", "expireAfterSeconds", "clusteredIndex",
    "indexOptionDefaults", "idIndex",
)  # fmt: skip


@command("create", "write", " ".join((*_VALIDATION, *_REFUSED_ON_CREATE, "capped", "collation")))
def create(request: Request) -> dict[str, Any]:
    for name in _REFUSED_ON_CREATE:
        if name in request.body:
            raise MongoError(NOT_SUPPORTED, f"create with '{name}' is not supported by this server")
    if request.option("capped", (bool, int), False):
        raise MongoError(NOT_SUPPORTED, "capped collections are not supported by this server")
    options: dict[str, Any] = {name: request.body[name] for name in _VALIDATION if name in request.body}
    store, existing = request.server.store, request.server.store.find(request.database, request.collection)
    if existing is not None and existing.options == options:
        return {}  # as MongoDB since 7.0: creating the same collection again is no error
    if existing is not None:
        raise MongoError(NAMESPACE_EXISTS, f"namespace {request.namespace} already exists, but with different options: "
                                           f"{existing.options}")  # fmt: skip
    store.create(request.database, request.collection, options)
    return {}


@command("collMod", "write", "validator validationLevel validationAction index")
def coll_mod(request: Request) -> dict[str, Any]:
    collection = request.server.store.require(request.database, request.collection)
    collection.set_options({name: request.body[name] for name in _VALIDATION if name in request.body})
    change = request.option("index", dict)
    if change is not None:
        _change_index(request, collection, change)
    collection.described()
    return {}


def _change_index(request: Request, collection: Collection, change: dict[str, Any]) -> None:
    index = collection.find_index(change.get("name") or change.get("keyPattern", {}))
    if index is None:
        raise MongoError(INDEX_NOT_FOUND, f"cannot find index {change} for ns {request.namespace}")
    unknown = set(change) - {"name", "keyPattern", "expireAfterSeconds", "hidden"}
    if unknown:
        raise MongoError(NOT_SUPPORTED, f"collMod of an index's {sorted(unknown)} is not supported by this server")
    if "expireAfterSeconds" in change:
        index.expire_after_s = index.options["expireAfterSeconds"] = change["expireAfterSeconds"]
    if "hidden" in change:
        index.options["hidden"] = bool(change["hidden"])


@command("drop", "write")
def drop(request: Request) -> dict[str, Any]:
    """Dropping what is not there is no error since MongoDB 7.0."""
    collection = request.server.store.find(request.database, request.collection)
    if collection is None:
        return {}
    request.server.store.take(request.database, request.collection)
    return {"nIndexesWas": len(collection.indexes), "ns": request.namespace}


@command("dropDatabase", "admin")
def drop_database(request: Request) -> dict[str, Any]:
    dropped = request.server.store.drop_database(request.database)
    return {"dropped": request.database} if dropped else {}


@command("renameCollection", "", "to dropTarget")
def rename_collection(request: Request) -> dict[str, Any]:
    source, target = request.collection, request.need("to", str)
    (from_database, _, from_name), (to_database, _, to_name) = source.partition("."), target.partition(".")
    user = request.user
    if user is None or not (user.permits(from_database, "write") and user.permits(to_database, "write")):
        raise MongoError(13, f"not authorized on {from_database} to execute command {{ renameCollection }}")
    request.server.rename(from_database, from_name, to_database, to_name, bool(request.body.get("dropTarget")))
    return {}


@command("listCollections", "read", "filter nameOnly authorizedCollections cursor")
def list_collections(request: Request) -> dict[str, Any]:
    test = compile_filter(request.option("filter", dict, {}))
    name_only = bool(request.body.get("nameOnly"))
    found = []
    if request.database in request.server.visible_databases():
        for collection in request.server.store.databases[request.database].values():
            entry: dict[str, Any] = {"name": collection.name, "type": "collection"}
            if not name_only:
                information = {"readOnly": False, "uuid": Binary(collection.uuid.bytes, 4)}
                identity = {"v": 2, "key": {"_id": 1}, "name": "_id_"}
                entry |= {"options": collection.options, "info": information, "idIndex": identity}
            found.append(entry)
    namespace = f"{request.database}.$cmd.listCollections"
    documents = [entry for entry in found if test(entry)]
    return {"cursor": request.server.cursors.start(namespace, documents, request.owner, batch_size(request))}


@command("createIndexes", "write", "indexes commitQuorum ignoreUnknownIndexOptions")
def create_indexes(request: Request) -> dict[str, Any]:
    specs = request.need("indexes", list)
    if not specs:
        raise MongoError(BAD_VALUE, "Must specify at least one index to create")
    store, existing = request.server.store, request.server.store.find(request.database, request.collection)
    collection = existing if existing is not None else Collection(request.database, request.collection)
    before = dict(collection.indexes)
    try:
        made = [collection.create_index(spec) for spec in specs]
    except MongoError:
        collection.indexes = before  # all of them or none
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


@command("listIndexes", "read", "cursor")
def list_indexes(request: Request) -> dict[str, Any]:
    collection = request.server.store.require(request.database, request.collection)
    documents = [index.describe() for index in collection.indexes.values()]
    return {"cursor": request.server.cursors.start(request.namespace, documents, request.owner, batch_size(request))}


@command("dropIndexes", "write", "index", aliases="deleteIndexes")
def drop_indexes(request: Request) -> dict[str, Any]:
    collection = request.server.store.require(request.database, request.collection)
    wanted, before = request.need("index", (str, dict, list)), len(collection.indexes)
    if wanted == "*":
        names = [name for name in collection.indexes if name != "_id_"]
    else:
        names = [_index_name(collection, item) for item in (wanted if isinstance(wanted, list) else [wanted])]
    for name in names:
        collection.drop_index(name)
    collection.described()
    return {"nIndexesWas": before}


def _index_name(collection: Any, wanted: Any) -> str:
    index = collection.find_index(wanted)
    if index is None:
        raise MongoError(INDEX_NOT_FOUND, f"can't find index with key or name: {wanted}")
    return str(index.name)


@command("validate", "read", "full repair checkBSONConformance scandata background metadata")
def validate(request: Request) -> dict[str, Any]:
    """Count every index entry against the documents."""
    collection = request.server.store.require(request.database, request.collection)
    wrong = [index.name for index in collection.indexes.values() if len(index.entries) != sum(
        len(index.keys_of(document)) for document in collection.documents.values())]  # fmt: skip
    return {"ns": request.namespace, "valid": not wrong, "nrecords": len(collection.documents),
            "nIndexes": len(collection.indexes), "errors": [f"index {name} is inconsistent" for name in wrong],
            "keysPerIndex": {index.name: len(index.entries) for index in collection.indexes.values()}}  # fmt: skip
