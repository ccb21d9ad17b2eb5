"""The recordings that were left open, by the rule, the clock and the classes that the features use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from support.clients.mongodb.facts import Document
from support.data_quality.documents import snapshot_of
from support.data_quality.remedies.changes import CHANGED_FIELDS, RecordingChange
from support.model.index_documents import IndexSnapshot, RecordingDocument

YOUNGEST = timedelta(hours=24)
"""The minimum age of a stale recording. A younger one may be live, whatever an environment file calls stale
(docs/facts/mongodb.md 5)."""


class RecordedCollection(Protocol):
    """The part of the MongoDB client that is used here."""

    def aggregate(self, collection: str, pipeline: Sequence[Mapping[str, Any]]) -> list[Document]: ...

    def find(
        self, collection: str, query: Mapping[str, Any] | None = None, *, projection: Mapping[str, Any] | None = None
    ) -> list[Document]: ...


@dataclass(frozen=True)
class StaleRecordings:
    """The recordings that must be closed. Young open recordings are left alone and reported in ``aside``."""

    changes: tuple[RecordingChange, ...]
    aside: tuple[str, ...]


def stale_recordings(database: RecordedCollection, collection: str, stale_after: timedelta) -> StaleRecordings:
    """Find the recordings that were left open, by the clock of the database."""
    snapshot = snapshot_of(database, collection, max(stale_after, YOUNGEST))
    stale = [entry for entry in snapshot.recordings if snapshot.is_stale(entry)]
    return StaleRecordings(tuple(_changes(database, collection, stale)), tuple(_young(snapshot)))


def _changes(
    database: RecordedCollection, collection: str, stale: list[RecordingDocument]
) -> Iterator[RecordingChange]:
    """Yield the changes with the current values of all fields that closing changes."""
    ids = [entry.raw["_id"] for entry in stale]
    found = database.find(collection, {"_id": {"$in": ids}}, projection=dict.fromkeys(CHANGED_FIELDS, 1))
    were = {document.pop("_id"): document for document in found}
    for entry in stale:
        assert entry.start is not None, "stale without a start"
        yield RecordingChange(
            collection, entry.raw["_id"], str(entry.uuid), entry.start, were.get(entry.raw["_id"], {})
        )


def _young(snapshot: IndexSnapshot) -> Iterator[str]:
    young = sum("live" in snapshot.classes_of(entry) for entry in snapshot.recordings)
    if young:
        hours = snapshot.stale_after.total_seconds() / 3600
        yield f"{young} open recordings begun less than {hours:g} h ago by the clock of the database"
