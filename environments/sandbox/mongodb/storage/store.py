"""Databases and their collections by name."""

from __future__ import annotations

from environments.sandbox.mongodb.storage.collection import Collection, Journal
from environments.sandbox.mongodb.wire.errors import Code, MongoError


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
            raise MongoError(Code.NamespaceNotFound, f"ns does not exist: {database}.{name}")
        return collection

    def ensure(self, database: str, name: str) -> Collection:
        """The collection, made if it is not there, as a write does."""
        collection = self.find(database, name)
        return collection if collection is not None else self.create(database, name)

    def create(self, database: str, name: str) -> Collection:
        """One that is not there yet."""
        collection = Collection(database, name)
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
