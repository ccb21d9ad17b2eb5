"""Faults of data that does not survive an outage. They take effect when the process starts with existing data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from bson import ObjectId

from environments.sandbox.mongodb.storage.collection import Collection, Document
from environments.sandbox.mongodb.storage.ordering import sort_key

LOST, TWICE = 3, 2
"""The number of lost recordings, and of duplicated ones."""


def _newest(recordings: Collection, count: int) -> list[Document]:
    dated = [one for one in recordings.documents.values() if isinstance(one.get("start_time"), datetime)]
    return sorted(dated, key=lambda document: sort_key(document["start_time"]))[-count:]


def _lose(recordings: Collection) -> None:
    for document in _newest(recordings, LOST):
        record = recordings.record_of(document["_id"])
        assert record is not None
        recordings.delete(record)


def _double(recordings: Collection) -> None:
    """Duplicate recordings. The unique index is replaced, because it would refuse the duplicates."""
    unique = recordings.find_index({"uuid": 1})
    if unique is not None:
        recordings.drop_index(unique.name)
        recordings.create_index({"key": {"uuid": 1}})
    for document in _newest(recordings, TWICE):
        recordings.insert({**document, "_id": ObjectId()})


def _drop_index(recordings: Collection) -> None:
    index = recordings.find_index({"end_time": 1})
    if index is not None:
        recordings.drop_index(index.name)


DAMAGES: Mapping[str, Callable[[Collection], Any]] = {
    "outage-loses-recordings": _lose,
    "outage-doubles-recordings": _double,
    "outage-drops-an-index": _drop_index,
}
"""The damage of each fault to the recordings."""
