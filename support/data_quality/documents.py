"""Reads all documents of the recording index at one moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Protocol

from support.model.index_documents import IndexSnapshot, RecordingDocument, Unrecognised

UNRECOGNISED_SUFFIX = "-unrecognized_recordings"
_RECORDING, _UNRECOGNISED = "recording", "unrecognised"


class Aggregating(Protocol):
    """The part of the MongoDB client that is used here."""

    def aggregate(self, collection: str, pipeline: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]: ...


def snapshot_of(index: Aggregating, collection: str, stale_after: timedelta) -> IndexSnapshot:
    """Read both collections in one aggregation, so that each document is seen once and all by the same clock."""
    documents = index.aggregate(collection, _pipeline(collection + UNRECOGNISED_SUFFIX))
    return IndexSnapshot(
        collection=collection,
        recordings=tuple(RecordingDocument(raw) for raw in documents if raw["kind"] == _RECORDING),
        unrecognised=tuple(Unrecognised(raw) for raw in documents if raw["kind"] == _UNRECOGNISED),
        taken_at=documents[0]["now"] if documents else None,
        stale_after=stale_after,
    )


def _pipeline(unrecognised: str) -> list[dict[str, Any]]:
    clock = {"now": "$$NOW"}
    recording = {"kind": {"$literal": _RECORDING}, "uuid": 1, "start_time": 1, "end_time": 1, "deleted": 1, **clock}
    folder = {"kind": {"$literal": _UNRECOGNISED}, "folder_name": 1, "file_count": 1, "update_time": 1, **clock}
    return [{"$project": recording}, {"$unionWith": {"coll": unrecognised, "pipeline": [{"$project": folder}]}}]
