"""Keeps a store in one file, so that acknowledged changes survive the end of the process, even if it is killed.

A change is handed to the operating system before the client is answered. It therefore survives the end of the process
by any signal, but not a power cut, because no write waits for the disk.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import bson

from environments.sandbox.mongodb.storage.collection import Collection, Journal
from environments.sandbox.mongodb.storage.store import Store
from environments.sandbox.mongodb.wire.framing import CODEC

_SCHEMA = """
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = OFF;
    CREATE TABLE IF NOT EXISTS facts (body BLOB);
    CREATE TABLE IF NOT EXISTS collections (namespace TEXT PRIMARY KEY, body BLOB);
    CREATE TABLE IF NOT EXISTS documents (namespace TEXT, record INTEGER, body BLOB, PRIMARY KEY (namespace, record));
"""


class DataFile(Journal):
    """The journal of a store (see :class:`~environments.sandbox.mongodb.storage.collection.Journal`)."""

    def __init__(self, path: Path) -> None:
        self._file = sqlite3.connect(path)
        self._file.executescript(_SCHEMA)
        self.muted: frozenset[str] = frozenset()
        """Namespaces whose changes are not kept, because a fault has replaced the collection."""
        self._paused = False

    def load(self) -> tuple[Store, dict[str, Any]]:
        """The saved store and the facts saved with it; both are empty if none were saved."""
        store, facts = Store(), self._read("SELECT body FROM facts")
        for header in self._read("SELECT body FROM collections"):
            collection = store.create(header["database"], header["name"])
            for spec in header["indexes"]:
                collection.create_index(spec)
            rows = self._file.execute(
                "SELECT record, body FROM documents WHERE namespace = ? ORDER BY record", (collection.namespace,)
            )
            for record, body in rows:
                collection.restore(record, bson.decode(body, CODEC))
        return store, next(facts, {})

    def write_out(self, store: Store, facts: Mapping[str, Any]) -> None:
        """Replace the content of the file with the whole state; from then on the changes of ``store`` are saved too."""
        for table in ("facts", "collections", "documents"):
            self._file.execute(f"DELETE FROM {table}")
        self._file.execute("INSERT INTO facts VALUES (?)", (bson.encode(facts),))
        for database in store.databases.values():
            for collection in database.values():
                self.put(collection)
        self.flush()
        store.record_in(self)

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Do not keep changes made in this context: those of faults are undone later."""
        self._paused = True
        try:
            yield
        finally:
            self._paused = False

    def describe(self, collection: Collection) -> None:
        """Save the collection's indexes as they are now."""
        indexes = [index.describe() for index in collection.indexes.values()]
        header = {"database": collection.database, "name": collection.name, "indexes": indexes}
        known = "ON CONFLICT (namespace) DO UPDATE SET body = excluded.body"
        self._change(f"INSERT INTO collections VALUES (?, ?) {known}", collection.namespace, bson.encode(header))

    def put(self, collection: Collection) -> None:
        """Save a collection with all its documents."""
        self.drop(collection.namespace)
        self.describe(collection)
        for record, document in collection.documents.items():
            self.store(collection.namespace, record, bson.encode(document))

    def drop(self, namespace: str) -> None:
        for table in ("collections", "documents"):
            self._change(f"DELETE FROM {table} WHERE namespace = ?", namespace)

    def store(self, namespace: str, record: int, document: bytes) -> None:
        """Save a document that is new or replaces the one with this record number."""
        self._change("INSERT OR REPLACE INTO documents VALUES (?, ?, ?)", namespace, record, document)

    def delete(self, namespace: str, record: int) -> None:
        self._change("DELETE FROM documents WHERE namespace = ? AND record = ?", namespace, record)

    def flush(self) -> None:
        """Hand all changes to the operating system."""
        self._file.commit()

    def close(self) -> None:
        self._file.close()

    def _change(self, statement: str, namespace: str, *values: Any) -> None:
        if not self._paused and namespace not in self.muted:
            self._file.execute(statement, (namespace, *values))

    def _read(self, query: str) -> Iterator[dict[str, Any]]:
        return (bson.decode(body, CODEC) for (body,) in self._file.execute(query))
