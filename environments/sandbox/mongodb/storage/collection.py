"""Collections: their documents and indexes, held in memory.

A stored document is never changed in place: a write replaces it. A reader that holds a document therefore keeps a
consistent one indefinitely.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import bson
from bson import ObjectId

from environments.sandbox.mongodb.storage.indexes import TOP, Index, conflict
from environments.sandbox.mongodb.storage.ordering import sort_key
from environments.sandbox.mongodb.wire.errors import Code, MongoError

Document = dict[str, Any]

MAX_DOCUMENT_BYTES = 16 * 1024 * 1024
_FORBIDDEN_IN_DATABASE = set('/\\. "$*<>:|?\0')


class Journal:
    """Receives each change after it was made. This one keeps none;
    :mod:`~environments.sandbox.mongodb.storage.data_file` has the one that does."""

    def describe(self, collection: Collection) -> None: ...
    def put(self, collection: Collection) -> None: ...
    def drop(self, namespace: str) -> None: ...
    def store(self, namespace: str, record: int, document: bytes) -> None: ...
    def delete(self, namespace: str, record: int) -> None: ...
    def flush(self) -> None: ...


class Collection:
    """Documents by record number (insertion order) and the indexes on them; ``_id_`` always exists."""

    def __init__(self, database: str, name: str) -> None:
        check_names(database, name)
        self.database, self.name = database, name
        self.namespace = f"{database}.{name}"
        self.uuid = uuid.uuid4()
        self.documents: dict[int, Document] = {}
        self.indexes: dict[str, Index] = {"_id_": Index({"key": {"_id": 1}, "name": "_id_"}, self.namespace)}
        self.journal = Journal()
        self._next_record = 1

    def insert(self, document: Document) -> Document:
        """Store a document, with a new ``_id`` if it has none. Returns the stored document."""
        if "_id" not in document:
            document = {"_id": ObjectId(), **document}
        elif next(iter(document)) != "_id":
            document = {"_id": document["_id"], **document}
        _check_id(document["_id"])
        encoded = bson.encode(document)
        size = len(encoded)
        if size > MAX_DOCUMENT_BYTES:
            text = f"object to insert too large. size in bytes: {size}, max size: {MAX_DOCUMENT_BYTES}"
            raise MongoError(Code.BadValue, text)
        keys = {}
        for index in self.indexes.values():
            keys[index.name] = index.keys_of(document)
            index.check_unique(keys[index.name], document, None)
        record, self._next_record = self._next_record, self._next_record + 1
        self.documents[record] = document
        for index in self.indexes.values():
            index.add(keys[index.name], record)
        self.journal.store(self.namespace, record, encoded)
        return document

    def replace(self, record: int, document: Document) -> None:
        """Replace a stored document with one that has the same ``_id``."""
        before = self.documents[record]
        if sort_key(before["_id"]) != sort_key(document.get("_id")):
            raise MongoError(
                Code.ImmutableField, "Performing an update on the path '_id' would modify the immutable field '_id'"
            )
        encoded = bson.encode(document)
        if len(encoded) > MAX_DOCUMENT_BYTES:
            raise MongoError(17419, f"Resulting document after update is larger than {MAX_DOCUMENT_BYTES}")
        changes = []
        for index in self.indexes.values():
            old, new = index.keys_of(before), index.keys_of(document)
            if old != new:
                index.check_unique(new, document, record)
                changes.append((index, old, new))
        for index, old, new in changes:
            index.discard(old, record)
            index.add(new, record)
        self.documents[record] = document
        self.journal.store(self.namespace, record, encoded)

    def restore(self, record: int, document: Document) -> None:
        """Store a document under its former record number without checks: it was accepted before."""
        for index in self.indexes.values():
            index.add(index.keys_of(document), record)
        self.documents[record] = document
        self._next_record = record + 1

    def record_of(self, document_id: Any) -> int | None:
        """The record number of the document with this ``_id``."""
        key = sort_key(document_id)
        return next((record for _, record in self.indexes["_id_"].range(((key,),), ((key, TOP),))), None)

    def delete(self, record: int) -> None:
        document = self.documents.pop(record)
        for index in self.indexes.values():
            index.discard(index.keys_of(document), record)
        self.journal.delete(self.namespace, record)

    def described(self) -> None:
        """Record in the journal that the indexes have changed."""
        self.journal.describe(self)

    def create_index(self, spec: Mapping[str, Any]) -> bool:
        """Create an index; return whether it is new. An equal existing one is not an error."""
        wanted = Index(spec, self.namespace)
        if list(wanted.key) == ["_id"]:
            return False
        for existing in self.indexes.values():
            problem = conflict(existing, wanted)
            if problem is not None:
                raise problem
        if wanted.name in self.indexes:
            return False
        wanted.build(self.documents)
        self.indexes[wanted.name] = wanted
        return True

    def drop_index(self, name: str) -> None:
        if name == "_id_":
            raise MongoError(Code.InvalidOptions, "cannot drop _id index")
        if name not in self.indexes:
            raise MongoError(Code.IndexNotFound, f"index not found with name [{name}]")
        del self.indexes[name]

    def find_index(self, key_or_name: Any) -> Index | None:
        if not isinstance(key_or_name, dict):
            return self.indexes.get(key_or_name) if isinstance(key_or_name, str) else None
        wanted = list(key_or_name.items())
        return next((index for index in self.indexes.values() if list(index.key.items()) == wanted), None)

    def data_bytes(self) -> int:
        return sum(len(bson.encode(document)) for document in self.documents.values())


def _check_id(value: Any) -> None:
    if isinstance(value, list):
        raise MongoError(53, "The '_id' value cannot be of type array")
    wrong = next((name for name in value if name.startswith("$")), None) if isinstance(value, dict) else None
    if wrong is not None:
        text = f"_id fields may not contain '$'-prefixed fields: {wrong} is not valid for storage."
        raise MongoError(Code.DollarPrefixedFieldName, text)


def check_names(database: str, collection: str) -> None:
    """Refuse names that MongoDB refuses, with error 73."""
    if not database or len(database) > 63 or set(database) & _FORBIDDEN_IN_DATABASE:
        raise MongoError(Code.InvalidNamespace, f"Invalid database name: '{database}'")
    if not collection or collection.startswith(".") or "$" in collection or "\0" in collection:
        raise MongoError(Code.InvalidNamespace, f"Invalid collection name: '{collection}'")
