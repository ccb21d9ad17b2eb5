"""Keeps a store in one file, so that whatever was acknowledged outlives the process, also one that is killed.

The file holds the state as it was when it was last written out, and after that every change in order. A change is
handed to the operating system before the client is answered: it survives the end of the process by any signal, though
not a power cut, for nothing waits for the disk. A change that was cut off in the middle was never acknowledged, and is
dropped. The file is written out anew at every start and reset, so that it does not grow for ever.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import bson
from bson.raw_bson import RawBSONDocument

from environments.sandbox.mongodb.storage.collection import Collection
from environments.sandbox.mongodb.storage.store import Store
from environments.sandbox.mongodb.wire.framing import CODEC

_LENGTH_BYTES = 4


class DataFile:
    """The journal of a store (see :class:`~environments.sandbox.mongodb.storage.collection.Journal`)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.muted: frozenset[str] = frozenset()
        """Namespaces whose changes are not kept: a fault has put another collection in their place."""
        self._stream: BinaryIO | None = None
        self._paused = False

    def write_out(self, store: Store, facts: Mapping[str, Any]) -> None:
        """The whole state in place of what the file held; from now on the changes of ``store`` follow it."""
        self.close()
        unfinished = self.path.with_suffix(self.path.suffix + ".new")
        self._stream = unfinished.open("wb")
        self._append({"facts": facts})
        for database in store.databases.values():
            for collection in database.values():
                self.put(collection)
        self.flush()
        unfinished.replace(self.path)
        store.record_in(self)

    def load(self) -> tuple[Store, dict[str, Any]]:
        """The store, and the facts that were written out with it."""
        store, facts = Store(), {}
        for entry in _entries(self.path):
            if "facts" in entry:
                facts = entry["facts"]
            elif "collection" in entry:
                _restore_collection(store, entry["collection"])
            else:
                database, _, name = entry["in"].partition(".")
                _restore_change(store, database, name, entry)
        return store, facts

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Changes made meanwhile are not kept: those of faults are undone some day."""
        self._paused = True
        try:
            yield
        finally:
            self._paused = False

    def describe(self, collection: Collection) -> None:
        """The collection's indexes, as they are now."""
        indexes = [index.describe() for index in collection.indexes.values()]
        header = {"database": collection.database, "name": collection.name, "indexes": indexes}
        self._change(collection.namespace, {"collection": header})

    def put(self, collection: Collection) -> None:
        """A collection with all its documents."""
        self._change(collection.namespace, {"in": collection.namespace, "drop": True})
        self.describe(collection)
        for document in collection.documents.values():
            self.store(collection.namespace, bson.encode(document))

    def drop(self, namespace: str) -> None:
        self._change(namespace, {"in": namespace, "drop": True})

    def store(self, namespace: str, document: bytes) -> None:
        """A document that is new, or takes the place of the one with its ``_id``."""
        self._change(namespace, {"in": namespace, "document": RawBSONDocument(document)})

    def delete(self, namespace: str, document_id: Any) -> None:
        self._change(namespace, {"in": namespace, "delete": document_id})

    def flush(self) -> None:
        """Hand everything to the operating system."""
        if self._stream is not None:
            self._stream.flush()

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _change(self, namespace: str, entry: Mapping[str, Any]) -> None:
        if not self._paused and namespace not in self.muted:
            self._append(entry)

    def _append(self, entry: Mapping[str, Any]) -> None:
        assert self._stream is not None, "the file was written out before anything could change"
        self._stream.write(bson.encode(entry))


def _entries(path: Path) -> Iterator[dict[str, Any]]:
    """All that are complete."""
    with path.open("rb") as stream:
        while len(length := stream.read(_LENGTH_BYTES)) == _LENGTH_BYTES:
            size = int.from_bytes(length, "little") - _LENGTH_BYTES
            rest = stream.read(size)
            if len(rest) < size:
                return
            yield bson.decode(length + rest, CODEC)


def _restore_collection(store: Store, header: Mapping[str, Any]) -> None:
    collection = store.find(header["database"], header["name"])
    if collection is None:
        collection = store.create(header["database"], header["name"])
    collection.set_indexes(header["indexes"])


def _restore_change(store: Store, database: str, name: str, entry: Mapping[str, Any]) -> None:
    """What is not there any more need not be dropped or deleted: it never was kept, see ``paused``."""
    collection = store.find(database, name)
    if "drop" in entry:
        if collection is not None:
            store.take(database, name)
    elif "document" in entry:
        store.ensure(database, name).restore(entry["document"])
    elif collection is not None and (record := collection.record_of(entry["delete"])) is not None:
        collection.delete(record)
