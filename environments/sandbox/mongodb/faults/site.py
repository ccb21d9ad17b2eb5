"""The collections that a fault changes, and the undoing of its changes."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from environments.sandbox.mongodb.seed.recordings import recording
from environments.sandbox.mongodb.seed.seeding import LIVE_PATH
from environments.sandbox.mongodb.storage.collection import Collection, Document
from environments.sandbox.mongodb.storage.indexes import Index
from environments.sandbox.mongodb.storage.ordering import sort_key

Undo = Callable[[], object]
QUIET_FOR = timedelta(days=20)
"""The age of documents that are merely wrong: no other data is there, and no request covers that time."""


class Site:
    """The collections of the configured storage path, and the changes that one fault made to them.

    A fault is applied again when the process restarts, and the data file contains none of it. The documents it adds
    have the same uuid and times each time until the data is seeded again, so that an outage changes nothing.
    """

    def __init__(self, fault: str, paths: Collection, recordings: Collection, unrecognised: Collection) -> None:
        self.paths, self.recordings, self.unrecognised = paths, recordings, unrecognised
        self._fault, self._made = fault, 0
        self._undos: list[Undo] = []

    def undo(self) -> None:
        """Undo all changes in reverse order."""
        while self._undos:
            self._undos.pop()()

    def insert(self, collection: Collection, document: Document) -> Document:
        stored = collection.insert(document)
        self._undos.append(lambda: _delete(collection, stored["_id"]))
        return stored

    def replace(self, collection: Collection, old: Document, new: Document) -> None:
        record = collection.record_of(old["_id"])
        if record is None:
            return
        collection.replace(record, new)
        self._undos.append(lambda: _put_back(collection, old))

    def drop_index(self, field: str) -> None:
        index = self.recordings.find_index({field: 1})
        if index is not None:
            self._drop(index)

    def replace_index(self, field: str) -> None:
        """Replace an index with the same one without options."""
        self.drop_index(field)
        self.recordings.create_index({"key": {field: 1}})

    def hide_indexes(self) -> None:
        """Hide all indexes except that of ``_id``, which cannot be hidden."""
        for index in [index for index in self.recordings.indexes.values() if index.name != "_id_"]:
            self._drop(index)
            self.recordings.create_index({**index.describe(), "hidden": True})

    def _drop(self, index: Index) -> None:
        spec = index.describe()
        self.recordings.drop_index(index.name)
        self._undos.append(lambda: self._restore_index(spec))

    def _restore_index(self, spec: Mapping[str, Any]) -> None:
        existing = self.recordings.find_index(spec["key"])
        if existing is not None:
            self.recordings.drop_index(existing.name)
        self.recordings.create_index(spec)

    def add(self, seconds: float = 40, after_s: float = 0, **changes: Any) -> Document:
        """Add a recording at the quiet time, with these fields instead of its own; ``...`` removes a field."""
        document = {**self.recording(QUIET_FOR - timedelta(seconds=after_s), timedelta(seconds=seconds)), **changes}
        return self.insert(self.recordings, {name: value for name, value in document.items() if value is not ...})

    def recording(self, ago: timedelta, lasts: timedelta | None = None) -> Document:
        """A recording that began this long before the data was seeded; without ``lasts`` it is still open."""
        seeded = min(entry["_id"].generation_time for entry in self.paths.documents.values())
        self._made += 1
        own = str(uuid.uuid5(uuid.UUID(self.recordings.name), f"{self._fault} {self._made}"))
        start = seeded - ago
        return recording(start, own=own) if lasts is None else recording(start, start + lasts, own=own)

    def change_newest(self, recorder: Mapping[str, Any] | None = None, **fibre: Any) -> None:
        """Change the newest recording at the level of the recorder and of the fibre; ``...`` removes a field."""
        dated = [one for one in self.recordings.documents.values() if isinstance(one.get("start_time"), datetime)]
        newest = max(dated, key=lambda document: sort_key(document["start_time"]))
        metadata = {**_innermost_changed(newest["fiber_metadata"], fibre), **(recorder or {})}
        self.replace(self.recordings, newest, {**newest, "fiber_metadata": metadata})

    def live_entry(self) -> Document:
        entries = self.paths.documents.values()
        return next(entry for entry in entries if entry["base_path"] == LIVE_PATH and not entry.get("is_archive"))


def _delete(collection: Collection, document_id: Any) -> None:
    """Delete a document unless a client already has."""
    record = collection.record_of(document_id)
    if record is not None:
        collection.delete(record)


def _put_back(collection: Collection, document: Document) -> None:
    record = collection.record_of(document["_id"])
    if record is not None:
        collection.replace(record, document)


def _innermost_changed(level: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(level.get("parent"), Mapping):
        return {**level, "parent": _innermost_changed(level["parent"], changes)}
    return {name: value for name, value in {**level, **changes}.items() if value is not ...}
