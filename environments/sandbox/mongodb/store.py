"""Databases and their collections by name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from environments.sandbox.mongodb.errors import NAMESPACE_EXISTS, NAMESPACE_NOT_FOUND, MongoError
from environments.sandbox.mongodb.storage import Collection, Journal


class Store:
    """Everything there is: databases by name, and in them collections by name. A database exists while it has one."""

    def __init__(self) -> None:
        self.databases: dict[str, dict[str, Collection]] = {}
        self._journal: Journal | None = None

    def record_in(self, journal: Journal) -> None:
        """Tell ``journal`` of every change from now on."""
        self._journal = journal
        for database in self.databases.values():
            for collection in database.values():
                collection.journal = journal

    def flush(self) -> None:
        """To be called before a client is told that a change was made."""
        if self._journal is not None:
            self._journal.flush()

    def find(self, database: str, name: str) -> Collection | None:
        return self.databases.get(database, {}).get(name)

    def require(self, database: str, name: str) -> Collection:
        collection = self.find(database, name)
        if collection is None:
            raise MongoError(NAMESPACE_NOT_FOUND, f"ns does not exist: {database}.{name}")
        return collection

    def ensure(self, database: str, name: str) -> Collection:
        """The collection, made if it is not there, as a write does."""
        collection = self.find(database, name)
        return collection if collection is not None else self.create(database, name)

    def create(self, database: str, name: str, options: Mapping[str, Any] | None = None) -> Collection:
        if self.find(database, name) is not None:
            raise MongoError(NAMESPACE_EXISTS, f"Collection {database}.{name} already exists.")
        collection = Collection(database, name, options)
        self.put(collection)
        return collection

    def put(self, collection: Collection) -> None:
        """Also in the place of one of the same name."""
        self.databases.setdefault(collection.database, {})[collection.name] = collection
        collection.journal = self._journal
        if self._journal is not None:
            self._journal.put(collection)

    def take(self, database: str, name: str) -> Collection:
        """Remove a collection and return it."""
        collection = self.require(database, name)
        del self.databases[database][name]
        if not self.databases[database]:
            del self.databases[database]
        collection.journal = None
        if self._journal is not None:
            self._journal.drop(collection.namespace)
        return collection

    def drop_database(self, name: str) -> bool:
        collections = list(self.databases.get(name, {}))
        for collection in collections:
            self.take(name, collection)
        return bool(collections)

    def expire(self, now: datetime) -> int:
        return sum(collection.expire(now) for database in self.databases.values() for collection in database.values())
