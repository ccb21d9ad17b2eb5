"""Wrong documents and missing indexes: made when their fault is switched on, undone when it is switched off."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from bson import ObjectId

from environments.sandbox.mongodb.indexes import Index
from environments.sandbox.mongodb.ordering import sort_key
from environments.sandbox.mongodb.recordings import recording
from environments.sandbox.mongodb.seeding import LIVE_PATH
from environments.sandbox.mongodb.storage import Collection, Document

Undo = Callable[[], object]
QUIET_FOR = timedelta(days=20)
"""How long ago documents that are merely wrong began: nothing else lies there, and nobody asks for it."""
STALE_FOR = timedelta(hours=25)
SECRET_COMMAND = (
    "baby_analyzer --amqp amqp://prisma:" + "not-a-real-password" + "@rabbitmq-panda:5672/ --forward livefs"
)


class Site:
    """The collections of the configured storage path, and the changes that were made to them."""

    def __init__(self, paths: Collection, recordings: Collection, unrecognised: Collection) -> None:
        self.paths, self.recordings, self.unrecognised = paths, recordings, unrecognised
        self._undos: list[Undo] = []

    def undo(self) -> None:
        """Take back every change, the last one first."""
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
        """The same index without any options."""
        self.drop_index(field)
        self.recordings.create_index({"key": {field: 1}})

    def hide_indexes(self) -> None:
        """Keep every index and use none but that of ``_id``, which cannot be hidden."""
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
        """A recording at the quiet time, with these fields instead of its own; ``...`` takes a field away."""
        start = datetime.now(UTC) - QUIET_FOR + timedelta(seconds=after_s)
        document = {**recording(start, start + timedelta(seconds=seconds)), **changes}
        return self.insert(self.recordings, {name: value for name, value in document.items() if value is not ...})

    def change_newest(self, recorder: Mapping[str, Any] | None = None, **fibre: Any) -> None:
        """Change what the newest recording says at the level of the recorder and of the fibre; ``...`` takes a field
        away."""
        dated = [one for one in self.recordings.documents.values() if isinstance(one.get("start_time"), datetime)]
        newest = max(dated, key=lambda document: sort_key(document["start_time"]))
        metadata = {**_innermost_changed(newest["fiber_metadata"], fibre), **(recorder or {})}
        self.replace(self.recordings, newest, {**newest, "fiber_metadata": metadata})

    def live_entry(self) -> Document:
        entries = self.paths.documents.values()
        return next(entry for entry in entries if entry["base_path"] == LIVE_PATH and not entry.get("is_archive"))


def _delete(collection: Collection, document_id: Any) -> None:
    """Unless a client was faster."""
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


def _path_not_indexed(site: Site) -> None:
    entry = site.live_entry()
    site.replace(site.paths, entry, {**entry, "base_path": "/prisma/root/recordings/elsewhere"})


def _path_leads_nowhere(site: Site) -> None:
    entry = site.live_entry()
    site.replace(site.paths, entry, {**entry, "guid": str(uuid.uuid4())})


def _second_live_entry(site: Site) -> None:
    archive = next(entry for entry in site.paths.documents.values() if entry.get("is_archive"))
    site.insert(site.paths, {"base_path": LIVE_PATH, "guid": archive["guid"], "is_archive": False})


def _duplicate_uuid(site: Site) -> None:
    """A unique index would not let it in."""
    site.replace_index("uuid")
    first = site.add()
    site.add(after_s=60, uuid=first["uuid"])


def _overlapping(site: Site) -> None:
    site.add()
    site.add(after_s=20)


def _stale(site: Site) -> None:
    site.insert(site.recordings, recording(datetime.now(UTC) - STALE_FOR))


def _password_in_command(site: Site) -> None:
    document = recording(datetime.now(UTC) - QUIET_FOR, datetime.now(UTC) - QUIET_FOR + timedelta(seconds=40))
    metadata = document["fiber_metadata"]
    document["fiber_metadata"] = {**metadata, "parent": {**metadata["parent"], "cmd": SECRET_COMMAND}}
    site.insert(site.recordings, document)


def _folder(count: int) -> Document:
    return {"_id": ObjectId(), "folder_name": str(uuid.uuid4()), "file_count": count, "update_time": datetime.now(UTC)}


def _folder_without_files(site: Site) -> None:
    site.insert(site.unrecognised, _folder(0))


def _many_folders(site: Site) -> None:
    """One in four would be the limit."""
    for _ in range(len(site.recordings.documents) // 4 + 1):
        site.insert(site.unrecognised, _folder(1))


MUTATIONS: Mapping[str, Callable[[Site], object]] = {
    "storage-path-not-indexed": _path_not_indexed,
    "storage-path-leads-nowhere": _path_leads_nowhere,
    "second-live-entry-for-the-path": _second_live_entry,
    "index-start-time-missing": lambda site: site.drop_index("start_time"),
    "index-end-time-missing": lambda site: site.drop_index("end_time"),
    "index-deleted-missing": lambda site: site.drop_index("deleted"),
    "index-uuid-missing": lambda site: site.drop_index("uuid"),
    "index-uuid-not-unique": lambda site: site.replace_index("uuid"),
    "range-query-without-index": lambda site: site.hide_indexes(),
    "recording-without-uuid": lambda site: site.add(uuid=...),
    "duplicate-uuid": _duplicate_uuid,
    "recording-ends-before-it-starts": lambda site: site.add(seconds=-40),
    "recording-ends-when-it-starts": lambda site: site.add(seconds=0),
    "start-time-is-a-number": lambda site: site.add(start_time=1_700_000_000),
    "end-time-is-a-text": lambda site: site.add(end_time="2026-01-10T08:00:40Z"),
    "deleted-is-a-text": lambda site: site.add(deleted="no"),
    "deleted-mark-missing": lambda site: site.add(deleted=...),
    "recordings-overlap": _overlapping,
    "unrecognised-recording-without-files": _folder_without_files,
    "too-many-unrecognised-recordings": _many_folders,
    "stale-recording-in-the-index": _stale,
    "recording-without-start-time": lambda site: site.add(start_time=...),
    "credentials-in-metadata": _password_in_command,
    "dtype-missing": lambda site: site.change_newest(dtype=...),
    "dtype-not-allowed": lambda site: site.change_newest(dtype="complex64"),
    "pulse-rate-missing": lambda site: site.change_newest(prr=...),
    "samples-and-channels-disagree": lambda site: site.change_newest(
        recorder={"num_samples_per_trace": 9791}, num_samples_per_trace=2048
    ),
}
"""What each fault changes."""


class Mutations:
    """Which of them are in force."""

    def __init__(self) -> None:
        self._sites: dict[str, Site] = {}

    def apply(self, faults: Iterable[str], site: Callable[[], Site]) -> None:
        for fault in sorted(set(faults) & set(MUTATIONS) - set(self._sites)):
            self._sites[fault] = site()
            MUTATIONS[fault](self._sites[fault])

    def undo(self, faults: Iterable[str]) -> None:
        """The last one first: one may have built on another."""
        for fault in [name for name in reversed(self._sites) if name in set(faults)]:
            self._sites.pop(fault).undo()

    def forget(self) -> None:
        """The documents they changed are gone."""
        self._sites.clear()
