"""Databases and their collections by name."""

from __future__ import annotations

from environments.sandbox.mongodb.storage.collection import Collection, Journal
from environments.sandbox.mongodb.wire.errors import Code, MongoError


class Store:
    """All databases by name, and in them collections by name. A database exists while it has a collection."""

    def __init__(self) -> None:
        self.databases: dict[str, dict[str, Collection]] = {}
        self._journal = Journal()

    def record_in(self, journal: Journal) -> None:
        """Report all further changes to ``journal``."""
        self._journal = journal
        for database in self.databases.values():
            for collection in database.values():
                collection.journal = journal

    def flush(self) -> None:
        """Flush the journal; call this before a client learns that a change was made."""
        self._journal.flush()

    def find(self, database: str, name: str) -> Collection | None:
        return self.databases.get(database, {}).get(name)

    def require(self, database: str, name: str) -> Collection:
        collection = self.find(database, name)
        if collection is None:
            raise MongoError(Code.NamespaceNotFound, f"ns does not exist: {database}.{name}")
        return collection

    def ensure(self, database: str, name: str) -> Collection:
        """The collection, created if it does not exist, as a write does."""
        collection = self.find(database, name)
        return collection if collection is not None else self.create(database, name)

    def create(self, database: str, name: str) -> Collection:
        """Create a collection that does not exist yet."""
        collection = Collection(database, name)
        self.put(collection)
        return collection

    def put(self, collection: Collection) -> None:
        """Add a collection, or replace one with the same name."""
        self.databases.setdefault(collection.database, {})[collection.name] = collection
        collection.journal = self._journal
        self._journal.put(collection)

    def take(self, database: str, name: str) -> Collection:
        """Remove a collection and return it."""
        collection = self.require(database, name)
        del self.databases[database][name]
        if not self.databases[database]:
            del self.databases[database]
        collection.journal = Journal()
        self._journal.drop(collection.namespace)
        return collection

    def drop_database(self, name: str) -> bool:
        collections = list(self.databases.get(name, {}))
        for collection in collections:
            self.take(name, collection)
        return bool(collections)
